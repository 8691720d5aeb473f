"""What a client missed while its session moved from one node, or one connection, to another.

The new node has the entries since the position up to which the client was served. It walks them
backwards, from the memberships as they are now, undoing the client's own comings and goings on
the way, and so knows for each entry whether the client could see it.

What the client's own lines did is left out: these lines come again, and are answered then, in
their places among what was missed (see `sessions.handover`). Over another connection they do not.
So the client is shown what the lines of the session that it resumed did, if it would have been
shown it by their answers. What other clients of its user did it is
shown as it would have been live.
"""

from typing import NamedTuple

from roost.chat.applied import Applied
from roost.chat.changes import (
    OPERATOR,
    VOICE,
    AccountChanged,
    AwayChanged,
    Change,
    HostChanged,
    Invited,
    Joined,
    Kicked,
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
    SessionResumed,
    SubscriptionsChanged,
    TopicChanged,
    UserModesChanged,
    Wallopped,
    WentOffline,
    WentOnline,
)
from roost.chat.ids import Position, RoomId
from roost.chat.state import Session, State, User
from roost.irc.capabilities import Capability
from roost.irc.casemapping import fold_nick
from roost.ircd.delivery.missed_index import MissedIndex
from roost.ircd.delivery.siblings import ShowApart, is_shown_apart
from roost.ircd.rendering import host_changes, metadata_lines, renaming, rendering
from roost.ircd.replies import operator_lines, read_marker_lines

_STATUS = {"o": OPERATOR, "v": VOICE}


class Missed(NamedTuple):
    """What a session missed."""

    lines: list[tuple[Position, bytes]]
    """In order, each with the position of its entry."""
    rooms: list[RoomId]
    """Where the user was when it began to miss things."""


def look_back(
    index: MissedIndex,
    since: Position,
    state: State,
    session: Session,
    server_name: str,
    seen: tuple[Position, int] | None = None,
    *,
    show_apart: ShowApart,
) -> Missed:
    """Render what the entries after `since`, which led to `state`, had to show to `session`.

    With `seen`, the id of the last message that the client saw, it has another connection now.
    `show_apart` writes what `siblings.is_shown_apart` for the session.
    """
    walk = _Walk(state, session, server_name, show_apart, is_resumed=seen is not None)
    for _, applied, change in index.concerning(session, state.users[session.user], since):
        if seen is not None and (applied.position, change.part) <= seen:
            break
        walk.step_back(change, applied)
    walk.lines.reverse()
    return Missed(walk.lines, list(walk.rooms))


