"""Shows what somebody did to everybody else: changes become items for the balancers.

    room's message   one rendering for each kind of client, one Deliver for each group
    QUIT, NICK, ...  each session that shares a room once: one DeliverTo for each kind of client
    private          the recipient's sessions, and the sender's others

The one who asked is left out: it is told in the answer to its line. Its user's other sessions are
not: what one client of a user does, all of them see (`delivery.siblings` has what is particular).
"""

from collections.abc import Callable, Iterable

from roost.chat.applied import Applied
from roost.chat.changes import (
    AccountChanged,
    AwayChanged,
    Change,
    HostChanged,
    Invited,
    Joined,
    Kicked,
    Killed,
    MetadataChanged,
    NickChanged,
    OperatorsTold,
    Parted,
    Quitted,
    ReadMarked,
    RealnameChanged,
    Redacted,
    RoomModesChanged,
    RoomRenamed,
    Said,
    TopicChanged,
    UserModesChanged,
    Wallopped,
    WentOffline,
    WentOnline,
)
from roost.chat.ids import FoldedNick, RoomId, SessionId, UserId
from roost.chat.state import State
from roost.instant import Instant
from roost.irc.capabilities import DELIVERY_CAPABILITIES, Capability
from roost.irc.casemapping import fold_nick
from roost.ircd.config import Config
from roost.ircd.context import Context
from roost.ircd.delivery.siblings import is_shown_apart, show_apart
from roost.ircd.rendering import host_changes, metadata_lines, renaming, rendering
from roost.ircd.replies import operator_lines, read_marker_lines
from roost.ircd.sessions.directory import Directory
from roost.ircd.sessions.groups import Groups
from roost.ircd.sessions.outbox import Outbox
from roost.ircd.sessions.session import LocalSession
from roost.protocol.mesh import Whisper
from roost.protocol.trunk import Deliver, DeliverTo


