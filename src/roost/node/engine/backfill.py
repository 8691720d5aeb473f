"""Fetches history that this node lacks, or holds corrupt, from its neighbours.

It asks for one range at a time, and one neighbour at a time; if that one cannot help or does not
answer, it asks the next. A *gap* is history that a snapshot skipped; the store remembers it. A
*repair* replaces rows whose checksum was wrong, while a client's query waits.
"""

from collections.abc import Callable

import msgspec

from roost.chat.history import Span
from roost.chat.ids import Position
from roost.node.engine.effects import ImportRows
from roost.protocol.mesh import HistoryChunk, HistoryWant

ANSWER_S_MAX = 3.0
"""How long a neighbour may take to read and send one chunk."""
PAUSE_S = 0.5
"""The wait after a round in which no neighbour could help."""


class Want(msgspec.Struct):
    """A range of positions whose rows are missing; both ends are included."""

    first: Position
    last: Position
    is_gap: bool
    question: int = 0
    """The ticket of the query that waits for this repair; 0 if none does."""
    is_unfound: bool = False
    """Whether all linked neighbours were asked in vain."""


class Backfill:
    """The missing ranges, and which neighbour was asked for the first of them."""

    def __init__(self, gaps: tuple[tuple[Position, Position], ...]) -> None:
        self._wants: list[Want] = [Want(first, last, is_gap=True) for first, last in gaps]
        self._asked: str = ""
        self._ticket = 0
        self._deadline = float("inf")
        self._importing: Want | None = None
        self._import_ticket = 0
        self._refused_by: list[str] = []
        self._paused_until = float("-inf")

    @property
    def has_gaps(self) -> bool:
        """Whether this node lacks history."""
        return any(want.is_gap for want in self._wants)

    @property
    def is_idle(self) -> bool:
        """Whether this node lacks nothing and repairs nothing."""
        return not self._wants

    def missing(self) -> int:
        """Return the number of missing positions."""
        return sum(want.last - want.first + 1 for want in self._wants)

    def covers(self, first: Position, last: Position) -> bool:
        """Return whether nothing between `first` and `last` is missing."""
        return all(want.last < first or last < want.first for want in self._wants)

    def add(self, want: Want) -> None:
        if want.is_gap:
            self._wants.append(want)
        else:
            self._wants.insert(0 if self._importing is None and not self._asked else 1, want)

    def put_before(self, want: Want) -> None:
        """Fetch a range before everything else, and forget what has come just now."""
        self._importing = None
        self._wants.insert(0, want)

    def drop(self, question: int) -> bool:
        """Forget what is wanted for a query, unless it is being stored; return if that is so."""
        for want in [want for want in self._wants if want.question == question]:
            if want is self._importing:
                return False
            if want is self._wants[0]:
                self._asked = ""
                self._refused_by = []
            self._wants.remove(want)
        return True

    def gap_at(self, position: Position) -> Want | None:
        """Return the gap that a position is part of."""
        wants = (want for want in self._wants if want.is_gap)
        return next((want for want in wants if want.first <= position <= want.last), None)

    def cut_before(self, first: Position) -> None:
        """Forget what is missing before a position: nobody is to fetch it."""
        for want in [want for want in self._wants if want.first < first]:
            if want.last < first:
                self._wants.remove(want)
            else:
                want.first = first
            self._asked = ""
            self._importing = None

    def give_up(self, first: Position, last: Position) -> None:
        """Forget that these positions are missing: nobody can fetch them."""
        for want in [want for want in self._wants if want.is_gap]:
            if want.last < first or last < want.first:
                continue
            self._wants.remove(want)
            if want.first < first:
                self._wants.append(Want(want.first, Position(first - 1), is_gap=True))
            if last < want.last:
                self._wants.append(Want(Position(last + 1), want.last, is_gap=True))
            self._asked = ""
            self._importing = None

    @property
    def gap_spans(self) -> list[Span]:
        """The gaps, in no order."""
        return [Span(want.first, want.last) for want in self._wants if want.is_gap]

    @property
    def first_gap(self) -> Want | None:
        """The gap with the first position."""
        gaps = (want for want in self._wants if want.is_gap)
        return min(gaps, key=lambda want: want.first, default=None)

    def cut(self, last: Position) -> None:
        """Forget what is missing after a position: its rows are made anew."""
        for want in [want for want in self._wants if want.last > last]:
            if want.first > last:
                self._wants.remove(want)
            else:
                want.last = last
        self._asked = ""
        self._importing = None

    def ask(
        self,
        peers: list[str],
        now: float,
        in_order: Callable[[list[str]], list[str]] = lambda peers: peers,
    ) -> tuple[str, HistoryWant] | None:
        """Return whom to ask for what next; None while waiting or with nothing to ask for.

        Neighbours are asked in an order of the caller's.
        """
        if self._asked and now >= self._deadline:
            self._refused_by.append(self._asked)
            self._asked = ""
        if not self._wants or self._asked or self._importing or now < self._paused_until:
            return None
        candidates = [peer for peer in in_order(peers) if peer not in self._refused_by]
        if not candidates:
            self._refused_by = []
            self._paused_until = now + PAUSE_S
            # Others may be found meanwhile.
            unfound = self._wants.pop(0)
            unfound.is_unfound = True
            self._wants.append(unfound)
            return None
        want = self._wants[0]
        self._asked = candidates[0]
        self._ticket += 1
        self._deadline = now + ANSWER_S_MAX
        return self._asked, HistoryWant(self._ticket, want.first, want.last)

    def receive(self, peer: str, chunk: HistoryChunk) -> ImportRows | None:
        """Return what to store of an answer; None if it does not help."""
        if peer != self._asked or chunk.ticket != self._ticket or not self._wants:
            return None
        self._asked = ""
        want = self._wants[0]
        covered = min(chunk.covered, want.last)
        if chunk.missing:
            covered = min(covered, Position(min(chunk.missing) - 1))
        if covered < want.first:
            self._refused_by.append(peer)
            return None
        self._refused_by = []
        self._importing = want
        want.is_unfound = False
        rows = tuple(row for row in chunk.rows if want.first <= row.position <= covered)
        self._import_ticket = chunk.ticket
        return ImportRows(chunk.ticket, rows, want.first, covered, want.is_gap)

    def imported(self, ticket: int, last: Position) -> int:
        """Note that rows up to `last` are stored; return the query to repeat, or 0."""
        want = self._importing
        if want is None or ticket != self._import_ticket:
            return 0
        self._importing = None
        if last < want.last:
            want.first = Position(last + 1)
            return 0
        self._wants.remove(want)
        return want.question

    @property
    def unfound(self) -> list[Span]:
        """The gaps, or what is left of them, that no linked neighbour could fill."""
        return [
            Span(want.first, want.last) for want in self._wants if want.is_unfound and want.is_gap
        ]

    @property
    def is_fetching(self) -> bool:
        """Whether this node lacks history that a neighbour may have."""
        return any(want.is_gap and not want.is_unfound for want in self._wants)

    def peer_connected(self) -> None:
        """Note that there is another neighbour to be asked."""
        for want in self._wants:
            want.is_unfound = False

    def peer_disconnected(self, peer: str) -> None:
        if peer == self._asked:
            self._asked = ""

    def next_deadline(self) -> float:
        """Return when `ask` has something to do again, in monotonic seconds."""
        if not self._wants or self._importing:
            return float("inf")
        return self._deadline if self._asked else self._paused_until
