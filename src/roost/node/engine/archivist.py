"""Brings this node's rows to the archive, in order, while it is this node's turn.

    the archive's watermark --> the rows after it: from the store, or from a neighbour --> write

The node with the log's singular duties writes. If two nodes believe that they have them, the
archive takes each batch once. Whatever a batch leads to, the next one begins at the watermark that
the archive then tells. So a database that was set back to a backup is filled again, from nodes that
still hold the rows; what no node holds becomes a hole, and is reported. Damaged rows that a
question met there are replaced by those of a node that holds them (`Mending`).
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias, assert_never

from roost.archive import ArchiveState, Batch
from roost.chat.history import Row, Span
from roost.chat.holes import Hole
from roost.chat.ids import Position
from roost.node.engine.effects import ExportRows, LogEvent, RetainArchive, WriteArchive
from roost.node.engine.elsewhere import Share
from roost.node.engine.holding import DAY_MS, Holding
from roost.node.engine.incidents import archive_has_hole, archive_hole_filled, archive_set_back
from roost.node.engine.inputs import (
    ArchiveDamaged,
    ArchiveFailed,
    ArchiveRefused,
    ArchiveRepaired,
    ArchiveResult,
    ArchiveSeen,
    ArchiveWrote,
    Exported,
)
from roost.node.engine.mending import Mending, MendingEffect
from roost.node.engine.terms import UNKNOWN_TERM, Terms
from roost.protocol.mesh import HistoryChunk, HistoryWant

WRITE_INTERVAL_S = 0.5
"""The wait between two batches, unless there is a full one: few transactions for many rows."""
POSITIONS_MAX = 1_000
"""Positions in a batch: some 30 ms of the database's time."""
CHUNK_S_MAX = 3.0
"""How long a neighbour may take for rows."""
AHEAD_S_MAX = 10.0
"""How long the archive may seem to be ahead of the log, while this node catches up."""
RETAIN_INTERVAL_S = 3600.0
REFUSED_S = 2.0
"""The wait after a batch that the archive refused, although it can be reached."""
EXPORT_TICKET = 0
"""The ticket of `ExportRows` for the archive; mending and backups have lower, neighbours higher."""

ArchivistEffect: TypeAlias = MendingEffect | WriteArchive | RetainArchive


