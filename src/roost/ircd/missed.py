"""What a client missed while its session moved from one node, or one connection, to another.

The new node has the entries since the position up to which the client was served. It walks them
backwards, from the memberships as they are now, undoing the client's own comings and goings on
the way, and so knows for each entry whether the client could see it.

What the client's own lines did is left out: these lines come again, and are answered then, in
their places among what was missed (see `ircd.handover`). Over another connection they do not. So
the client is shown what the lines of the session that it resumed did, if it would have been shown
it by their answers.
"""

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
    UserModesChanged,
    WentOffline,
    WentOnline,
)
from roost.chat.ids import Position, RoomId
from roost.chat.state import Session, State, User
from roost.irc.capabilities import Capability
from roost.ircd import rendering
from roost.ircd.missed_index import MissedIndex


def missed_lines(
    index: MissedIndex,
    since: Position,
    state: State,
    session: Session,
    server_name: str,
    seen: tuple[Position, int] | None = None,
) -> list[tuple[Position, bytes]]:
    """Render what the entries after `since`, which led to `state`, had to show to `session`.

    Each line comes with the position of its entry. With `seen`, the id of the last message that
    the client saw, it has another connection now.
    """
    walk = _Walk(state, session, server_name, is_resumed=seen is not None)
    for _, applied, change in index.concerning(session, state.users[session.user], since):
        if seen is not None and (applied.position, change.part) <= seen:
            break
        walk.step_back(change, applied)
    walk.lines.reverse()
    return walk.lines


class _Walk:
    """Goes back in time, with the rooms that the client was in at each moment."""

    def __init__(
        self, state: State, session: Session, server_name: str, *, is_resumed: bool
    ) -> None:
        self._session = session
        self._user: User = state.users[session.user]
        self._server_name = server_name
        self._is_resumed = is_resumed
        self._rooms: dict[RoomId, int] = {
            room: state.rooms[room].members[session.user].status for room in self._user.rooms
        }
        """Room -> the client's status in it."""
        self.lines: list[tuple[Position, bytes]] = []
        """The newest first."""

    def step_back(self, change: Change, applied: Applied) -> None:
        """Note a change if the client could see it, then undo what it did to the client."""
        is_own = applied.session == self._session.id
        if self._is_resumed and not is_own and change.source.user == self._user.id:
            is_own = True
            if self._is_answer(change):
                self._note_own(change, applied)
        if self._is_delivered(change, is_own=is_own):
            payload = self._render(change, applied)
            if payload:
                self.lines.append((applied.position, payload))
        user = self._user.id
        match change:
            case Joined() if change.source.user == user:
                self._rooms.pop(change.room, None)
            case Parted() if change.source.user == user:
                self._rooms[change.room] = 0
            case Kicked() if change.user == user:
                self._rooms[change.room] = 0

    def _note_own(self, change: Change, applied: Applied) -> None:
        capabilities = self._session.capabilities
        shown = rendering.line(change, applied.position, applied.time_ms, capabilities)
        if shown is not None:
            self.lines.append((applied.position, rendering.encode(*shown)))

    def _is_answer(self, change: Change) -> bool:
        """Whether the one who did it is shown the change itself; see `ircd.replies`."""
        match change:
            case Said():
                return bool(self._session.capabilities & Capability.ECHO_MESSAGE)
            case RealnameChanged():
                return bool(self._session.capabilities & Capability.SETNAME)
            case Joined() | Parted() | Kicked() | NickChanged():
                return True
            case TopicChanged() | RoomModesChanged() | UserModesChanged():
                return True
        return False

    def _is_delivered(self, change: Change, *, is_own: bool) -> bool:
        user = self._user.id
        match change:
            case Said() if change.recipient:
                # One to oneself is delivered as well as echoed.
                return change.recipient == user
            case WentOnline() | WentOffline():
                return change.folded in self._session.monitored
            case _ if is_own:
                return False
            case Said():
                status = self._rooms.get(change.room)
                return status is not None and status >= change.minimum_status
            case Kicked():
                return change.user == user or change.room in self._rooms
            case Invited():
                return change.user == user or change.room in self._rooms
            case Joined() | Parted() | TopicChanged() | RoomModesChanged():
                return change.room in self._rooms
            case Quitted() | NickChanged() | AwayChanged() | RealnameChanged():
                return any(room in self._rooms for room, _ in change.rooms)
        return False

    def _render(self, change: Change, applied: Applied) -> bytes:
        capabilities = self._session.capabilities
        if isinstance(change, WentOnline | WentOffline):
            return rendering.presence_line(self._server_name, change)
        if isinstance(change, Invited) and change.user == self._user.id:
            shown = rendering.line(change, applied.position, applied.time_ms, capabilities)
            return rendering.encode(*shown) if shown else b""
        return rendering.line_for_others(change, applied.position, applied.time_ms, capabilities)
