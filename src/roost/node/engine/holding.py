"""From where on this node holds history, from where on others do, and what follows from it.

    older than this node keeps   --> drop it
    younger, but not here        --> fetch it, block by block, from the newest on
    a client's question          --> whom to ask for which part

A node that keeps the history of the last days only begins with what follows its first snapshot and
fetches what is before that while it serves clients. Neighbours tell each other where they begin.
"""

from roost.chat.history import EVERYTHING, POSITION_MAX, Held, Span
from roost.chat.ids import Position
from roost.node.engine.effects import TrimHistory
from roost.node.engine.inquiries import HERE, NEIGHBOURS
from roost.node.engine.spread import Segment

DAY_MS = 86_400_000
ALIGNMENT_MS = 3_600_000
"""All nodes that keep as many days drop an hour at once, so that they begin at the same place."""
TRIM_INTERVAL_S = 60.0
"""Between two looks at whether there is something to drop."""
BLOCK = 2_000
"""Positions that are fetched at once."""


class Holding:
    """What this node and its neighbours hold."""

    def __init__(self, start: Held, days: float, others: tuple[str, ...]) -> None:
        """Keep so many days (0: everything); `others` are all the nodes that may hold history."""
        self.start = start
        """What this node's store has been told."""
        self._days = days
        self._others = others
        self._starts: dict[str, Held] = {}
        """Where neighbours begin, also those that are not linked now. Others hold everything."""
        self._told: dict[str, Position] = {}
        """What linked neighbours know of this node."""
        self._time_ms = 0
        self._trim_due = float("-inf")
        self._is_trimming = False

    @property
    def keeps_all(self) -> bool:
        """Whether a node that lacks history has to fetch it before it is complete."""
        return not self._days

    # Neighbours

    def follow(self, others: tuple[str, ...]) -> None:
        """Note which other nodes may hold history from now on."""
        self._others = others

    def learn(self, peer: str, start: Held) -> None:
        """Note from where on a neighbour holds history."""
        self._starts[peer] = start

    def connected(self, peer: str) -> None:
        """Forget what a neighbour said before; it begins with where it begins, if not at 1."""
        self._starts.pop(peer, None)
        self._told.pop(peer, None)

    def holders(self, peers: list[str]) -> dict[str, Position]:
        """Return where linked neighbours begin."""
        return {peer: self._starts.get(peer, Held()).position for peer in peers}

    def to_tell(self, peers: list[str]) -> list[str]:
        """Return the linked neighbours that do not know where this node begins, once."""
        start = self.start.position
        found = [peer for peer in peers if self._told.get(peer, Position(1)) != start]
        self._told |= dict.fromkeys(found, start)
        return found

    def first_elsewhere(self) -> Held:
        """Return from where on some other node may hold history."""
        starts = [self._starts.get(peer, Held()) for peer in self._others]
        return min(starts, default=Held(Position(POSITION_MAX)))

    # Questions

    def segments(self) -> list[Segment]:
        """Return whom to ask for which part of history, the oldest first."""
        start = self.start
        if start.position <= 1:
            return [Segment(HERE, EVERYTHING, 0)]
        here = Segment(HERE, Span(start.position, EVERYTHING.last), start.time_ms)
        first = self.first_elsewhere().position
        if first >= start.position:
            return [here]
        older = Span(first, Position(start.position - 1))
        return [Segment(NEIGHBOURS, older, 0), here]

    # Dropping and fetching

    def pass_time(self, time_ms: int) -> None:
        """Note the time of an applied entry."""
        self._time_ms = max(self._time_ms, time_ms)

    @property
    def _limit_ms(self) -> int:
        """What is older than this is not kept."""
        if not self._days:
            return 0
        limit_ms = self._time_ms - round(self._days * DAY_MS)
        return max(0, limit_ms - limit_ms % ALIGNMENT_MS)

    def take_trim(self, now: float) -> TrimHistory | None:
        """Return what to drop, if it is time."""
        if self._is_trimming or now < self._trim_due:
            return None
        self._trim_due = now + TRIM_INTERVAL_S
        if self._limit_ms <= self.start.time_ms:
            # Nothing that is held is as old.
            return None
        self._is_trimming = True
        return TrimHistory(Position(POSITION_MAX), self._limit_ms)

    def trimmed(self, start: Held, *, has_more: bool) -> None:
        """Note what the store holds now."""
        self._is_trimming = False
        self.start = start
        if has_more:
            self._trim_due = float("-inf")

    def missing_block(self, peers: list[str]) -> Span | None:
        """Return the next positions to fetch, which end where this node begins."""
        start = self.start
        linked = self.holders(peers).values()
        if start.position <= 1 or not linked:
            return None
        first = max(min(linked), Position(start.position - BLOCK), Position(1))
        if first >= start.position or start.time_ms < self._limit_ms:
            return None
        return Span(first, Position(start.position - 1))

    def next_deadline(self) -> float:
        """Return when there may be something to drop, in monotonic seconds."""
        return self._trim_due if self._days and not self._is_trimming else float("inf")
