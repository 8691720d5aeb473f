"""What a node does about history: has it written, asks it, repairs it, helps neighbours with it.

    applied entries --> rows --> WriteHistory (one under way at a time)
    clients' queries --> store --> answer, or corrupt rows --> repair --> the query again
    what a snapshot skipped: a gap --> asked of neighbours --> ImportRows

The store itself is the driver's. Rows of a position are either handed over for writing, or are part
of a gap: none is forgotten.
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
"""Between two writes of rows: each costs a thread's waking and a transaction, whatever it holds.
The log has the rows until then, and a question does not wait."""
ROWS_MAX = 250
"""Rows that wait at most, for the memory that they take, and for the length of a write."""
TRIES_MAX = 3
"""How often a query that met corrupt rows is asked again after a repair."""


HistorianEffect: TypeAlias = AddGap | ImportRows | HistoryQuestion


class Historian:
    """A node's history, without the store."""

    def __init__(self, history: HistoryState, position: Position) -> None:
        """Begin with what the store has, and a chat state at `position`."""
        self._effects: list[HistorianEffect] = []
        gaps = history.gaps
        if history.applied < position:
            gap = AddGap(Position(history.applied + 1), position)
            self._effects.append(gap)
            gaps = (*gaps, (gap.first, gap.last))
        self._backfill = Backfill(gaps)
        self._handed_over = Position(max(history.applied, position))
        """Up to here rows were handed over for writing, or are known to be lacking."""
        self._stored = self._handed_over
        self._rows: list[Row] = []
        self._is_writing = False
        self._write_due = float("-inf")
        self._asked: dict[int, tuple[Query, int]] = {}
        self._held: list[AnswerQuery] = []
        """Questions that came after rows which are not handed over yet: whoever asks for history
        finds there what was shown before."""
        self._exporting: dict[int, tuple[str, HistoryWant]] = {}
        self._export_ticket = 0
        self._to_peers: list[tuple[str, HistoryWant | HistoryChunk]] = []

    @property
    def missing(self) -> int:
        """How many positions' rows this node lacks; what is only corrupt does not count."""
        return self._backfill.missing() if self._backfill.has_gaps else 0

    def next_deadline(self) -> float:
        """When this has something to do again, in monotonic seconds."""
        write_due = self._write_due if self._rows and not self._is_writing else float("inf")
        return min(self._backfill.next_deadline(), write_due)

    # Writing

    def record(self, applied: Applied) -> None:
        """Keep what an entry adds to history until it is handed over."""
        if applied.position > self._handed_over:
            self._rows.extend(history_rows(applied))

    def skip_to(self, position: Position) -> None:
        """The state came from a neighbour: what led up to `position` is a gap."""
        # Rows that wait to be handed over are of positions that the gap covers too.
        self._rows.clear()
        self._effects.extend(self._held)
        self._held.clear()
        if self._handed_over < position:
            gap = AddGap(Position(self._handed_over + 1), position)
            self._effects.append(gap)
            self._backfill.add(Want(gap.first, gap.last, is_gap=True))
            self._handed_over = position

    def take_write(
        self, position: Position, now: float, *, wants_sync: bool
    ) -> WriteHistory | None:
        """Hand over what has been applied up to `position`, if that is due and none is under way.

        It is due at once when somebody asks for history or wants it synced.
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
        # The driver reads after it has written what it was given before.
        self._effects.extend(self._held)
        self._held.clear()
        return write

    def written(self, applied: Position) -> None:
        """The write that was handed over is done."""
        self._is_writing = False
        self._stored = max(self._stored, applied)

    # Questions of clients

    def ask(self, ticket: int, query: Query) -> None:
        """Pass a question on to the store."""
        self._asked[ticket] = (query, 0)
        (self._held if self._rows else self._effects).append(AnswerQuery(ticket, query))

    def answered(self, ticket: int) -> None:
        """The store has answered, or never will."""
        self._asked.pop(ticket, None)

    def repair(self, ticket: int, positions: tuple[Position, ...]) -> bool:
        """Have corrupt rows replaced, then ask again; False when that was tried often enough."""
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
        """A neighbour is gone, with whatever it was asked."""
        self._backfill.peer_disconnected(peer)

    def receive_want(self, peer: str, want: HistoryWant) -> None:
        """A neighbour lacks rows: read them for it, if all of them are here."""
        is_stored = want.first <= want.last <= self._stored
        if not is_stored or not self._backfill.covers(want.first, want.last):
            chunk = HistoryChunk(want.ticket, Position(want.first - 1), (), ())
            self._to_peers.append((peer, chunk))
            return
        self._export_ticket += 1
        self._exporting[self._export_ticket] = (peer, want)
        self._effects.append(ExportRows(self._export_ticket, want.first, want.last))

    def receive_chunk(self, peer: str, chunk: HistoryChunk) -> None:
        """A neighbour sent what this node lacks."""
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
        """The store read rows for a neighbour; the `missing` ones are corrupt."""
        for position in missing:
            # What this node cannot vouch for it lacks itself.
            if self._backfill.covers(position, position):
                self._backfill.add(Want(position, position, is_gap=False))
        peer, want = self._exporting.pop(ticket)
        self._to_peers.append((peer, HistoryChunk(want.ticket, covered, rows, missing)))

    def imported(self, ticket: int, last: Position) -> None:
        """A neighbour's rows up to `last` are stored: whoever waited for them is served."""
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
        effects, self._effects = self._effects, []
        frames, self._to_peers = self._to_peers, []
        return effects, frames
