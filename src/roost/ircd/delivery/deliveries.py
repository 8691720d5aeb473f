"""Shows a change to this node's clients: turns an audience into items for the balancers.

    everybody in a room    one rendering for each kind of client, one Deliver for each group
    anybody else           one rendering and one DeliverTo for each kind of client

The session that caused the change is left out, because its answer tells it. The user's other
sessions are not: what one client of a user does, the others see.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeAlias

from roost.chat.applied import Applied
from roost.chat.changes import (
    AwayChanged,
    Change,
    Joined,
    Kicked,
    NickChanged,
    Parted,
    Quitted,
    RoomRenamed,
    Said,
)
from roost.chat.ids import Position, RoomId, SessionId, UserId
from roost.chat.state import State
from roost.irc.capabilities import DELIVERY_CAPABILITIES
from roost.ircd.context import Context
from roost.ircd.delivery.audience import NOBODY, audience, is_for_whole_room
from roost.ircd.delivery.siblings import describe_room, lists_apart
from roost.ircd.delivery.told import Audience
from roost.ircd.delivery.unshown import Unshown
from roost.ircd.rendering.messages import encode_said
from roost.ircd.rendering.renaming import is_told_apart
from roost.ircd.rendering.render import PLAIN_WITH, kind_of, payload
from roost.ircd.rendering.viewer import At, Viewer
from roost.ircd.sessions.directory import Directory
from roost.ircd.sessions.groups import Group, Groups
from roost.ircd.sessions.outbox import Outbox
from roost.ircd.sessions.session import LocalSession
from roost.protocol.mesh import Whisper
from roost.protocol.trunk import DeliverTo, Serving

CROWD_MIN = 50
"""Sessions in a room from which on its groups are told, and not each session."""
KINDS_PER_STEP = 12
"""Kinds of viewers for which a change is rendered in one step, as up to five lines each."""
_NO_SESSION = SessionId(0)
_ALIKE = (AwayChanged, NickChanged, Quitted)
"""Changes in several rooms that look alike to everybody but the user who caused them."""

Listings: TypeAlias = deque[tuple[LocalSession, RoomId]]
"""Clients that are to be told who is in a room, when it is their turn."""


class Deliveries:
    """Delivers changes and typing notices to local clients."""

    def __init__(
        self,
        server_name: str,
        outbox: Outbox,
        directory: Directory,
        groups: Groups,
        make_context: Callable[[LocalSession], Context],
        listings: Listings,
        unshown: Unshown,
    ) -> None:
        """Get clients that are to be told of a renamed room's members into `listings`.

        What takes too long for one turn goes on in `unshown`.
        """
        self._unshown = unshown
        self._server_name = server_name
        self._make_context = make_context
        self._listings = listings
        self._outbox = outbox
        self._directory = directory
        self._groups = groups
        self.count = 0
        """Lines that clients get because somebody else did something, since it was last reset."""

    def show(
        self, change: Change, applied: Applied, asking: LocalSession | None, state: State
    ) -> None:
        """Show one change; `state` is the state right after its entry.

        `asking` is the session whose line it was, if that is a local one. Its answer tells it what
        its user did, and what a service did for it. What its line makes other users do is delivered
        to it as to everybody.
        """
        asker, source = _NO_SESSION, change.source.user
        if asking is not None and (source == asking.user or not source):
            asker = asking.id
        at = At(applied.position, applied.time_ms, self._server_name)
        self._deliver(change, at, asker, state)
        if type(change) is not Said:
            self._follow(change, asker)

    def show_message(
        self, said: Said, applied: Applied, asking: LocalSession | None, state: State
    ) -> None:
        """Show a message, as `show` does: to all in a room, with less to look up."""
        source = said.source.user
        own = self._directory.of_user(source)
        # Most have no client here, or the one that asked.
        is_alone = not own or (asking is not None and len(own) == 1 and own[0] is asking)
        if not is_alone or not is_for_whole_room(said):
            self.show(said, applied, asking, state)
            return
        groups = self._groups.of_room(said.room)
        if not groups:
            return
        asker = asking.id if asking is not None and (own or not source) else _NO_SESSION
        capabilities = -1
        payloads: dict[int, bytes] = {}
        shown = b""
        for group in groups:
            if asker and group.size == 1 and asker in group.sessions:
                continue
            if group.capabilities != capabilities:
                if capabilities >= 0:
                    payloads[capabilities] = shown
                capabilities = group.capabilities
                known = payloads.get(capabilities) if payloads else None
                if known is None:
                    known = encode_said(said, applied.position, applied.time_ms, capabilities)
                shown = known
            if shown:
                self.count += group.size
                self._outbox.deliver(group.balancer, group.number, asker, shown)

    def _follow(self, change: Change, asker: SessionId) -> None:
        """Move sessions between groups, and describe what they enter."""
        match change:
            case Joined():
                for session in self._directory.of_user(change.source.user):
                    self._groups.enter(session, change.room, change.name)
                    if session.id != asker:
                        self._unshown.begin(self._describe(session, change.room))
            case Parted():
                self._leave(change.source.user, change.room)
            case Kicked():
                self._leave(change.user, change.room)
            case NickChanged():
                for session in self._directory.of_user(change.source.user):
                    session.nick = change.nick
                    served = Serving(session.id, session.generation, session.nick)
                    self._outbox.item(session.balancer, served)
            case RoomRenamed():
                self._groups.rename(change.room, change.name)
                if is_told_apart(change):
                    self._list_members(change, asker)

    def whisper(self, whisper: Whisper, state: State, asker: SessionId) -> None:
        """Show a typing notice; `asker` is 0 when it comes from another node."""
        self._deliver(whisper, At(Position(0), whisper.time_ms, self._server_name), asker, state)

    def _describe(self, session: LocalSession, room: RoomId) -> Iterator[None]:
        """Describe a room to a client whose user has entered it by another one, by step."""
        for described in describe_room(self._make_context(session), room):
            if self._directory.by_id.get(session.id) is not session:
                return
            if described:
                self._outbox.item(session.balancer, DeliverTo((session.id,), described))
            yield

    def _list_members(self, change: RoomRenamed, asker: SessionId) -> None:
        for session in self._groups.sessions_in(change.room):
            if session.id != asker and lists_apart(change, self._make_context(session)):
                self._listings.append((session, change.room))

    def _leave(self, user: UserId, room: RoomId) -> None:
        for session in self._directory.of_user(user):
            self._groups.leave(session, room)

    def _deliver(self, change: Change | Whisper, at: At, asker: SessionId, state: State) -> None:
        told = audience(change)
        if told is NOBODY:
            return
        if told.reaches_asker:
            asker = _NO_SESSION
        sessions = self._named(told, change.source.user, asker, state)
        if told.is_whole_room:
            room = told.rooms[0]
            if sessions:
                sessions = [one for one in sessions if not self._groups.has(one, room)]
            if groups := self._groups.of_room(room):
                sessions += self._to_groups(groups, change, at, asker)
        elif (crowd := self._crowd(change, told)) is not None:
            sessions = self._to_crowd(crowd, change, at, told, sessions)
        else:
            for room in told.rooms:
                sessions += self._members(room, told, state)
        if sessions:
            distinct = {one.id: one for one in sessions}
            distinct.pop(asker, None)
            self._outbox.looked_at(len(sessions))
            self._unshown.begin(self._to_sessions(distinct.values(), told, change, at, state))

    def _crowd(self, change: Change | Whisper, told: Audience) -> RoomId | None:
        """Return the biggest room of a change that looks alike to all others in its rooms.

        None if no room is big, or if the user has several clients here, as a group is told of only
        one who is left out.
        """
        if not isinstance(change, _ALIKE) or len(self._directory.of_user(change.source.user)) > 1:
            return None
        sizes = {room: self._groups.size(room) for room in told.rooms}
        crowd = max(sizes, key=sizes.__getitem__, default=None)
        return crowd if crowd is not None and sizes[crowd] >= CROWD_MIN else None

    def _to_crowd(
        self,
        crowd: RoomId,
        change: Change | Whisper,
        at: At,
        told: Audience,
        named: list[LocalSession],
    ) -> list[LocalSession]:
        """Show a change to the groups of a crowd; return whom to tell besides, maybe repeated."""
        own = self._directory.of_user(change.source.user)
        rest = [one for one in named if one in own or not self._groups.has(one, crowd)]
        groups = self._groups.of_room(crowd)
        rest += self._to_groups(groups, change, at, own[0].id if own else _NO_SESSION)
        for room in told.rooms:
            if room != crowd:
                members = list(self._groups.sessions_in(room))
                self._outbox.looked_at(len(members))
                rest += [one for one in members if not self._groups.has(one, crowd)]
        return rest

    def _named(
        self, told: Audience, source: UserId, asker: SessionId, state: State
    ) -> list[LocalSession]:
        """Return those who are told for other reasons than being in a room, possibly repeated."""
        named: list[LocalSession] = []
        if told.siblings == "always":
            own = self._directory.of_user(source)
            # Most have one client, which is the asker.
            if own and (len(own) > 1 or own[0].id != asker):
                named = [one for one in own if one.id != asker]
        for user in told.users:
            named += self._directory.of_user(user)
        if told.watched:
            need = told.watchers_need
            watchers = self._directory.watchers(told.watched)
            named += [one for one in watchers if one.capabilities & need == need]
        if told.mode:
            for session in self._directory.by_id.values():
                known = state.users.get(session.user)
                if known is not None and session.handover is None and told.mode in known.modes:
                    named.append(session)
        return named

    def _members(self, room: RoomId, told: Audience, state: State) -> Iterable[LocalSession]:
        """Return the local sessions in a room whose users have the status that is required."""
        sessions = self._groups.sessions_in(room)
        if not told.minimum_status or not self._groups.of_room(room):
            return sessions
        members = state.rooms[room].members
        return [
            session
            for session in sessions
            if session.user in members and members[session.user].status >= told.minimum_status
        ]

    def _to_groups(
        self, groups: Iterable[Group], change: Change | Whisper, at: At, asker: SessionId
    ) -> list[LocalSession]:
        """Show a change to a room; return the sessions that need a rendering of their own."""
        personal: list[LocalSession] = []
        payloads: dict[int, bytes] = {}
        plain_with = PLAIN_WITH.get(type(change))
        for group in groups:
            if group.size == 1 and asker in group.sessions:
                continue
            shown = payloads.get(group.capabilities)
            if shown is None:
                if plain_with is not None and not group.capabilities & plain_with:
                    personal += group.sessions.values()
                    continue
                shown = payload(change, at, group.viewer)
                payloads[group.capabilities] = shown
            if shown:
                self.count += group.size
                self._outbox.deliver(group.balancer, group.number, asker, shown)
        return personal

    def _to_sessions(
        self,
        sessions: Iterable[LocalSession],
        told: Audience,
        change: Change | Whisper,
        at: At,
        state: State,
    ) -> Iterator[None]:
        """Show a change to sessions by step, rendering it once for each kind of viewer."""
        source = change.source.user
        is_kept_from_source = told.siblings == "never"
        has_kinds = type(change) in PLAIN_WITH
        kinds: dict[Hashable, list[LocalSession]] = {}
        for session in sessions:
            capabilities = session.capabilities
            if capabilities & told.needs != told.needs:
                continue
            if is_kept_from_source and session.user == source:
                continue
            role = (
                session.user if session.user == source or session.user in told.users else UserId(0)
            )
            rest = kind_of(change, self._viewer(session, state)) if has_kinds else None
            kind = (session.balancer, capabilities & DELIVERY_CAPABILITIES, role, rest)
            kinds.setdefault(kind, []).append(session)
        for count, alike in enumerate(kinds.values()):
            if count and not count % KINDS_PER_STEP:
                yield
                by_id = self._directory.by_id
                alike = [one for one in alike if by_id.get(one.id) is one]
                if not alike:
                    continue
            shown = payload(change, at, self._viewer(alike[0], state))
            if shown:
                self.count += len(alike)
                numbers = tuple([session.id for session in alike])
                self._outbox.item(alike[0].balancer, DeliverTo(numbers, shown))

    def _viewer(self, session: LocalSession, state: State) -> Viewer:
        known = state.sessions.get(session.id)
        return Viewer(
            session.capabilities,
            session.user,
            dict.fromkeys(self._groups.rooms_of(session), 0),
            () if known is None else known.subscribed,
            nick=session.nick,
        )