class Archivist:
    """What is under way between this node and the archive."""

    def __init__(self, holding: Holding, terms: Terms) -> None:
        self._holding = holding
        self.mending = Mending(holding)
        self._terms = terms
        self._is_busy = False
        """Rows are being read or written."""
        self._expected = self._first = self._last = Position(0)
        """The archive's watermark when the batch was begun that is being made, and its first and
        last positions."""
        self._filling: Span | None = None
        """What is being written of a hole."""
        self._asked = ""
        self._ticket = 0
        self._deadline = float("inf")
        self._refused_by: list[str] = []
        self._due = float("-inf")
        self._retain_due = float("-inf")
        self._ahead_since = float("inf")
        self._is_refused = False
        self._failure = ""
        """Why the archive cannot be used; empty if it can."""
        self._refusal = ""
        """Why it refuses to be changed; empty if it does not, as far as is known."""
        self._doubt = ""
        """Why nothing is written to it; empty if there is no reason."""
        self._effects: list[ArchivistEffect] = []
        self._wants: list[tuple[str, HistoryWant]] = []

    @property
    def problem(self) -> str:
        """What is wrong with the archive, and what to do; empty if nothing is."""
        failure = f"old history is not available: {self._failure}" if self._failure else ""
        refusal = f"no messages can be written to the archive: {self._refusal}"
        return failure or (refusal if self._refusal else self._doubt) or self.mending.problem

    # What the archive tells

    def receive(self, result: ArchiveResult) -> None:
        """Take what the archive has told, or has done."""
        match result:
            case ArchiveSeen(state):
                self.seen(state)
            case ArchiveWrote(state):
                self.wrote(state)
            case ArchiveFailed(reason, was_writing):
                self.failed(reason, was_writing=was_writing)
            case ArchiveRefused(reason):
                self.refused(reason)
            case ArchiveDamaged(positions):
                self.mending.damaged(positions)
            case ArchiveRepaired(position, is_done):
                self.mending.repaired(position, is_done=is_done)
            case _:
                assert_never(result)

    def seen(self, state: ArchiveState) -> None:
        """Note what the archive holds."""
        known = self._holding.archive
        if known is not None and state.watermark < known.watermark:
            self._effects.append(archive_set_back(known.watermark, state.watermark))
        if known is not None:
            new = [hole for hole in state.holes if hole[0] > known.watermark]
            self._effects.extend(archive_has_hole(*hole) for hole in new)
        if self._failure or known is None:
            fields = {"until": state.watermark}
            self._effects.append(LogEvent("info", "archive-available", fields))
        self._failure = ""
        self._holding.archive = state

    def wrote(self, state: ArchiveState) -> None:
        """Note what the archive holds after a batch."""
        self._is_busy = False
        if self._refusal:
            self._refusal = ""
            self._effects.append(LogEvent("info", "archive-accepts", {"until": state.watermark}))
        filled, self._filling = self._filling, None
        if filled and not any(
            low <= filled.last and filled.first <= high for low, high in state.holes
        ):
            self._effects.append(archive_hole_filled(*filled))
        self.seen(state)

    def refused(self, reason: str) -> None:
        """Note that the archive did not take a batch, although it can be reached."""
        self._is_busy = False
        self._is_refused = True
        if reason != self._refusal:
            self._refusal = reason
            self._effects.append(LogEvent("error", "archive-refuses", {"reason": reason}))

    def failed(self, reason: str, *, was_writing: bool) -> None:
        """Note that the archive cannot be used."""
        if was_writing:
            self._is_busy = False
        if reason and reason != self._failure:
            self._failure = reason
            self._effects.append(LogEvent("error", "archive-unavailable", {"reason": reason}))

    # Rows for it

    def exported(self, result: Exported) -> None:
        """Write what the store has read."""
        if result.ticket != EXPORT_TICKET:
            self.mending.exported(result)
            return
        covered = result.covered
        if result.missing:
            covered = min(covered, Position(min(result.missing) - 1))
        self._write(result.rows, covered)

    def receive_chunk(self, peer: str, chunk: HistoryChunk) -> None:
        """Write what a neighbour has sent."""
        self.mending.receive_chunk(peer, chunk)
        if peer != self._asked or chunk.ticket != self._ticket:
            return
        covered = min([chunk.covered, self._last, *(Position(at - 1) for at in chunk.missing)])
        if covered < self._first or not self._holding.holders([peer])[peer].has(
            self._first, covered
        ):
            self._refused_by.append(peer)
            covered = Position(0)
        else:
            self._refused_by = []
        self._asked = ""
        self._write(chunk.rows, covered)

    def _write(self, rows: tuple[Row, ...], covered: Position) -> None:
        state = self._holding.archive
        if state is None or covered < self._first:
            self._is_busy = False
            return
        some = tuple(row for row in rows if self._first <= row.position <= covered)
        term = self._terms.at(covered)
        # What was set back meanwhile would take rows that are further on for a hole.
        batch = Batch(self._expected, some, self._first, covered, term)
        self._effects.append(WriteArchive(batch))

    def peer_disconnected(self, peer: str) -> None:
        if peer == self._asked:
            self._asked = ""
            self._is_busy = False

    def advance(
        self,
        peers: list[str],
        stored: Position,
        now: float,
        *,
        is_in_charge: bool,
        is_whole: Callable[[Position, Position], bool],
    ) -> None:
        """Begin what is due. Rows up to `stored` are stored; `is_whole` tells where none lack."""
        state = self._holding.archive
        if self._asked and now >= self._deadline:
            self._refused_by.append(self._asked)
            self._asked = ""
            self._is_busy = False
        if self._is_refused:
            self._is_refused = False
            self._due = now + REFUSED_S
        if self._is_busy or now < self._due:
            return
        self._due = now + WRITE_INTERVAL_S
        if not is_in_charge or state is None or self._failure:
            self._doubt = self._refusal = ""
            return
        self._doubt = self._doubts(state, stored, now)
        if self._doubt:
            return
        if self._holding.archive_days and now >= self._retain_due:
            self._retain_due = now + RETAIN_INTERVAL_S
            older_ms = self._holding.time_ms - round(self._holding.archive_days * DAY_MS)
            self._effects.append(RetainArchive(max(0, older_ms)))
        self._expected = state.watermark
        if not self._fill(state, stored, is_whole) and state.watermark < stored:
            self._begin(state, peers, stored, now, is_whole)

    def _doubts(self, state: ArchiveState, stored: Position, now: float) -> str:
        """Return why the archive cannot hold this log's history."""
        if state.watermark <= stored:
            self._ahead_since = float("inf")
            known = self._terms.at(state.watermark)
            if UNKNOWN_TERM not in (known, state.term) and known != state.term:
                return (
                    f"the archive has other messages at position {state.watermark} than the"
                    " cluster, which has lost some: restore the database from a backup made before"
                    " that, or empty it"
                )
            return ""
        self._ahead_since = min(self._ahead_since, now)
        if now < self._ahead_since + AHEAD_S_MAX:
            return ""
        return (
            f"the archive has messages up to position {state.watermark}, and the cluster only up"
            f" to {stored}: restore the cluster's newer state, or an older backup of the database"
        )

    def _fill(
        self, state: ArchiveState, stored: Position, is_whole: Callable[[Position, Position], bool]
    ) -> bool:
        """Have rows read that the archive lacks, if this node has any; return whether it has."""
        share = Share(self._holding.start, self._holding.holes)
        for low, high in state.holes:
            for first, last in share.has_of(Hole(low, high, 0, 0)):
                span = _bounded(first, min(last, stored))
                if span.first <= span.last and is_whole(*span):
                    self._filling = span
                    self._read_here(span)
                    return True
        return False

    def _begin(
        self,
        state: ArchiveState,
        peers: list[str],
        stored: Position,
        now: float,
        is_whole: Callable[[Position, Position], bool],
    ) -> None:
        """Have the rows after the watermark read, here or by a neighbour."""
        start = self._holding.start.position
        # What is neither here nor with others becomes a hole.
        first = self._skip_gone(Position(state.watermark + 1), stored)
        if first > stored:
            return
        if first >= start:
            span = _before_hole(first, stored, self._holding.holes)
            if is_whole(*span):
                self._read_here(span)
                if span.last < stored:
                    self._due = now
            return
        last = min(stored, Position(start - 1))
        spans = {
            peer: _before_hole(first, last, share.holes)
            for peer, share in self._holding.holders(peers).items()
            if share.has(first, first) and peer not in self._refused_by
        }
        if not spans:
            self._refused_by = []
            self._doubt = (
                f"the archive lacks messages from position {first} on, which are on nodes"
                " that are not linked: start them"
            )
            return
        peer = max(spans, key=lambda name: spans[name].last)
        self._is_busy = True
        self._first, self._last = spans[peer]
        self._asked, self._deadline = peer, now + CHUNK_S_MAX
        self._due = now
        self._ticket -= 1
        self._wants.append((peer, HistoryWant(self._ticket, self._first, self._last)))

    def _read_here(self, span: Span) -> None:
        self._is_busy = True
        self._first, self._last = span
        self._effects.append(ExportRows(EXPORT_TICKET, *span))

    def _skip_gone(self, first: Position, stored: Position) -> Position:
        """Return the first position from `first` on whose rows are here or may be with others."""
        start = self._holding.start.position
        first = max(first, min(start, self._holding.first_elsewhere().position))
        while first <= stored:
            here = [hole for hole in self._holding.holes if hole.first <= first <= hole.last]
            elsewhere = Span(first, min(stored, Position(start - 1)))
            gone = here if first >= start else self._holding.gone(elsewhere)
            if not gone or gone[0].first > first:
                break
            first = Position(gone[0].last + 1)
        return first

    def next_deadline(self) -> float:
        """Return when there is something to do, in monotonic seconds."""
        due = self._deadline if self._asked else self._due
        if not self._asked and (self._is_busy or self._holding.archive is None):
            due = float("inf")
        return min(due, self.mending.next_deadline())

    def take_output(self) -> tuple[list[ArchivistEffect], list[tuple[str, HistoryWant]]]:
        """Return effects and frames for neighbours, once."""
        mending, asked = self.mending.take_output()
        effects, self._effects = [*self._effects, *mending], []
        wants, self._wants = [*self._wants, *asked], []
        return effects, wants


def _before_hole(first: Position, last: Position, holes: Sequence[Hole]) -> Span:
    """Return positions for one batch, from `first` on, which is in no hole."""
    ends = [Position(hole.first - 1) for hole in holes if hole.first > first]
    return _bounded(first, min([last, *ends]))


def _bounded(first: Position, last: Position) -> Span:
    return Span(first, min(last, Position(first + POSITIONS_MAX - 1)))