class Deliveries:
    """The way of a change to this node's clients."""

    def __init__(
        self, config: Config, outbox: Outbox, directory: Directory, groups: Groups
    ) -> None:
        self._config = config
        self._outbox = outbox
        self._directory = directory
        self._groups = groups
        self.count = 0
        """Lines that went, or go, to a client's socket because somebody else did something."""

    def show(self, change: Change, applied: Applied, state: State) -> None:
        """Show one change; `state` is the one right after the entry."""
        match change:
            case Said():
                self._show_said(change, applied, state)
            case TopicChanged() | RoomModesChanged():
                self._to_room(change.room, change, applied)
            case Joined():
                self._to_room(change.room, change, applied)
                for session in self._directory.of_user(change.source.user):
                    self._groups.enter(session, change.room)
                self._show_apart(change, applied, state)
            case Parted():
                self._to_room(change.room, change, applied)
                self._remove(change.source.user, change.room)
            case Kicked():
                self._to_room(change.room, change, applied)
                self._remove(change.user, change.room)
            case Quitted() | RealnameChanged() | AccountChanged():
                self._show_in_common(change, applied)
            case HostChanged():
                self._show_host(change, applied)
            case NickChanged():
                self._show_in_common(change, applied)
                for session in self._directory.of_user(change.source.user):
                    session.nick = change.nick
            case AwayChanged():
                self._show_in_common(change, applied)
                if is_shown_apart(change):
                    self._show_apart(change, applied, state)
            case UserModesChanged():
                self._show_apart(change, applied, state)
            case Invited():
                self._show_invited(change, applied)
            case RoomRenamed():
                self._show_renamed(change, applied)
            case MetadataChanged():
                self._show_metadata(change, applied, state)
            case Redacted():
                self._show_redacted(change, applied)
            case ReadMarked():
                self._show_read(change, applied)
            case WentOnline() | WentOffline():
                self._show_presence(change)
            case Killed():
                self._send(
                    self._directory.of_user(change.user),
                    lambda kind: operator_lines.kill_payload(change, applied.time_ms, kind),
                )
            case OperatorsTold() | Wallopped():
                self._show_told(change, applied, state)

    def _asker(self, change: Change, applied: Applied) -> SessionId:
        """The session that is told of a change in an answer; 0 when it is none of ours.

        What a line made somebody else do is told to the one who sent it as to everybody.
        """
        session = self._directory.by_id.get(applied.session)
        # What a service did for it belongs among the rest of the answer.
        if session is None or change.source.user not in (session.user, UserId(0)):
            return SessionId(0)
        return session.id

    def _siblings(self, user: UserId, asker: SessionId) -> list[LocalSession]:
        """The local sessions of a user, but for the one that asked."""
        return [s for s in self._directory.of_user(user) if s.id != asker]

    def _show_said(self, change: Said, applied: Applied, state: State) -> None:
        asker = self._asker(change, applied)
        siblings = self._siblings(change.source.user, asker)
        if change.recipient:
            recipients = list(self._directory.of_user(change.recipient))
            if change.recipient != change.source.user:
                recipients += siblings
            self._to_sessions(recipients, change, applied)
        elif change.minimum_status:
            sessions = {s.id: s for s in self._of_status(state, change.room, change.minimum_status)}
            sessions.pop(asker, None)
            sessions.update({s.id: s for s in siblings})
            self._to_sessions(sessions.values(), change, applied)
        else:
            self._to_room(change.room, change, applied)
            if siblings:
                outside = [s for s in siblings if not self._groups.has(s, change.room)]
                self._to_sessions(outside, change, applied)

    def _show_apart(self, change: Change, applied: Applied, state: State) -> None:
        """Show a change to the other clients of the one who did it, as is particular to them."""
        for session in self._siblings(change.source.user, self._asker(change, applied)):
            now = Instant(0.0, applied.time_ms)
            payload = show_apart(Context(self._config, state, session, now, 0), change, applied)
            self.count += 1
            self._outbox.item(session.balancer, DeliverTo((session.id,), payload))

    def whisper(self, whisper: Whisper, state: State, excluded: SessionId) -> None:
        """Show a typing notice to those local clients that it is for, and to the doer's others."""
        siblings = self._siblings(whisper.source.user, excluded)
        if whisper.recipient:
            recipients = list(self._directory.of_user(whisper.recipient))
            # One to oneself is delivered as well as echoed, as a message would be.
            if whisper.recipient != whisper.source.user:
                recipients += siblings
        elif whisper.minimum_status:
            sessions = {
                s.id: s for s in self._of_status(state, whisper.room, whisper.minimum_status)
            }
            sessions.pop(excluded, None)
            sessions.update({s.id: s for s in siblings})
            recipients = list(sessions.values())
        else:
            for group in self._groups.of_room(whisper.room):
                payload = rendering.whisper_line(whisper, group.capabilities)
                if payload:
                    self.count += len(group.sessions)
                    item = Deliver(group.number, excluded, payload)
                    self._outbox.item(group.balancer, item)
            recipients = [s for s in siblings if not self._groups.has(s, whisper.room)]
        self._send(recipients, lambda capabilities: rendering.whisper_line(whisper, capabilities))

    def _of_status(self, state: State, room_id: RoomId, minimum: int) -> list[LocalSession]:
        if not self._groups.of_room(room_id):
            return []
        members = state.rooms[room_id].members
        return [
            session
            for session in self._groups.sessions_in(room_id)
            if session.user in members and members[session.user].status >= minimum
        ]

    def _to_room(self, room: RoomId, change: Change, applied: Applied) -> None:
        payloads: dict[int, bytes] = {}
        asker = self._asker(change, applied)
        for group in self._groups.of_room(room):
            payload = payloads.get(group.capabilities)
            if payload is None:
                payload = payloads[group.capabilities] = rendering.line_for_others(
                    change, applied.position, applied.time_ms, group.capabilities
                )
            if payload:
                self.count += len(group.sessions)
                self._outbox.item(group.balancer, Deliver(group.number, asker, payload))

    def _to_sessions(
        self, sessions: Iterable[LocalSession], change: Change, applied: Applied
    ) -> None:
        def render(capabilities: int) -> bytes:
            return rendering.line_for_others(
                change, applied.position, applied.time_ms, capabilities
            )

        self._send(sessions, render)

    def _send(self, sessions: Iterable[LocalSession], render: Callable[[int], bytes]) -> None:
        """Send each session what its capabilities call for, rendered once for each kind."""
        kinds: dict[tuple[str, int], list[int]] = {}
        for session in sessions:
            kind = session.capabilities & DELIVERY_CAPABILITIES
            kinds.setdefault((session.balancer, kind), []).append(session.id)
        for (balancer, kind), numbers in kinds.items():
            payload = render(kind)
            if payload:
                self.count += len(numbers)
                self._outbox.item(balancer, DeliverTo(tuple(numbers), payload))

    def _remove(self, user: UserId, room: RoomId) -> None:
        for session in self._directory.of_user(user):
            self._groups.leave(session, room)

    def _show_in_common(
        self,
        change: Quitted | NickChanged | AwayChanged | RealnameChanged | AccountChanged,
        applied: Applied,
    ) -> None:
        """Show a change to everybody who shares a room with its source, once."""
        seen: dict[SessionId, LocalSession] = {}
        for session in self._directory.of_user(change.source.user):
            seen[session.id] = session
        for room, _ in change.rooms:
            for session in self._groups.sessions_in(room):
                seen[session.id] = session
        if isinstance(change, AccountChanged) or (
            isinstance(change, AwayChanged | RealnameChanged) and change.is_news
        ):
            seen.update(self._extended_watchers(change.source.nick))
        # The one who asked is answered, who is gone has a line of their own, and of being away
        # one's own clients learn in another way.
        asker = self._asker(change, applied)
        is_for_others = isinstance(change, Quitted | AwayChanged)
        others = (
            session
            for session in seen.values()
            if session.id != asker and not (is_for_others and session.user == change.source.user)
        )
        self._to_sessions(others, change, applied)

    def _extended_watchers(self, nick: str) -> dict[SessionId, LocalSession]:
        """Who wants to know more of a monitored nickname than whether it is in use."""
        return {
            session.id: session
            for session in self._directory.watchers(FoldedNick(fold_nick(nick)))
            if session.capabilities & Capability.EXTENDED_MONITOR
        }

    def _show_host(self, change: HostChanged, applied: Applied) -> None:
        """Show another host; who knows of no CHGHOST sees people leave and come back."""
        name, position, time_ms = self._config.server_name, applied.position, applied.time_ms
        own = self._siblings(change.source.user, self._asker(change, applied))
        self._send(
            own,
            lambda kind: host_changes.payload_for_self(change, position, time_ms, kind, name),
        )
        seen = self._extended_watchers(change.source.nick)
        shared: dict[SessionId, dict[RoomId, None]] = {}
        for room, _ in change.rooms:
            for session in self._groups.sessions_in(room):
                seen[session.id] = session
                shared.setdefault(session.id, {})[room] = None
        kinds: dict[tuple[RoomId, ...], list[LocalSession]] = {}
        for session in seen.values():
            if session.user != change.source.user:
                kinds.setdefault(tuple(shared.get(session.id, ())), []).append(session)
        for rooms, sessions in kinds.items():
            self._send(
                sessions,
                lambda kind, rooms=rooms: host_changes.payload_for_others(  # type: ignore[misc]
                    change, position, time_ms, kind, rooms, name
                ),
            )

    def _show_redacted(self, change: Redacted, applied: Applied) -> None:
        if change.room:
            self._to_room(change.room, change, applied)
            return
        recipients = list(self._directory.of_user(change.recipient)) if change.recipient else []
        if change.recipient != change.source.user:
            recipients += self._siblings(change.source.user, self._asker(change, applied))
        else:
            asker = self._asker(change, applied)
            recipients = [session for session in recipients if session.id != asker]
        self._to_sessions(recipients, change, applied)

    def _show_read(self, change: ReadMarked, applied: Applied) -> None:
        asker = self._asker(change, applied)
        own = (session for user in change.users for session in self._siblings(user, asker))
        told = [one for one in own if read_marker_lines.is_told(change, one.capabilities)]
        self._send(told, lambda _: read_marker_lines.payload(self._config.server_name, change))

    def _show_invited(self, change: Invited, applied: Applied) -> None:
        def render(capabilities: int) -> bytes:
            shown = rendering.line(change, applied.position, applied.time_ms, capabilities)
            return rendering.encode(*shown) if shown else b""

        self._send(self._directory.of_user(change.user), render)
        self._to_room(change.room, change, applied)

    def _show_presence(self, change: WentOnline | WentOffline) -> None:
        watchers = self._directory.watchers(change.folded)
        if not watchers:
            return
        # "The server may send '*' instead of the nick", so that one line serves all.
        payload = rendering.presence_line(self._config.server_name, change)
        self._send(watchers, lambda _: payload)

    def _show_told(self, change: OperatorsTold | Wallopped, applied: Applied, state: State) -> None:
        """Show what operators do, or say, to those whose user mode asks for it."""
        letter = operator_lines.mode_of(change)
        asker = self._asker(change, applied)
        listening = []
        for session in self._directory.by_id.values():
            user = state.users.get(session.user)
            is_live = session.handover is None and session.id != asker
            if user is not None and is_live and letter in user.modes:
                listening.append(session)
        name, time_ms = self._config.server_name, applied.time_ms
        self._send(listening, lambda kind: operator_lines.payload(name, change, time_ms, kind))

    def _show_renamed(self, change: RoomRenamed, applied: Applied) -> None:
        """Show a room's new name; who knows of no such thing needs lines of their own."""
        self._to_room(change.room, change, applied)
        asker = self._asker(change, applied)
        name = self._config.server_name
        for session in list(self._groups.sessions_in(change.room)):
            if session.id != asker and not session.capabilities & Capability.CHANNEL_RENAME:
                payload = renaming.payload_for(
                    change,
                    applied.position,
                    applied.time_ms,
                    session.capabilities,
                    session.user,
                    name,
                )
                if payload:
                    self.count += 1
                    self._outbox.item(session.balancer, DeliverTo((session.id,), payload))

    def _show_metadata(self, change: MetadataChanged, applied: Applied, state: State) -> None:
        """Show metadata to those who subscribed to it, once for each kind of client and keys."""
        seen: dict[SessionId, LocalSession] = {}
        for room, _ in change.rooms:
            seen.update({session.id: session for session in self._groups.sessions_in(room)})
        if change.folded:
            seen.update({one.id: one for one in self._directory.watchers(change.folded)})
        own = {session.id: session for session in self._directory.of_user(change.source.user)}
        if change.cause == "presence":
            for number in own:
                seen.pop(number, None)
        else:
            seen.update(own)
        seen.pop(self._asker(change, applied), None)
        kinds: dict[tuple[str, ...], list[LocalSession]] = {}
        for session in seen.values():
            known = state.sessions.get(session.id)
            if known is not None:
                keys = metadata_lines.keys_for(change, session.capabilities, known.subscribed)
                kinds.setdefault(keys, []).append(session)
        kinds.pop((), None)
        for keys, sessions in kinds.items():
            self._send(
                sessions,
                lambda capabilities, keys=keys: metadata_lines.payload(  # type: ignore[misc]
                    change, applied.time_ms, capabilities, keys
                ),
            )
