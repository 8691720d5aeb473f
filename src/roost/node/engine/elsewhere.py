"""What other nodes hold of the history, as they have said, and so what nobody holds any more."""

from typing import NamedTuple

from roost.chat.history import POSITION_MAX, Held
from roost.chat.holes import Hole, is_in_hole
from roost.chat.ids import Position


class Share(NamedTuple):
    """What a node holds: everything from a position on, except for the holes."""

    start: Held = Held()
    holes: tuple[Hole, ...] = ()

    def has(self, first: Position, last: Position) -> bool:
        """Return whether it has all of a range, both ends included."""
        return self.start.position <= first and not is_in_hole(self.holes, first, last)

    def lacks(self, first: Position, last: Position) -> list[Hole]:
        """Return what it does not have of a range, both ends included."""
        found = []
        start = self.start
        if first < start.position:
            end = Position(min(last, start.position - 1))
            since_ms = start.time_ms if end == start.position - 1 else 0
            found.append(Hole(first, end, start.time_ms, since_ms))
        for hole in self.holes:
            low, high = max(first, hole.first, start.position), min(last, hole.last)
            if low <= high:
                since_ms = hole.since_ms if high == hole.last else 0
                found.append(Hole(low, high, hole.until_ms, since_ms))
        return found


class Elsewhere:
    """What the other members hold, whether they are linked or not."""

    def __init__(self, others: tuple[str, ...]) -> None:
        """Start with the other members; each may hold everything until it says otherwise."""
        self.others = others
        self._shares: dict[str, Share] = {}

    def learn(self, peer: str, share: Share) -> None:
        self._shares[peer] = share

    def connected(self, peer: str) -> None:
        """Forget what a neighbour said before."""
        self._shares.pop(peer, None)

    def share(self, peer: str) -> Share:
        return self._shares.get(peer, Share())

    def first(self) -> Held:
        """Return from where on some other member may hold history."""
        starts = [self.share(peer).start for peer in self.others]
        return min(starts, default=Held(Position(POSITION_MAX)))

    def gone(self, first: Position, last: Position) -> list[Hole]:
        """Return what no other member holds of a range of positions, both ends included."""
        if not self.others:
            return []
        found: list[Hole] | None = None
        for peer in self.others:
            lacks = self.share(peer).lacks(first, last)
            found = lacks if found is None else _in_both(found, lacks)
            if not found:
                return []
        return found or []


def _in_both(some: list[Hole], others: list[Hole]) -> list[Hole]:
    found = []
    for one in some:
        for other in others:
            first, last = max(one.first, other.first), min(one.last, other.last)
            if first <= last:
                since_ms = max(hole.since_ms for hole in (one, other) if hole.last == last)
                until_ms = min(one.until_ms, other.until_ms)
                found.append(Hole(first, last, until_ms, since_ms))
    return found
