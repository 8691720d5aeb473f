"""A node's history: writes it, queries it, repairs it, and helps neighbours with theirs.

    applied entries --> rows --> WriteHistory (one under way at a time)
    clients' queries --> store --> answer, or corrupt rows --> repair --> the query again
    gaps that snapshots leave --> neighbours are asked --> ImportRows

After a start, the entries that are applied again are compared with those that the stored rows come
from, by term: as long as the terms are equal, so are the entries (Raft's log matching). Where they
differ, the stored rows come from entries that a majority has lost, because a disk was set back to
an older state. The rows from there on are dropped, and made anew from the log.

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
    ForgetHistory,
    HistoryQuestion,
    HistoryState,
    ImportRows,
    LogEvent,
    WriteHistory,
)
from roost.node.engine.incidents import history_diverged
from roost.node.engine.inputs import Exported, HistoryForgotten, Imported
from roost.node.engine.terms import UNKNOWN_TERM, Terms
from roost.protocol.mesh import HistoryChunk, HistoryWant

WRITE_INTERVAL_S = 0.2
"""The wait between two writes: each wakes a thread and costs a transaction, whatever its size. The
log has the rows until then, and a query does not wait."""
ROWS_MAX = 250
"""Rows that can wait; bounds their memory and the duration of a write."""
TRIES_MAX = 3
"""How often a query that met corrupt rows is repeated after a repair."""


HistorianEffect: TypeAlias = LogEvent | ForgetHistory | AddGap | ImportRows | HistoryQuestion


class Historian:
    """A node's history, without the store."""

    def __init__(self, history: HistoryState, position: Position, last_index: int) -> None:
        """Start with what the store holds, a chat state at `position`, and a log to `last_index`.

        Without a log (0) there is nothing to compare the stored rows with.
        """
        self._effects: list[HistorianEffect] = []
        self._terms = Terms(history.terms)
        self._terms.cut(history.applied)
        gaps = history.gaps
        if history.applied < position:
            gap = AddGap(Position(history.applied + 1), position)
            self._effects.append(gap)
            self._terms.skip(gap.first, gap.last, UNKNOWN_TERM)
            gaps = (*gaps, (gap.first, gap.last))
        self._backfill = Backfill(gaps)
        self._handed_over = Position(max(history.applied, position))
        """Up to this position rows were handed over to be written, or are known to be missing."""
        self._stored = self._handed_over
        self._new_terms: list[tuple[Position, int]] = []
        """Those that the store does not have yet."""
        self._verified = position if last_index else self._handed_over
        """Up to this position the rows are known to come from the cluster's log."""
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

    def verify(self, position: Position, term: int) -> None:
        """Compare the next entry that is applied with the one that the rows come from.

        If it is another one, the rows from there on are dropped.
        """
        self._verified = position
        if position > self._handed_over:
            if self._terms.last != term:
                self._terms.begin(position, term)
                self._new_terms.append((position, term))
        elif self._terms.at(position) not in (UNKNOWN_TERM, term):
            self._set_back(position, term)

    def _set_back(self, position: Position, term: int) -> None:
        """Drop the rows from `position` on, whose entry is another one, of `term`."""
        last, known_term = self._handed_over, self._terms.at(position)
        self._effects.append(history_diverged(position, last, known_term, term))
        self._handed_over = self._stored = Position(position - 1)
        self._effects.append(ForgetHistory(self._handed_over))
        self._backfill.cut(self._handed_over)
        self._terms.cut(self._handed_over)
        self._terms.begin(position, term)
        self._new_terms = [(position, term)]

    def record(self, applied: Applied) -> None:
        """Keep the rows of an entry until they are handed over."""
        if applied.position > self._handed_over:
            self._rows.extend(history_rows(applied))

    def skip_to(self, position: Position, term: int) -> None:
        """Make a gap of everything up to `position`: the state came from a neighbour."""
        # The gap covers the rows that wait to be handed over, too, and those that were stored
        # before the start but could not be compared with the log.
        self._rows.clear()
        self._new_terms.clear()
        known = min(self._handed_over, self._verified)
        if known < position:
            gap = AddGap(Position(known + 1), position, term)
            self._effects.append(gap)
            self._backfill.add(Want(gap.first, gap.last, is_gap=True))
            self._terms.skip(gap.first, position, term)
            self._handed_over = max(self._handed_over, position)
        self._verified = max(self._verified, position)

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
        # Rows that were stored before the start do not count before they are verified.
        applied = min(self._handed_over, self._verified)
        terms = tuple(self._new_terms)
        write = WriteHistory(tuple(self._rows), applied, wants_sync, terms)
        self._rows.clear()
        self._new_terms.clear()
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
        is_stored = want.first <= want.last <= min(self._stored, self._verified)
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

    def receive(self, result: Exported | Imported | HistoryForgotten) -> None:
        """Go on with what the store has done."""
        match result:
            case Exported():
                self._exported(result)
            case Imported(ticket, last):
                question = self._backfill.imported(ticket, last)
                if question in self._asked:
                    # The rows are stored; repeat the query that waits.
                    self._effects.append(AnswerQuery(question, self._asked[question][0]))
            case HistoryForgotten(missing):
                for position in missing:
                    self._backfill.add(Want(position, position, is_gap=True))

    def _exported(self, result: Exported) -> None:
        """Send rows to the neighbour that wants them; the `missing` ones are corrupt."""
        for position in result.missing:
            # This node lacks them itself.
            if self._backfill.covers(position, position):
                self._backfill.add(Want(position, position, is_gap=False))
        peer, want = self._exporting.pop(result.ticket)
        chunk = HistoryChunk(want.ticket, result.covered, result.rows, result.missing)
        self._to_peers.append((peer, chunk))

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
