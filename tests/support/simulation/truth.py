"""What really happened: the committed log, replayed, and what each client must see of it.

It uses nothing of `roost.ircd`: members of rooms, and what others see of a change, are derived here
a second time from the changes alone.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from roost.chat.applied import Applied
from roost.chat.apply import apply_entry, skip
from roost.chat.changes import (
    AwayChanged,
    Change,
    Joined,
    NickChanged,
    Parted,
    Quitted,
    Said,
    SessionClosed,
    SessionOpened,
    Source,
    TopicChanged,
)
from roost.chat.holes import Hole, is_in_hole
from roost.chat.ids import Position, RoomId, SessionId, UserId, message_id
from roost.chat.refusals import Refusal
from roost.chat.state import State
from roost.irc.capabilities import Capability
from roost.raft.messages import ENTRY_COMMAND, Entry


class Shown(NamedTuple):
    """A line about a change; id and time are empty if the client gets no tags."""

    msgid: str
    time: str
    source: str
    command: str
    parameters: tuple[str, ...]


class Crowd(NamedTuple):
    """The members of a room from a position on."""

    position: Position
    nicks: tuple[str, ...]


def show(change: Change, applied: Applied) -> Shown:
    """Return a change as a line."""
    command, parameters = _words(change)
    return Shown(
        message_id(applied.position, change.part),
        _time(applied.time_ms),
        _mask(change.source),
        command,
        parameters,
    )


def _words(change: Change) -> tuple[str, tuple[str, ...]]:
    match change:
        case Said():
            return change.verb, (change.target, change.text)
        case Joined():
            return "JOIN", (change.name,)
        case Parted():
            return "PART", (change.name, change.reason) if change.reason else (change.name,)
        case Quitted():
            return "QUIT", (change.reason,)
        case NickChanged():
            return "NICK", (change.nick,)
        case TopicChanged():
            return "TOPIC", (change.name, change.topic)
        case AwayChanged():
            return "AWAY", (change.message,) if change.message else ()
    raise AssertionError(f"the simulation's people cause no {change}")


def _mask(source: Source) -> str:
    return f"{source.nick}!{source.username}@{source.host}"


def _time(time_ms: int) -> str:
    seconds, milliseconds = divmod(time_ms, 1000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{moment.isoformat()}.{milliseconds:03}Z"


class Truth:
    """The log, replayed from its first entry."""

    def __init__(
        self, entries: dict[int, Entry], last: Position, holes: tuple[Hole, ...] = ()
    ) -> None:
        self.state = State()
        self._holes = holes
        self.applied: list[Applied] = []
        self.effects: dict[tuple[SessionId, int], Applied] = {}
        """The effect of each line; lines without an effect are absent."""
        self.due: dict[SessionId, list[Shown]] = {}
        """What each client must see of others, in order."""
        self.closings: dict[SessionId, Applied] = {}
        self.crowds: dict[str, list[Crowd]] = {}
        """Room -> its members over time."""
        self.said: dict[str, list[Shown]] = {}
        """Room -> its messages, in order."""
        self._members: dict[RoomId, dict[UserId, None]] = {}
        self._names: dict[RoomId, str] = {}
        self._nicks: dict[UserId, str] = {}
        self._session: dict[UserId, SessionId] = {}
        self._capabilities: dict[SessionId, int] = {}
        for index in range(1, last + 1):
            self._replay(entries[index])
        assert not self.state.failed_entries

    def is_gone(self, shown: Shown) -> bool:
        """Return whether the nodes have said that none of them keeps a message any more."""
        position = Position(int(shown.msgid.partition("-")[0], 16))
        return is_in_hole(self._holes, position, position)

    def without_gone(
        self, said: list[Shown], lines: Sequence[tuple[object, ...]], limit: int
    ) -> list[Shown]:
        """Return the newest messages, without those that are gone and that are not shown."""
        return [one for one in said if one in lines or not self.is_gone(one)][-limit:]

    def _replay(self, entry: Entry) -> None:
        position = Position(entry.index)
        if entry.kind != ENTRY_COMMAND:
            skip(self.state, position, entry.time_ms)
            return
        applied = apply_entry(self.state, entry.data, position, entry.time_ms)
        self.applied.append(applied)
        if applied.is_duplicate or applied.is_fenced:
            assert not applied.results
            return
        if applied.session and not applied.request:
            # What a line asks for before it takes effect may be asked for again.
            key = (applied.session, applied.line)
            assert key not in self.effects or not self._was_done(key), f"{key} was done twice"
            self.effects[key] = applied
        for result in applied.results:
            if not isinstance(result, Refusal):
                self._take(result, applied)

    def _was_done(self, key: tuple[SessionId, int]) -> bool:
        """Return whether a line had an effect; a refused registration is retried."""
        return any(not isinstance(result, Refusal) for result in self.effects[key].results)

    def _take(self, change: Change, applied: Applied) -> None:
        if isinstance(change, SessionOpened):
            session = change.session
            self._session[change.source.user] = session
            self._nicks[change.source.user] = change.source.nick
            self._capabilities[session] = self.state.sessions[session].capabilities
            self.due[session] = []
        elif isinstance(change, SessionClosed):
            assert change.session not in self.closings
            self.closings[change.session] = applied
        for user in self._witnesses(change):
            session = self._session[user]
            if session != applied.session or (isinstance(change, Said) and change.recipient):
                self._owe(session, change, applied)
        self._follow(change, applied)

    def _witnesses(self, change: Change) -> list[UserId]:
        """Return everybody who sees a change, except those who made it."""
        match change:
            case Said() if change.recipient:
                return [change.recipient]
            case Said() | Joined() | Parted() | TopicChanged():
                return list(self._members.get(change.room, ()))
            case Quitted() | NickChanged() | AwayChanged():
                users: dict[UserId, None] = {}
                for room, _ in change.rooms:
                    users.update(self._members[room])
                users.pop(change.source.user, None)
                return list(users)
        return []

    def _owe(self, session: SessionId, change: Change, applied: Applied) -> None:
        capabilities = self._capabilities[session]
        has_away = bool(capabilities & Capability.AWAY_NOTIFY)
        if isinstance(change, AwayChanged) and not has_away:
            return
        shown = show(change, applied)
        self.due[session].append(shown)
        if isinstance(change, Joined) and change.away and has_away:
            self.due[session].append(
                shown._replace(msgid="", command="AWAY", parameters=(change.away,))
            )

    def _follow(self, change: Change, applied: Applied) -> None:
        user = change.source.user
        rooms: list[RoomId] = []
        match change:
            case Said() if change.room:
                self.said.setdefault(change.target, []).append(show(change, applied))
            case Joined():
                self._names[change.room] = change.name
                self._members.setdefault(change.room, {})[user] = None
                rooms.append(change.room)
            case Parted():
                del self._members[change.room][user]
                rooms.append(change.room)
            case Quitted():
                for room, _ in change.rooms:
                    del self._members[room][user]
                    rooms.append(room)
            case NickChanged():
                self._nicks[user] = change.nick
                rooms.extend(room for room, _ in change.rooms)
        for room in rooms:
            nicks = tuple(sorted(self._nicks[member] for member in self._members[room]))
            crowd = Crowd(applied.position, nicks)
            self.crowds.setdefault(self._names[room], []).append(crowd)

    def could_be(self, room: str, nicks: list[str], low: int, high: int) -> bool:
        """Return whether these users were all in the room at a position from `low` to `high`."""
        crowds = [Crowd(Position(0), ()), *self.crowds.get(room, [])]
        for number, crowd in enumerate(crowds):
            end = crowds[number + 1].position - 1 if number + 1 < len(crowds) else high
            if crowd.position <= high and end >= low and sorted(nicks) == list(crowd.nicks):
                return True
        return False
