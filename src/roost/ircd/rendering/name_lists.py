"""The members of big rooms, packed into the texts of RPL_NAMREPLY and kept up to date.

    change --> member's name anew --> its chunk --> text, joined again when it is asked for

Everybody who enters a room is told who is in it. If each answer were made from all members, a crowd
that enters a room at once would cost the square of its size in names. So the texts are kept, and a
change makes one of them anew.

A list that is sent step by step is read as it is at each step, because the client is told of
changes between two steps. Nobody who stays is left out. A list that is not kept up to date any more
still says where to find whom, but no longer under which name.
"""

from collections.abc import Iterator

from roost.chat.changes import (
    Change,
    HostChanged,
    Joined,
    Kicked,
    NickChanged,
    Parted,
    Quitted,
    RoomModesChanged,
    RoomRenamed,
)
from roost.chat.ids import FoldedNick, RoomId, UserId
from roost.chat.state import Room, State, User
from roost.irc import casemapping
from roost.ircd.rendering.packing import space_left
from roost.ircd.rendering.prefixes import prefixes

CROWD_MIN = 200
"""Members from which on a room's texts are kept: fewer are listed in less than half a
millisecond."""
LISTS_MAX = 64
"""Lists that are kept; one of 10,000 members takes some 2 MB."""
NICK_BYTES_MAX = 64
"""The longest nickname of a client that a text is packed for."""

NAMES_PER_STEP = 400
"""Names that are put into a new list at once, in about half a millisecond."""
CHUNKS_MIN = 8
"""Texts from which on it matters that they are a third full."""

_STATUS_MODES = "ov"


def shown_name(user: User, status: int, *, multiple: bool, hosts: bool) -> str:
    """Return how a member of a room is listed."""
    name = f"{user.nick}!{user.username}@{user.host}" if hosts else user.nick
    return prefixes(status, is_multiple=multiple) + name


class NameList:
    """The names in one room, as one kind of client sees them."""

    def __init__(
        self, state: State, room: Room, space: int, *, multiple: bool, hosts: bool
    ) -> None:
        self._space = space
        self._is_multiple = multiple
        self._with_hosts = hosts
        self._chunks: dict[int, dict[UserId, str]] = {}
        self._texts: dict[int, str] = {}
        """Those of the chunks that have not changed since."""
        self._places: dict[UserId, int] = {}
        """The chunk of each member."""
        self._last = 0
        self._last_bytes = 0
        self._bytes = 0
        self.is_kept = True
        """Whether changes are still noted here."""
        self._left = list(reversed(room.members))
        """Members that are not in it yet, the first ones last."""
        self.go_on(state, room)

    @property
    def is_whole(self) -> bool:
        """Whether all members are in it; otherwise call `go_on` before it is read."""
        return not self._left

    def go_on(self, state: State, room: Room) -> None:
        """Put some more members in."""
        for _ in range(min(len(self._left), NAMES_PER_STEP)):
            self.refresh(state, room, self._left.pop())

    def __len__(self) -> int:
        return len(self._places)

    def refresh(self, state: State, room: Room, user: UserId) -> None:
        """Add, change or remove a member, as the state says."""
        place = self._places.get(user)
        member = room.members.get(user)
        known = state.users.get(user)
        if member is None or known is None:
            if place is not None:
                self._remove(user, place)
            return
        name = shown_name(known, member.status, multiple=self._is_multiple, hosts=self._with_hosts)
        if place is not None:
            if self._chunks[place][user] == name:
                return
            self._remove(user, place)
        self._append(user, name)

    def places(self) -> Iterator[int]:
        """Iterate over the numbers of the texts; the list may change meanwhile."""
        place = 0
        while place <= self._last:
            if self._chunks.get(place):
                yield place
            place += 1

    def members(self, place: int) -> tuple[UserId, ...]:
        """Return whose names are in a text."""
        return tuple(self._chunks.get(place, ()))

    def text(self, place: int) -> str:
        """Return a text, which `places` has just named."""
        text = self._texts.get(place)
        if text is None:
            text = self._texts[place] = " ".join(self._chunks[place].values())
        return text

    def _append(self, user: UserId, name: str) -> None:
        size = len(name.encode()) + 1
        if self._last_bytes and self._last_bytes + size > self._space + 1:
            self._last += 1
            self._last_bytes = 0
        self._last_bytes += size
        self._bytes += size
        self._chunks.setdefault(self._last, {})[user] = name
        self._places[user] = self._last
        self._texts.pop(self._last, None)

    def _remove(self, user: UserId, place: int) -> None:
        chunk = self._chunks[place]
        self._bytes -= len(chunk[user].encode()) + 1
        del chunk[user], self._places[user]
        self._texts.pop(place, None)
        if not chunk:
            del self._chunks[place]
        if len(self._chunks) > CHUNKS_MIN and self._bytes * 3 < self._space * len(self._chunks):
            self._pack_again()

    def _pack_again(self) -> None:
        """Fill the texts again, behind all others, so that no reader misses a member."""
        chunks, self._chunks = self._chunks, {}
        self._texts.clear()
        self._last += 1
        self._last_bytes = self._bytes = 0
        for chunk in chunks.values():
            for user, name in chunk.items():
                self._append(user, name)


class NameLists:
    """The lists that are kept."""

    def __init__(self, server_name: str) -> None:
        self._server_name = server_name
        self._lists: dict[RoomId, dict[tuple[bool, bool], NameList]] = {}

    def of(self, state: State, room: Room, *, multiple: bool, hosts: bool) -> NameList:
        """Return the list of a room for a kind of client."""
        kinds = self._lists.pop(room.id, {})
        while len(self._lists) >= LISTS_MAX:
            self._drop(next(iter(self._lists)))
        self._lists[room.id] = kinds
        found = kinds.get((multiple, hosts))
        if found is None or (found.is_whole and len(found) != len(room.members)):
            if found is not None:
                found.is_kept = False
            space = space_left(self._server_name, "n" * NICK_BYTES_MAX, "=", room.name)
            found = NameList(state, room, space, multiple=multiple, hosts=hosts)
            kinds[multiple, hosts] = found
        return found

    def clear(self) -> None:
        """Forget everything, because the state was replaced."""
        for number in list(self._lists):
            self._drop(number)

    def show(self, change: Change, state: State) -> None:
        """Note a change that has led to `state`."""
        if not self._lists:
            return
        match change:
            case Joined() | Parted():
                self._refresh(change.room, change.source.user, state)
            case Kicked():
                self._refresh(change.room, change.user, state)
            case Quitted() | NickChanged() | HostChanged():
                for room, _ in change.rooms:
                    self._refresh(room, change.source.user, state)
            case RoomModesChanged() if change.room in self._lists:
                for mode in change.changes:
                    if mode.letter in _STATUS_MODES:
                        folded = FoldedNick(casemapping.fold_nick(mode.parameter))
                        self._refresh(change.room, state.nicks.get(folded), state)
            case RoomRenamed():
                self._drop(change.room)

    def _refresh(self, number: RoomId, user: UserId | None, state: State) -> None:
        kinds = self._lists.get(number)
        room = state.rooms.get(number)
        if kinds is None:
            return
        if room is None or user is None or len(room.members) < CROWD_MIN // 2:
            self._drop(number)
            return
        for one in kinds.values():
            one.refresh(state, room, user)

    def _drop(self, number: RoomId) -> None:
        for one in self._lists.pop(number, {}).values():
            one.is_kept = False
