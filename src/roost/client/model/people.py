"""People on the network, and the sorted members of a room."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Person:
    """A person; one object each, whatever rooms they are in."""

    nick: str
    """Safe to show."""
    folded: str
    """The folded nickname."""
    username: str = ""
    host: str = ""
    account: str = ""
    """Empty if unknown or not logged in."""
    realname: str = ""
    away: str | None = None
    """The away message, which may be empty; None while present."""
    is_online: bool = True
    is_me: bool = False
    rooms: dict[str, None] = field(default_factory=dict)
    """Keys of the conversations that the person is a member of."""


@dataclass(slots=True, eq=False)
class Member:
    """A person in a room."""

    person: Person
    status: str = ""
    """Prefixes in this room, highest first: "@", "+", "@+", or none."""

    @property
    def nick(self) -> str:
        """The nickname, safe to show."""
        return self.person.nick


class Members:
    """The members of a room, by status and nickname. No operation looks at all of them."""

    __slots__ = ("_by_nick", "_order", "_ranks", "revision")

    def __init__(self, prefixes: str = "@+") -> None:
        """`prefixes` are the server's, highest first."""
        self._by_nick: dict[str, Member] = {}
        self._order: list[tuple[int, str]] = []
        self._ranks = prefixes
        self.revision = 0

    def __len__(self) -> int:
        return len(self._by_nick)

    def __contains__(self, folded: str) -> bool:
        return folded in self._by_nick

    def __iter__(self) -> Iterator[Member]:
        """Iterate over the members, in order."""
        return (self._by_nick[folded] for _, folded in self._order)

    def __getitem__(self, index: int) -> Member:
        """Return the member at a place in the order."""
        return self._by_nick[self._order[index][1]]

    def get(self, folded: str) -> Member | None:
        """Return the member with a folded nickname."""
        return self._by_nick.get(folded)

    def starting_with(self, prefix: str, limit: int) -> list[Member]:
        """Return up to `limit` members whose folded nickname starts with `prefix`, in order."""
        found: list[Member] = []
        ranks = sorted({rank for rank, _ in self._order[:1] + self._order[-1:]})
        last = ranks[-1] if ranks else 0
        for rank in range(last + 1):
            start = bisect_left(self._order, (rank, prefix))
            for place in range(start, len(self._order)):
                known, folded = self._order[place]
                if known != rank or not folded.startswith(prefix) or len(found) >= limit:
                    break
                found.append(self._by_nick[folded])
        return found

    def add(self, person: Person, status: str = "") -> Member:
        """Add a member, or update the status of a known one."""
        member = self._by_nick.get(person.folded)
        if member is not None:
            self.set_status(person.folded, status)
            return member
        member = self._by_nick[person.folded] = Member(person, status)
        insort(self._order, self._key(person.folded, status))
        self.revision += 1
        return member

    def remove(self, folded: str) -> Member | None:
        """Remove a member; return None if there is none of that name."""
        member = self._by_nick.pop(folded, None)
        if member is not None:
            self._drop(folded, member.status)
            self.revision += 1
        return member

    def rename(self, old: str, person: Person) -> None:
        """Move a member to the nickname that `person` has now; `old` is the folded one before."""
        member = self._by_nick.pop(old, None)
        if member is None:
            return
        self._drop(old, member.status)
        if person.folded in self._by_nick:
            self.remove(person.folded)
        self._by_nick[person.folded] = Member(person, member.status)
        insort(self._order, self._key(person.folded, member.status))
        self.revision += 1

    def set_status(self, folded: str, status: str) -> None:
        member = self._by_nick.get(folded)
        if member is None or member.status == status:
            return
        self._drop(folded, member.status)
        member.status = status
        insort(self._order, self._key(folded, status))
        self.revision += 1

    def touch(self) -> None:
        """Note a change of a member that does not affect the order."""
        self.revision += 1

    def clear(self) -> None:
        self._by_nick.clear()
        self._order.clear()
        self.revision += 1

    def _key(self, folded: str, status: str) -> tuple[int, str]:
        rank = self._ranks.find(status[0]) if status else len(self._ranks)
        return (rank if rank >= 0 else len(self._ranks), folded)

    def _drop(self, folded: str, status: str) -> None:
        key = self._key(folded, status)
        place = bisect_left(self._order, key)
        assert self._order[place] == key
        del self._order[place]
