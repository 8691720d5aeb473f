"""A node's history: writes it, queries it, repairs it, and helps neighbours with theirs.

    applied entries --> rows --> WriteHistory (one under way at a time)
    clients' queries --> store --> answer, or corrupt rows --> repair --> the query again
    gaps that snapshots leave --> neighbours are asked --> ImportRows

The driver owns the store itself. Every position's rows are either handed over to be written, or
part of a gap.
"""

from typing import TypeAlias

from roost.chat.applied import Applied
from roost.chat.history import Query, Row
from roost.chat.ids import Position
from roost.chat.record import history_rows
from roost.node.engine.backfill import Backfill, Want
from roost.node.engine.effects import (
    AddGap,
    AnswerQuery,
    ExportRows,
    HistoryQuestion,
    HistoryState,
    ImportRows,
    WriteHistory,
)
from roost.protocol.mesh import HistoryChunk, HistoryWant

WRITE_INTERVAL_S = 0.2
"""The wait between two writes: each wakes a thread and costs a transaction, whatever its size. The
log has the rows until then, and a query does not wait."""
ROWS_MAX = 250
"""Rows that can wait; bounds their memory and the duration of a write."""
TRIES_MAX = 3
"""How often a query that met corrupt rows is repeated after a repair."""


HistorianEffect: TypeAlias = AddGap | ImportRows | HistoryQuestion


class Historian:
    """A node's history, without the store."""

    def __init__(self, history: HistoryState, position: Position) -> None:
        """Start with what the store holds and a chat state at `position`."""
        self._effects: list[HistorianEffect] = []
        gaps = history.gaps
        if history.applied < position:
            gap = AddGap(Position(history.applied + 1), position)
            self._effects.append(gap)
            gaps = (*gaps, (gap.first, gap.last))
        self._backfill = Backfill(gaps)
        self._handed_over = Position(max(history.applied, position))
        """Up to this position rows were handed over to be written, or are known to be missing."""
        self._stored = self._handed_over
        self._rows: list[Row] = []
        self._is_writing = False
        self._write_due = float("-inf")
        self._asked: dict[int, tuple[Query, int]] = {}
        self._held: list[AnswerQuery] = []
        """Queries that wait for rows: those not handed over yet, or those of a gap. So a client
        finds in history what it was shown before, without a hole."""
        self._exporting: dict[int, tuple[str, HistoryWant]] = {}
        self._export_ticket = 0
        self._to_peers: list[tuple[str, HistoryWant | HistoryChunk]] = []

    @property
    def missing(self) -> int:
        """How many positions' rows this node lacks; corrupt ones do not count."""
        return self._backfill.missing() if self._backfill.has_gaps else 0

    def next_deadline(self) -> float:
        """Return when there is something to do again, in monotonic seconds."""
        write_due = self._write_due if self._rows and not self._is_writing else float("inf")
        return min(self._backfill.next_deadline(), write_due)

    # Writing

    def record(self, applied: Applied) -> None:
        """Keep the rows of an entry until they are handed over."""
        if applied.position > self._handed_over:
            self._rows.extend(history_rows(applied))

    def skip_to(self, position: Position) -> None:
        """Make a gap of everything up to `position`: the state came from a neighbour."""
        # The gap covers the rows that wait to be handed over, too.
        self._rows.clear()
        if self._handed_over < position:
            gap = AddGap(Position(self._handed_over + 1), position)
            self._effects.append(gap)
            self._backfill.add(Want(gap.first, gap.last, is_gap=True))
            self._handed_over = position

    def take_write(
        self, position: Position, now: float, *, wants_sync: bool
    ) -> WriteHistory | None:
        """Return the next write, with what has been applied up to `position`, if it is due.

        It is due at once if a query waits or `wants_sync`, but never while another is under way.
        """
        if self._is_writing or not (self._rows or wants_sync):
            return None
        if not (wants_sync or self._held or len(self._rows) >= ROWS_MAX or now >= self._write_due):
            return None
        self._write_due = now + WRITE_INTERVAL_S
        self._handed_over = max(self._handed_over, position)
        write = WriteHistory(tuple(self._rows), self._handed_over, wants_sync)
        self._rows.clear()
        self._is_writing = True
        return write

    def written(self, applied: Position) -> None:
        """Note that the write is done."""
        self._is_writing = False
        self._stored = max(self._stored, applied)

    # Questions of clients

    def ask(self, ticket: int, query: Query) -> None:
        """Pass a query on to the store as soon as the store has the rows that it is about."""
        self._asked[ticket] = (query, 0)
        self._held.append(AnswerQuery(ticket, query))

    def answered(self, ticket: int) -> None:
        """Forget a query that the store has answered, or never will."""
        self._asked.pop(ticket, None)

    def repair(self, ticket: int, positions: tuple[Position, ...]) -> bool:
        """Have corrupt rows replaced, then repeat the query; return False after too many tries."""
        query, tries = self._asked.get(ticket, (None, TRIES_MAX))
        if query is None or tries >= TRIES_MAX:
            return False
        self._asked[ticket] = (query, tries + 1)
        for number, position in enumerate(positions, 1):
            question = ticket if number == len(positions) else 0
            self._backfill.add(Want(position, position, is_gap=False, question=question))
        return True

    # Neighbours

    def peer_disconnected(self, peer: str) -> None:
        self._backfill.peer_disconnected(peer)

    def receive_want(self, peer: str, want: HistoryWant) -> None:
        """Read the rows that a neighbour lacks, if all of them are here."""
        is_stored = want.first <= want.last <= self._stored
        if not is_stored or not self._backfill.covers(want.first, want.last):
            chunk = HistoryChunk(want.ticket, Position(want.first - 1), (), ())
            self._to_peers.append((peer, chunk))
            return
        self._export_ticket += 1
        self._exporting[self._export_ticket] = (peer, want)
        self._effects.append(ExportRows(self._export_ticket, want.first, want.last))

    def receive_chunk(self, peer: str, chunk: HistoryChunk) -> None:
        """Store what a neighbour sent, if this node lacks it."""
        effect = self._backfill.receive(peer, chunk)
        if effect is not None:
            self._effects.append(effect)

    def exported(
        self,
        ticket: int,
        rows: tuple[Row, ...],
        covered: Position,
        missing: tuple[Position, ...],
    ) -> None:
        """Send rows to the neighbour that wants them; the `missing` ones are corrupt."""
        for position in missing:
            # This node lacks them itself.
            if self._backfill.covers(position, position):
                self._backfill.add(Want(position, position, is_gap=False))
        peer, want = self._exporting.pop(ticket)
        self._to_peers.append((peer, HistoryChunk(want.ticket, covered, rows, missing)))

    def imported(self, ticket: int, last: Position) -> None:
        """Note that a neighbour's rows up to `last` are stored; repeat the query that waits."""
        question = self._backfill.imported(ticket, last)
        if question in self._asked:
            self._effects.append(AnswerQuery(question, self._asked[question][0]))

    def take_output(
        self, peers: list[str], now: float
    ) -> tuple[list[HistorianEffect], list[tuple[str, HistoryWant | HistoryChunk]]]:
        """Return effects and frames for neighbours, and forget them."""
        want = self._backfill.ask(peers, now)
        if want is not None:
            self._to_peers.append(want)
        if self._held and not self._rows and not self._backfill.has_gaps:
            # The store answers queries after it has made the changes that it was given before.
            self._effects.extend(self._held)
            self._held.clear()
        effects, self._effects = self._effects, []
        frames, self._to_peers = self._to_peers, []
        return effects, frames
