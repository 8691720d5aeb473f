"""An index of recent changes, so that a moved session looks only at those that may concern it.

    user -> changes to or by it             one by one, because they change what the client sees
    nickname -> changes that watchers see   one by one
    room -> changes in it                   most of them: rendered once, and shared as stretches

The sessions of a dead node move together, and most of them missed the same. What looks the same to
all members of a room is a `RoomRun`, which is rendered once for each kind of client; a session that
was in the room all the time takes a stretch of it. The index grows with the log while sessions
move, and is forgotten afterwards.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from roost.chat.applied import Applied
from roost.chat.changes import (
    AwayChanged,
    Change,
    Joined,
    Kicked,
    MonitorChanged,
    NickChanged,
    Parted,
    Quitted,
    Said,
    SessionAttached,
    TopicChanged,
)
from roost.chat.ids import FoldedNick, Position, RoomId, UserId
from roost.chat.refusals import Refusal
from roost.chat.state import Room, Session, User
from roost.ircd.delivery.audience import audience
from roost.ircd.delivery.outdated import TAKES_NAMES, Error, error_after
from roost.ircd.rendering.render import payload
from roost.ircd.rendering.viewer import At, Viewer
from roost.ircd.sessions.recent import RecentEntries
from roost.ircd.sessions.stretches import Run, Stretch

Place: TypeAlias = "tuple[str, int | str]"
"""A kind of key and the key."""
_LISTENERS: Place = ("mode", "")
"""The key of all changes that users with some mode are told of; there are few."""
CHANGES_PER_TURN = 1000
"""Changes that are taken in in one turn, in some 10 ms."""
RENDERED_PER_TURN = 300
"""Changes that are rendered ahead in one turn, in some 3 ms."""
STALE_ENTRIES = 50_000
"""Entries after which the index is made anew, and forgets those that nobody can ask for."""


class Happening(NamedTuple):
    """A change, its entry, and its number among all indexed changes."""

    number: int
    applied: Applied
    change: Change


class RoomRun(Run):
    """What everybody in a room with the same capabilities is shown of what others do."""

    __slots__ = ("_viewer", "done")

    def __init__(self, capabilities: int) -> None:
        super().__init__()
        self._viewer = Viewer(capabilities)
        self.done = 0
        """Of the room's changes, how many have been rendered."""

    def extend(
        self, happenings: list[Happening], server_name: str, count_max: int | None = None
    ) -> int:
        """Render those of a room's changes that have been added since; return how many."""
        end = None if count_max is None else self.done + count_max
        added = happenings[self.done : end]
        for number, applied, change in added:
            at = At(applied.position, applied.time_ms, server_name)
            shown = payload(change, at, self._viewer)
            if shown:
                self.add(number, applied.position, shown)
        self.done += len(added)
        return len(added)