class _Walk:
    """Goes back in time, with the rooms that the client was in at each moment."""

    def __init__(
        self,
        state: State,
        session: Session,
        server_name: str,
        show_apart: ShowApart,
        *,
        is_resumed: bool,
    ) -> None:
        self._session = session
        self._user: User = state.users[session.user]
        self._nick = self._user.nick
        """What the client was called, as far as the walk has come."""
        self._server_name = server_name
        self._show_apart = show_apart
        self._is_resumed = is_resumed
        self._connections = {session.id: None}
        """The session, and those that it resumed, as far as the walk has come."""
        self.rooms: dict[RoomId, int] = {
            room: state.rooms[room].members[session.user].status for room in self._user.rooms
        }
        """Room -> the client's status in it."""
        self._subscribed = dict.fromkeys(session.subscribed)
        self._modes = self._user.modes
        self.lines: list[tuple[Position, bytes]] = []
        """The newest first."""

    def step_back(self, change: Change, applied: Applied) -> None:
        """Note a change if the client could see it, then undo what it did to the client."""
        user = self._user.id
        is_by_user = change.source.user == user
        # What a service does for a client is told in the answer to its line.
        is_own = applied.session in self._connections and (is_by_user or not change.source.user)
        if is_own and applied.session != self._session.id and self._is_answer(change):
            self._note_own(change, applied)
        if self._is_delivered(change, is_own=is_own, is_by_user=is_by_user):
            payload = self._render(change, applied, is_by_user=is_by_user)
            if payload:
                self.lines.append((applied.position, payload))
        match change:
            case SessionResumed() if self._is_resumed and change.session in self._connections:
                self._connections[change.previous] = None
            case Joined() if is_by_user:
                self.rooms.pop(change.room, None)
            case Parted() if is_by_user:
                self.rooms[change.room] = change.status
            case Kicked() if change.user == user:
                self.rooms[change.room] = change.status
            case RoomModesChanged() if change.room in self.rooms:
                self._undo_modes(change)
            case NickChanged() if is_by_user:
                self._nick = change.source.nick
            case UserModesChanged() if is_by_user:
                for mode in change.changes:
                    self._modes = self._modes.replace(mode.letter, "")
                    self._modes += "" if mode.is_added else mode.letter
            case SubscriptionsChanged() if change.session in self._connections:
                for key in change.added:
                    self._subscribed.pop(key, None)
                self._subscribed.update(dict.fromkeys(change.removed))

    def _undo_modes(self, change: RoomModesChanged) -> None:
        for mode in reversed(change.changes):
            bit = _STATUS.get(mode.letter, 0)
            if bit and fold_nick(mode.parameter) == fold_nick(self._nick):
                status = self.rooms[change.room]
                self.rooms[change.room] = status & ~bit if mode.is_added else status | bit

    def _note_own(self, change: Change, applied: Applied) -> None:
        capabilities = self._session.capabilities
        if isinstance(change, RoomRenamed):
            self.lines.append((applied.position, self._renamed(change, applied)))
            return
        if isinstance(change, HostChanged):
            self.lines.append((applied.position, self._host(change, applied, is_own=True)))
            return
        if isinstance(change, OperatorsTold | Wallopped):
            self.lines.append((applied.position, self._told(change, applied)))
            return
        if isinstance(change, ReadMarked):
            line = read_marker_lines.payload(self._server_name, change)
            self.lines.append((applied.position, line))
            return
        payload = rendering.payload(change, applied.position, applied.time_ms, capabilities)
        if payload:
            self.lines.append((applied.position, payload))

    def _told(self, change: OperatorsTold | Wallopped, applied: Applied) -> bytes:
        capabilities = self._session.capabilities
        return operator_lines.payload(self._server_name, change, applied.time_ms, capabilities)

    def _renamed(self, change: RoomRenamed, applied: Applied) -> bytes:
        return renaming.payload_for(
            change,
            applied.position,
            applied.time_ms,
            self._session.capabilities,
            self._user.id,
            self._server_name,
        )

    def _host(self, change: HostChanged, applied: Applied, *, is_own: bool) -> bytes:
        position, time_ms = applied.position, applied.time_ms
        capabilities, name = self._session.capabilities, self._server_name
        if is_own:
            return host_changes.payload_for_self(change, position, time_ms, capabilities, name)
        return host_changes.payload_for_others(
            change, position, time_ms, capabilities, self.rooms, name
        )

    def _is_watched(self, change: Change) -> bool:
        """Whether the client is told more of who did it because it watches the nickname."""
        is_extended = bool(self._session.capabilities & Capability.EXTENDED_MONITOR)
        return is_extended and fold_nick(change.source.nick) in self._session.monitored

    def _is_answer(self, change: Change) -> bool:
        """Whether the one who did it is shown the change itself; see `ircd.serving.results`."""
        match change:
            case Said():
                return bool(self._session.capabilities & Capability.ECHO_MESSAGE)
            case RealnameChanged():
                return bool(self._session.capabilities & Capability.SETNAME)
            case Joined() | Parted() | Kicked() | NickChanged() | ReadMarked():
                return True
            case TopicChanged() | RoomModesChanged() | UserModesChanged() | RoomRenamed():
                return True
            case AccountChanged() | HostChanged() | OperatorsTold() | Redacted():
                return True
            case Wallopped():
                return operator_lines.mode_of(change) in self._modes
        return False

    def _is_delivered(self, change: Change, *, is_own: bool, is_by_user: bool) -> bool:
        user = self._user.id
        match change:
            case Said() if change.recipient:
                # One to oneself is delivered as well as echoed.
                return change.recipient == user or (is_by_user and not is_own)
            case WentOnline() | WentOffline():
                return change.folded in self._session.monitored
            case _ if is_own:
                return False
            case AwayChanged() | RealnameChanged() if not change.is_news:
                return is_by_user and (
                    isinstance(change, RealnameChanged) or is_shown_apart(change)
                )
            case Said():
                status = self.rooms.get(change.room)
                return is_by_user or (status is not None and status >= change.minimum_status)
            case Redacted() if not change.room:
                return is_by_user or change.recipient == user
            case Redacted():
                return change.room in self.rooms
            case Kicked():
                return change.user == user or change.room in self.rooms
            case Invited():
                return change.user == user or change.room in self.rooms
            case Joined() | Parted() | TopicChanged() | RoomModesChanged() | RoomRenamed():
                return is_by_user or change.room in self.rooms
            case ReadMarked():
                capabilities = self._session.capabilities
                return user in change.users and read_marker_lines.is_told(change, capabilities)
            case MetadataChanged() if is_by_user:
                return change.cause != "presence"
            case MetadataChanged():
                return change.folded in self._session.monitored or any(
                    room in self.rooms for room, _ in change.rooms
                )
            case Quitted() | NickChanged():
                return is_by_user or any(room in self.rooms for room, _ in change.rooms)
            case AwayChanged() | RealnameChanged() | AccountChanged() | HostChanged():
                return (
                    is_by_user
                    or any(room in self.rooms for room, _ in change.rooms)
                    or self._is_watched(change)
                )
            case UserModesChanged():
                return is_by_user
            case OperatorsTold() | Wallopped():
                return operator_lines.mode_of(change) in self._modes
        return False

    def _render(self, change: Change, applied: Applied, *, is_by_user: bool) -> bytes:
        capabilities = self._session.capabilities
        if isinstance(change, WentOnline | WentOffline):
            return rendering.presence_line(self._server_name, change)
        if isinstance(change, RoomRenamed):
            return self._renamed(change, applied)
        if isinstance(change, HostChanged):
            return self._host(change, applied, is_own=is_by_user)
        if isinstance(change, OperatorsTold | Wallopped):
            return self._told(change, applied)
        if isinstance(change, ReadMarked):
            return read_marker_lines.payload(self._server_name, change)
        if isinstance(change, MetadataChanged):
            keys = metadata_lines.keys_for(change, capabilities, self._subscribed)
            return metadata_lines.payload(change, applied.time_ms, capabilities, keys)
        if is_by_user and is_shown_apart(change):
            return self._show_apart(change, applied)
        if isinstance(change, Invited) and change.user == self._user.id:
            shown = rendering.line(change, applied.position, applied.time_ms, capabilities)
            return rendering.encode(*shown) if shown else b""
        return rendering.line_for_others(change, applied.position, applied.time_ms, capabilities)
