"""Fetches the rows of holes: what no node had, but a neighbour has after all.

    hole here <--> no hole in a neighbour's share --> ask it --> ImportRows --> no hole here

A neighbour may have got the rows from a node that the others did not know, or was removed itself
and came back with its disk. Meanwhile the node is whole, and clients are told of the hole.

Only a neighbour whose share has the rows is asked, and its rows are taken only if its share had
them all the time: it sends them for a hole, too, but then there are none.
"""

from roost.chat.history import Span
from roost.chat.ids import Position
from roost.node.engine.backfill import ANSWER_S_MAX
from roost.node.engine.effects import ImportRows
from roost.node.engine.elsewhere import Share
from roost.node.engine.holding import Holding
from roost.node.engine.terms import UNKNOWN_TERM, Terms
from roost.protocol.mesh import HistoryChunk, HistoryWant

FIRST_TICKET = 2**40
"""Tickets go up from here, those of gaps and repairs from 0."""
TRIES_MAX = 3
"""How often a neighbour is asked in vain before it has another share, or is linked again."""
PAUSE_S = 2.0
"""The wait after a question in vain; the neighbour may be storing or repairing these rows."""


class Healing:
    """The part of a hole that a neighbour was asked for."""

    def __init__(self, holding: Holding, terms: Terms) -> None:
        self._holding = holding
        self._terms = terms
        self._asked = ""
        self._importing: Span | None = None
        self._want = HistoryWant(FIRST_TICKET, Position(1), Position(0))
        """The last one."""
        self._deadline = float("inf")
        """When to give up waiting for the answer."""
        self._failed: dict[str, tuple[Share, int]] = {}
        """How often neighbours with these shares were asked in vain."""
        self._has_failed = False
        self._paused_until = float("-inf")

    def peer_connected(self, peer: str) -> None:
        """Forget that a neighbour was asked in vain."""
        self._failed.pop(peer, None)

    def peer_disconnected(self, peer: str) -> None:
        if peer == self._asked:
            self._asked = ""

    def learned(self, peer: str) -> None:
        """Do without the answer of a neighbour that has said that it lacks the rows."""
        if peer == self._asked and not self._has(peer, self._want.first, self._want.last):
            self._fail()

    def ask(self, peers: list[str], last: Position, now: float) -> tuple[str, HistoryWant] | None:
        """Return whom to ask for which rows up to `last`; None while waiting or if all is whole."""
        if self._asked and now >= self._deadline:
            self._fail()
        if self._has_failed:
            self._has_failed = False
            self._paused_until = now + PAUSE_S
        self._deadline = self._deadline if self._asked else float("inf")
        if self._asked or self._importing is not None or not self._holding.holes:
            return None
        found = self._find(peers, last)
        if found is None:
            return None
        if now < self._paused_until:
            self._deadline = self._paused_until
            return None
        self._asked, span = found
        self._want = HistoryWant(self._want.ticket + 1, *span)
        self._deadline = now + ANSWER_S_MAX
        return self._asked, self._want

    def _find(self, peers: list[str], last: Position) -> tuple[str, Span] | None:
        """Return a neighbour that has rows of a hole, and which."""
        shares = self._holding.holders(peers)
        for peer in sorted(peers, key=self._tries):
            if self._tries(peer) >= TRIES_MAX:
                continue
            for hole in self._holding.holes:
                if hole.last <= last and (spans := shares[peer].has_of(hole)):
                    return peer, spans[0]
        return None

    def receive(self, peer: str, chunk: HistoryChunk) -> ImportRows | None:
        """Return what to store of an answer; None if it does not help."""
        want = self._want
        if peer != self._asked or chunk.ticket != want.ticket:
            return None
        last = min([chunk.covered, want.last, *(Position(at - 1) for at in chunk.missing)])
        known = self._terms.at(Position(want.first - 1))
        is_other = UNKNOWN_TERM not in (known, chunk.term_before) and known != chunk.term_before
        if last < want.first or is_other or not self._has(peer, want.first, last):
            self._fail()
            return None
        self._asked = ""
        if not any(hole.first <= want.first and last <= hole.last for hole in self._holding.holes):
            # It was dropped meanwhile, or has come.
            return None
        self._importing = Span(want.first, last)
        rows = tuple(row for row in chunk.rows if want.first <= row.position <= last)
        return ImportRows(want.ticket, rows, want.first, last, is_gap=False)

    def imported(self, ticket: int, last: Position) -> Span | None:
        """Note that rows are stored, which are no longer in a hole; return their positions."""
        span, self._importing = self._importing, None
        if span is None or ticket != self._want.ticket or last != span.last:
            return None
        self._holding.fill(*span)
        return span

    def next_deadline(self) -> float:
        """Return when `ask` has something to do again, in monotonic seconds."""
        return self._deadline

    def _has(self, peer: str, first: Position, last: Position) -> bool:
        return self._holding.holders([peer])[peer].has(first, last)

    def _tries(self, peer: str) -> int:
        share, tries = self._failed.get(peer, (None, 0))
        return tries if share == self._holding.holders([peer])[peer] else 0

    def _fail(self) -> None:
        """Note that the neighbour that was asked did not help."""
        peer, self._asked = self._asked, ""
        self._failed[peer] = (self._holding.holders([peer])[peer], self._tries(peer) + 1)
        self._has_failed = True
