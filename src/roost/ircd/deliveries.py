"""Shows what somebody did to everybody else: changes become items for the balancers.

    room's message   one rendering for each kind of client, one Deliver for each group
    QUIT, NICK, ...  each session that shares a room once: one DeliverTo for each kind of client
    private          the recipient's sessions

The one who asked is left out: it is told in the answer to its line.
"""

from collections.abc import Callable, Iterable

from roost.chat.applied import Applied
from roost.chat.changes import (
    AwayChanged,
    Change,
    Invited,
    Joined,
    Kicked,
    NickChanged,
    Parted,
    Quitted,
    RealnameChanged,
    RoomModesChanged,
    Said,
    TopicChanged,
    WentOffline,
    WentOnline,
)
from roost.chat.ids import RoomId, SessionId, UserId
from roost.chat.state import State
from roost.ircd import rendering
from roost.ircd.directory import Directory
from roost.ircd.groups import Groups
from roost.ircd.outbox import Outbox
from roost.ircd.session import LocalSession
from roost.ircd.whisper import Whisper
from roost.trunk.frames import Deliver, DeliverTo


class Deliveries:
    """The way of a change to this node's clients."""

    def __init__(
        self, server_name: str, outbox: Outbox, directory: Directory, groups: Groups
    ) -> None:
        self._server_name = server_name
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
            case Parted():
                self._to_room(change.room, change, applied)
                self._remove(change.source.user, change.room)
            case Kicked():
                self._to_room(change.room, change, applied)
                self._remove(change.user, change.room)
            case Quitted() | NickChanged() | AwayChanged() | RealnameChanged():
                self._show_in_common(change, applied)
            case Invited():
                self._show_invited(change, applied)
            case WentOnline() | WentOffline():
                self._show_presence(change)

    def _show_said(self, change: Said, applied: Applied, state: State) -> None:
        if change.recipient:
            self._to_sessions(self._directory.of_user(change.recipient), change, applied)
        elif change.minimum_status:
            sessions = self._of_status(state, change.room, change.minimum_status)
            others = (session for session in sessions if session.id != applied.session)
            self._to_sessions(others, change, applied)
        else:
            self._to_room(change.room, change, applied)

    def whisper(self, whisper: Whisper, state: State, excluded: SessionId) -> None:
        """Show a typing notice to those local clients that it is for."""
        recipients: Iterable[LocalSession]
        if whisper.recipient:
            recipients = self._directory.of_user(whisper.recipient)
        elif whisper.minimum_status:
            recipients = self._of_status(state, whisper.room, whisper.minimum_status)
        else:
            for group in self._groups.of_room(whisper.room):
                payload = rendering.whisper_line(whisper, group.capabilities)
                if payload:
                    self.count += len(group.sessions)
                    item = Deliver(group.number, excluded, payload)
                    self._outbox.item(group.balancer, item)
            return
        # One to oneself is delivered as well as echoed, as a message would be.
        others = (s for s in recipients if whisper.recipient or s.id != excluded)
        self._send(others, lambda capabilities: rendering.whisper_line(whisper, capabilities))

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
        for group in self._groups.of_room(room):
            payload = payloads.get(group.capabilities)
            if payload is None:
                payload = payloads[group.capabilities] = rendering.line_for_others(
                    change, applied.position, applied.time_ms, group.capabilities
                )
            if payload:
                self.count += len(group.sessions)
                self._outbox.item(group.balancer, Deliver(group.number, applied.session, payload))

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
            kind = session.capabilities & rendering.DELIVERY_CAPABILITIES
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
        self, change: Quitted | NickChanged | AwayChanged | RealnameChanged, applied: Applied
    ) -> None:
        """Show a change to everybody who shares a room with its source, once."""
        seen: dict[SessionId, LocalSession] = {}
        for session in self._directory.of_user(change.source.user):
            seen[session.id] = session
        for room, _ in change.rooms:
            for session in self._groups.sessions_in(room):
                seen[session.id] = session
        # The one who asked is answered, and the one who is gone has a line of their own.
        is_quit = type(change) is Quitted
        others = (
            session
            for session in seen.values()
            if session.id != applied.session
            and not (is_quit and session.user == change.source.user)
        )
        self._to_sessions(others, change, applied)

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
        payload = rendering.presence_line(self._server_name, change)
        self._send(watchers, lambda _: payload)
