"""What a client missed while its session moved to another node or another connection.

The new node has the entries since the position up to which the client was served. It walks them
backwards, starting from the client as it is now and undoing the client's own joins, parts, modes,
MONITOR lists and subscriptions. So it knows for each entry whether the client could see it.

What the client's own lines did is left out: these lines are sent again, and answered in their place
among what was missed (see `sessions.handover`). Over a new connection they are not sent again. Then
the client is shown what the resumed session's lines did, if their answers would have shown it.
What other clients of the same user did is shown as it would have been live.
"""

from typing import NamedTuple

from roost.chat.applied import Applied
from roost.chat.changes import (
    OPERATOR,
    VOICE,
    CapabilitiesChanged,
    Change,
    Joined,
    Kicked,
    MonitorChanged,
    NickChanged,
    Parted,
    RoomModesChanged,
    RoomRenamed,
    SessionResumed,
    SubscriptionsChanged,
    UserModesChanged,
)
from roost.chat.ids import Position, RoomId
from roost.chat.state import Session, State
from roost.irc.capabilities import DELIVERY_CAPABILITIES
from roost.irc.casemapping import fold_nick
from roost.ircd.delivery.audience import audience, includes, is_in_answer
from roost.ircd.delivery.missed_index import MissedIndex
from roost.ircd.rendering.renaming import is_told_apart
from roost.ircd.rendering.render import payload
from roost.ircd.rendering.viewer import At, viewer_of
from roost.ircd.sessions.stretches import Stretch, single

_STATUS = {"o": OPERATOR, "v": VOICE}


class Missed(NamedTuple):
    """What a session missed."""

    stretches: list[Stretch]
    """In order."""
    rooms: list[RoomId]
    """The rooms that the user was in at the beginning."""
    nick: str
    """The user's nickname at the beginning."""
    entered: list[RoomId]
    """Rooms that another client of the user entered, and that are to be described."""
    renamed: list[RoomId]
    """Crowded rooms that got another name, and whose members are to be listed."""

    @property
    def lines(self) -> list[tuple[Position, bytes]]:
        """All lines in order, each with the position of its entry."""
        return [line for stretch in self.stretches for line in stretch.lines]


def look_back(
    index: MissedIndex,
    since: Position,
    state: State,
    session: Session,
    server_name: str,
    seen: tuple[Position, int] | None = None,
) -> Missed:
    """Render what `session` should have seen of the entries after `since`, which led to `state`.

    `seen` is the id of the last message that the client saw, if it has resumed its session over a
    new connection.
    """
    walk = _Walk(state, session, server_name, is_resumed=seen is not None)
    index.bring_up_to_date(since)
    first, end = index.first(since, seen), index.end
    for number, applied, change in index.concerning(session, state.users[session.user], first):
        walk.pass_by(index, number + 1, end)
        walk.step_back(change, applied)
        end = number
    walk.pass_by(index, first, end)
    walk.stretches.reverse()
    entered, renamed = list(walk.entered), list(walk.renamed)
    return Missed(walk.stretches, list(walk.rooms), walk.nick, entered, renamed)


class _Walk:
    """A walk back in time that knows the client as it was at each moment."""

    def __init__(
        self,
        state: State,
        session: Session,
        server_name: str,
        *,
        is_resumed: bool,
    ) -> None:
        self._session = session.id
        self.nick = state.users[session.user].nick
        self._server_name = server_name
        self._is_resumed = is_resumed
        self._connections = {session.id: None}
        """The session and those that it resumed, as far as the walk has come."""
        self._viewer = viewer_of(state, session.id)
        self.rooms = dict(self._viewer.rooms)
        self._subscribed = dict.fromkeys(session.subscribed)
        self._viewer.rooms, self._viewer.subscribed = self.rooms, self._subscribed
        self.stretches: list[Stretch] = []
        """Newest first."""
        self.entered: dict[RoomId, None] = {}
        self.renamed: dict[RoomId, None] = {}

    def pass_by(self, index: MissedIndex, first: int, end: int) -> None:
        """Note what happened in the client's rooms, and changed nothing for the client itself."""
        if first < end:
            kind = self._viewer.capabilities & DELIVERY_CAPABILITIES
            self.stretches += index.stretches(self.rooms, kind, first, end)

    def step_back(self, change: Change, applied: Applied) -> None:
        """Render a change if the client could see it, then undo its effect on the client."""
        told, viewer, source = audience(change), self._viewer, change.source.user
        # What a service does for a client is part of the answer.
        is_asker = applied.session in self._connections and source in (viewer.user, 0)
        if is_asker and applied.session != self._session and is_in_answer(told, viewer, source):
            self._note(change, applied)
        if (told.reaches_asker or not is_asker) and includes(told, viewer, source):
            if isinstance(change, Joined) and source == viewer.user:
                self.entered[change.room] = None
            elif isinstance(change, RoomRenamed) and is_told_apart(change):
                self.renamed[change.room] = None
            self._note(change, applied)
        self._undo(change)

    def _note(self, change: Change, applied: Applied) -> None:
        at = At(applied.position, applied.time_ms, self._server_name)
        shown = payload(change, at, self._viewer)
        if shown:
            self.stretches.append(single(applied.position, shown))

    def _undo(self, change: Change) -> None:
        viewer = self._viewer
        is_by_user = change.source.user == viewer.user
        if is_by_user and isinstance(change, NickChanged):
            viewer.nick = change.source.nick
        match change:
            case SessionResumed() if self._is_resumed and change.session in self._connections:
                self._connections[change.previous] = None
            case Joined() if is_by_user:
                self.rooms.pop(change.room, None)
            case Parted() if is_by_user:
                self.rooms[change.room] = change.status
            case Kicked() if change.user == viewer.user:
                self.rooms[change.room] = change.status
            case RoomModesChanged() if change.room in self.rooms:
                self._undo_modes(change)
            case NickChanged() if is_by_user:
                self.nick = change.source.nick
            case UserModesChanged() if is_by_user:
                for mode in change.changes:
                    viewer.modes = viewer.modes.replace(mode.letter, "")
                    viewer.modes += "" if mode.is_added else mode.letter
            case CapabilitiesChanged() if change.session == self._session:
                viewer.capabilities = change.before
            case MonitorChanged() if change.session in self._connections:
                viewer.monitored = dict.fromkeys(change.former)
            case SubscriptionsChanged() if change.session in self._connections:
                for key in change.added:
                    self._subscribed.pop(key, None)
                self._subscribed.update(dict.fromkeys(change.removed))

    def _undo_modes(self, change: RoomModesChanged) -> None:
        for mode in reversed(change.changes):
            bit = _STATUS.get(mode.letter, 0)
            if bit and fold_nick(mode.parameter) == fold_nick(self.nick):
                status = self.rooms[change.room]
                self.rooms[change.room] = status & ~bit if mode.is_added else status | bit
