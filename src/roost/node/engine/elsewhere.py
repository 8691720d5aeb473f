"""What other nodes hold of the history, as they have said, and so what nobody holds any more."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from roost.chat.history import POSITION_MAX, Held, Span
from roost.chat.holes import Hole, is_in_hole
from roost.chat.ids import Position
from roost.protocol.mesh import HistoryHeld


class Share(NamedTuple):
    """What a node holds: everything from a position on, except for the holes."""

    start: Held = Held()
    holes: tuple[Hole, ...] = ()
    is_fetching: bool = False
    """Whether it lacks more, which it fetches."""
    unfound: tuple[tuple[Position, Position], ...] = ()
    """What it lacks although it has asked all of its neighbours."""
    nodes_changed: int = 0
    """The position of the registry that named these neighbours; 0 if it is not known."""

    def differs(self, told: "Share") -> bool:
        """Return whether neighbours that know of another share are to be told."""
        return (self.start.position, self[1:]) != (told.start.position, told[1:])

    def frame(self) -> HistoryHeld:
        """Return what to tell neighbours."""
        start, holes, is_fetching, unfound, nodes_changed = self
        return HistoryHeld(*start, holes, is_fetching, unfound, nodes_changed)

    def has_of(self, hole: Hole) -> list[Span]:
        """Return what it may have of the rows that another node lacks, in order."""
        found, first, span = [], hole.first, Span(hole.first, hole.last)
        lacks = [*self.lacks(hole.first, hole.last), *self.has_not_found(span, 0, 0)]
        for lacking in sorted(lacks):
            if first < lacking.first:
                found.append(Span(first, Position(lacking.first - 1)))
            first = max(first, Position(lacking.last + 1))
        return [*found, Span(first, hole.last)] if first <= hole.last else found

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

    def has_not_found(self, span: Span, nodes_changed: int, until_ms: int) -> list[Hole]:
        """Return what it looks for in vain among the nodes of this registry, or of a later one.

        What is gone is not newer than `until_ms`.
        """
        if self.nodes_changed < nodes_changed:
            return []
        pairs = [(max(span.first, low), min(span.last, high)) for low, high in self.unfound]
        return [Hole(low, high, until_ms, 0) for low, high in pairs if low <= high]


def share_of(frame: HistoryHeld) -> Share:
    """Return what a neighbour says that it holds."""
    start = Held(frame.first, frame.time_ms)
    return Share(start, frame.holes, frame.is_fetching, frame.unfound, frame.nodes_changed)


class Elsewhere:
    """What the other members hold, whether they are linked or not, and who else is linked.

    A node that was removed hands over what it has for as long as it runs.
    """

    nodes_changed = 0
    """The position of the registry that names them; 0 while it is not known."""

    def __init__(self, others: tuple[str, ...]) -> None:
        """Start with the other members; each may hold everything until it says otherwise."""
        self.others = others
        self.linked: Sequence[str] = ()
        """All neighbours, members or not."""
        self._shares: dict[str, Share] = {}

    def learn(self, peer: str, share: Share) -> None:
        self._shares[peer] = share

    def connected(self, peer: str) -> None:
        """Forget what a neighbour said before."""
        self._shares.pop(peer, None)

    def share(self, peer: str) -> Share:
        return self._shares.get(peer, Share())

    @property
    def _strangers(self) -> list[str]:
        """The linked neighbours that are no members, or not yet."""
        return [peer for peer in self.linked if peer not in self.others]

    def first(self) -> Held:
        """Return from where on some other node may hold history."""
        starts = [self.share(peer).start for peer in (*self.others, *self._strangers)]
        return min(starts, default=Held(Position(POSITION_MAX)))

    def gone(self, first: Position, last: Position) -> list[Hole]:
        """Return what no other node holds of a range of positions, both ends included."""
        if not self.others:
            return []
        found: list[Hole] | None = None
        for peer in (*self.others, *self._strangers):
            lacks = self.share(peer).lacks(first, last)
            found = lacks if found is None else _in_both(found, lacks)
            if not found:
                return []
        return found or []

    def lost(self, span: Span, until_ms: int) -> list[Hole]:
        """Return what no other node has of a gap that no linked neighbour could fill.

        Those that lack it, too, must have looked for it among the present members. Whoever was
        removed and has no link any more has taken it along, and nobody gets it.
        """
        if not self.nodes_changed:
            return []
        found = [Hole(span.first, span.last, until_ms, 0)]
        for peer in self.others:
            share = self.share(peer)
            unfound = share.has_not_found(span, self.nodes_changed, until_ms)
            found = _in_both(found, [*share.lacks(*span), *unfound])
        for peer in self._strangers:
            share = self.share(peer)
            unfound = share.has_not_found(span, 0, until_ms)
            found = _in_both(found, [*share.lacks(*span), *unfound])
        return found


def why_needed(node: str, shares: Mapping[str, Share]) -> str:
    """Return why a node has to stay for now; empty if it has not. `shares` are of all that run."""
    whole = [name for name, share in shares.items() if not share.is_fetching]
    fetching = [name for name, share in shares.items() if share.is_fetching]
    if whole != [node] or not fetching:
        return ""
    return f"{fetching[0]} still fetches history that only {node} has: wait until it is `ready`"


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