class MissedIndex:
    """Finds the changes since a position that may concern a session."""

    def __init__(self, recent: RecentEntries, server_name: str) -> None:
        self._recent = recent
        self._server_name = server_name
        self.looked_at = 0
        """Changes that were taken in or rendered since the start; one takes some 10 µs."""
        self.forget()

    def forget(self) -> None:
        """Start anew when it is used again."""
        self._since = self._until = Position(-1)
        self._all: list[Happening] = []
        self._positions: list[Position] = []
        """Of each happening."""
        self._happenings: dict[Place, list[Happening]] = {}
        """Those that are looked at one by one."""
        self._shared: dict[RoomId, list[Happening]] = {}
        """Those that look the same to all members of a room, if they are not about them."""
        self._leaving: dict[RoomId, list[Happening]] = {}
        """Those that take a name from a room's list."""
        self._runs: dict[tuple[RoomId, int], RoomRun] = {}

    def bring_up_to_date(self, since: Position) -> None:
        """Take in all recent entries after `since`, which the recent entries must reach."""
        while not self.go_on(since):
            pass

    def go_on(self, since: Position) -> bool:
        """Take in some recent entries, as many as a turn may; return whether that was the last.

        A balancer may have served more than there is: a majority of the disks was set back.
        """
        newest = self._recent.newest
        is_usable = 0 <= self._since <= since and self._recent.reaches(self._until)
        if not is_usable or newest - self._since > STALE_ENTRIES:
            self.forget()
            self._since = self._until = since
        if self._until < newest:
            self._until = self._add(self._recent.after(self._until))
        return self._until >= newest

    def render_ahead(self, rooms: Iterable[RoomId], capabilities: int) -> bool:
        """Render some of what `stretches` will want; return whether that was all."""
        left = RENDERED_PER_TURN
        for room in rooms:
            if shared := self._shared.get(room):
                run = self._run(room, capabilities)
                count = run.extend(shared, self._server_name, left)
                self.looked_at += count
                left -= count
            if not left:
                return False
        return True

    def _run(self, room: RoomId, capabilities: int) -> RoomRun:
        run = self._runs.get((room, capabilities))
        if run is None:
            run = self._runs[room, capabilities] = RoomRun(capabilities)
        return run

    @property
    def end(self) -> int:
        """The number that the next change will have."""
        return len(self._all)

    def first(self, since: Position, seen: tuple[Position, int] | None) -> int:
        """Return the number of the first change after `since` and after what was `seen`."""
        number = bisect_right(self._positions, since)
        if seen is not None:
            end = bisect_right(self._positions, seen[0])
            while end > number and _identity(self._all[end - 1]) > seen:
                end -= 1
            number = max(number, end)
        return number

    def concerning(self, session: Session, user: User, first: int) -> list[Happening]:
        """Return what a session may have been shown from the number `first` on, newest first.

        It includes everything that the user did. Left out is what `stretches` finds. The newest
        entry must have led to the state of `user`.
        """
        own = _since(self._happenings.get(("user", user.id), []), first)
        rooms = dict.fromkeys(user.rooms)
        nicks = dict.fromkeys(session.monitored)
        for happening in own:
            if isinstance(happening.change, Parted | Kicked):
                rooms[happening.change.room] = None
            elif isinstance(happening.change, MonitorChanged):
                nicks.update(dict.fromkeys(happening.change.former))
        found = {happening.number: happening for happening in own}
        places: list[Place] = [("room", room) for room in rooms]
        places += [("nick", nick) for nick in nicks]
        # Even if the user has no such mode now: it may have had one then.
        places.append(_LISTENERS)
        for place in places:
            for happening in _since(self._happenings.get(place, []), first):
                found[happening.number] = happening
        return [found[number] for number in sorted(found, reverse=True)]

    def stretches(
        self, rooms: Iterable[RoomId], capabilities: int, first: int, end: int
    ) -> list[Stretch]:
        """Return what was shown in rooms from the number `first` to before `end`, in order.

        Nothing of it may concern the session in another way than as a member of the rooms.
        """
        found = []
        for room in rooms:
            shared = self._shared.get(room)
            if not shared:
                continue
            run = self._run(room, capabilities)
            self.looked_at += run.extend(shared, self._server_name)
            start, stop = bisect_left(run.numbers, first), bisect_left(run.numbers, end)
            if start < stop:
                found.append(Stretch(run, start, stop))
        return found if len(found) < 2 else [_merge(found)]

    def error_of_list(
        self,
        room: Room,
        lists: Sequence[Position],
        nicks: Mapping[FoldedNick, UserId],
        others: Iterable[RoomId],
    ) -> Error:
        """Return how changes mislead a client that was listed a room's present members.

        The changes are those after the first of the positions at which it was listed them. It is
        also told who of its `others` rooms left or took another name, and cannot tell that somebody
        in the list has that name by now. If the changes are not known any more, it may be anything.
        """
        if not self._recent.reaches(lists[0]):
            return Error.TOO_MANY
        self.bring_up_to_date(lists[0])
        first, *later = [bisect_right(self._positions, position) for position in lists]
        here = _since(self._leaving.get(room.id, []), first)
        there = [
            one
            for other in others
            for one in _since(self._leaving.get(other, []), first)
            if isinstance(one.change, NickChanged | Quitted)
        ]
        if not here and not there:
            return Error.NONE
        here = _since(self._shared.get(room.id, []), first)
        some = [*here, *there, *_since(self._happenings.get(("room", room.id), []), first)]
        found = {one.number: one.change for one in some}
        changes = [(number, found[number]) for number in sorted(found)]
        return error_after(changes, lambda nick: nicks.get(nick) in room.members, later)

    def _add(self, entries: Iterable[Applied]) -> Position:
        """Take in entries, as many as a turn may; return the position of the last one."""
        end = len(self._all) + CHANGES_PER_TURN
        for applied in entries:
            for result in applied.results:
                if isinstance(result, Refusal | SessionAttached):
                    # Nobody is shown who serves a session, and after a death there are thousands.
                    continue
                self.looked_at += 1
                happening = Happening(len(self._all), applied, result)
                self._all.append(happening)
                self._positions.append(applied.position)
                is_shared, takes_names = _is_shared(result), isinstance(result, TAKES_NAMES)
                for place in _places(result):
                    if takes_names and place[0] == "room":
                        self._leaving.setdefault(RoomId(int(place[1])), []).append(happening)
                    if is_shared and place[0] == "room":
                        self._shared.setdefault(RoomId(int(place[1])), []).append(happening)
                    else:
                        self._happenings.setdefault(place, []).append(happening)
            if len(self._all) >= end:
                break
        return applied.position


def _is_shared(change: Change) -> bool:
    """Return whether a change looks the same to all members of a room, except who it is about."""
    match change:
        case Said():
            return not change.minimum_status
        case Joined() | Parted() | Quitted() | NickChanged() | TopicChanged() | AwayChanged():
            return True
    return False


def _identity(happening: Happening) -> tuple[Position, int]:
    return happening.applied.position, happening.change.part


def _since(happenings: list[Happening], first: int) -> list[Happening]:
    if not happenings or happenings[0].number >= first:
        return happenings
    return happenings[bisect_left(happenings, first, key=_number) :]


def _number(happening: Happening) -> int:
    return happening.number


def _merge(stretches: list[Stretch]) -> Stretch:
    """Merge what was shown in several rooms; what was shown in two of them is one line."""
    lines: dict[int, tuple[Position, bytes]] = {}
    for run, first, last in stretches:
        for index in range(first, last):
            lines[run.numbers[index]] = (run.positions[index], run.payloads[index])
    merged = Run()
    for number in sorted(lines):
        merged.add(number, *lines[number])
    return Stretch(merged, 0, len(lines))


def _places(change: Change) -> dict[Place, None]:
    """Return the keys of a change: its audience and its source."""
    told = audience(change)
    places: list[Place] = [("room", room) for room in told.rooms]
    places += [("user", user) for user in (change.source.user, *told.users)]
    if told.watched:
        places.append(("nick", told.watched))
    if told.mode:
        places.append(_LISTENERS)
    return dict.fromkeys(places)
