"""A node's history: writes it, queries it, repairs it, and helps neighbours with theirs.

    applied entries --> rows --> WriteHistory (one under way at a time)
    clients' queries --> store or neighbours --> answer
                         corrupt rows --> repair --> the query again
    gaps that snapshots leave, blocks before the first row --> neighbours are asked --> ImportRows
    holes that a neighbour does not have --> it is asked --> ImportRows

After a start, the entries that are applied again are compared with those that the stored rows come
from, by term: as long as the terms are equal, so are the entries (Raft's log matching). Where they
differ, the stored rows come from entries that a majority has lost, because a disk was set back to
an older state. The rows from there on are dropped, and made anew from the log.

The driver owns the store itself. Every position's rows are either handed over to be written, or
part of a gap.
"""

from typing import TypeAlias

from roost.chat.applied import Applied
from roost.chat.history import Held, Query, Row
from roost.chat.holes import Hole, is_in_hole
from roost.chat.ids import Position
from roost.chat.record import history_rows
from roost.node.engine import incidents
from roost.node.engine.archivist import EXPORT_TICKET, Archivist
from roost.node.engine.backfill import Backfill, Want
from roost.node.engine.earlier import BLOCK, Earlier
from roost.node.engine.effects import (
    AddGap,
    AnswerQuery,
    ArchiveEffect,
    ForgetHistory,
    HistoryChange,
    HistoryQuestion,
    HistoryState,
    HoldFrom,
    LogEvent,
    NoteHole,
    WriteHistory,
)
from roost.node.engine.elsewhere import share_of, why_needed
from roost.node.engine.exporting import Exporting, nothing
from roost.node.engine.healing import FIRST_TICKET, Healing
from roost.node.engine.hearing import NOT_HERE, Hearing
from roost.node.engine.holding import Holding
from roost.node.engine.inputs import (
    AnswerCorrupt,
    Answered,
    AnswerFailed,
    AnswerTrimmed,
    Exported,
    HistoryForgotten,
    HistoryResult,
    HistoryTrimmed,
    Imported,
)
from roost.node.engine.inquiries import Inquiries, Outcome
from roost.node.engine.lineage import Lineage
from roost.node.engine.mending import EXPORT_TICKET as MEND_TICKET
from roost.node.engine.terms import UNKNOWN_TERM, Terms
from roost.protocol.mesh import (
    HistoryAnswer,
    HistoryAsk,
    HistoryChunk,
    HistoryFrame,
    HistoryHeld,
    HistoryWant,
)

WRITE_INTERVAL_S = 2.0
"""The wait between two writes, each of which wakes a thread. The log has the rows until then, and a
query does not wait."""
ROWS_MAX = 1000
"""Rows that can wait; bounds their memory, and what the disk thread gets at once, some 4 ms."""
TRIES_MAX = 3
"""How often a query that met corrupt rows is repeated after a repair."""
REPAIRED_LATER = "The history is being repaired; try again later"

HistorianEffect: TypeAlias = LogEvent | HistoryChange | HistoryQuestion | ArchiveEffect


class Historian:
    """A node's history, without the store."""

    def __init__(
        self,
        history: HistoryState,
        position: Position,
        last_index: int,
        *,
        time_ms: int = 0,
        holding: Holding | None = None,
    ) -> None:
        """Start with what the store holds, a chat state at `position`, and a log to `last_index`.

        Without a log (0) there is nothing to compare the stored rows with. `time_ms` is the time of
        the entry at `position`. Keep what `holding` says; by default everything.
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
        self._holding = holding or Holding(history.held, 0, ())
        self._lineage = Lineage(self._terms)
        self._archivist = Archivist(self._holding, self._terms)
        self._backfill = Backfill(gaps)
        self._earlier = Earlier(self._holding, self._backfill)
        self._healing = Healing(self._holding, self._terms)
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
        self._inquiries = Inquiries()
        self._hearing = Hearing()
        self._tries: dict[int, int] = {}
        """How often queries, by ticket, were repeated after a repair."""
        self._held: list[tuple[int, Query]] = []
        """Queries that wait for rows: those not handed over yet, or those of a gap. So a client
        finds in history what it was shown before, without a hole."""
        self._peers: list[str] = []
        self._exporting = Exporting(self._terms)
        self._to_peers: list[tuple[str, HistoryFrame]] = []
        if gaps and gaps[-1][1] == position:
            self._begin_here(time_ms)

    @property
    def missing(self) -> int:
        """How many positions' rows this node lacks; corrupt ones do not count."""
        return self._backfill.missing() if self._backfill.has_gaps else 0

    @property
    def problem(self) -> str:
        """What is wrong with the archive, for people; empty if nothing is."""
        return self._archivist.problem

    @property
    def terms(self) -> tuple[tuple[Position, int], ...]:
        """The terms of the entries, each with its first position."""
        return self._terms.begins

    def next_deadline(self) -> float:
        """Return when there is something to do again but writing, in monotonic seconds."""
        parts = (self._backfill, self._healing, self._inquiries, self._holding, self._archivist)
        return min(part.next_deadline() for part in parts)

    def write_deadline(self) -> float:
        """Return when rows are to be written, in monotonic seconds."""
        return self._write_due if self._rows and not self._is_writing else float("inf")

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
        self._effects.append(incidents.history_diverged(position, last, known_term, term))
        self._handed_over = self._stored = Position(position - 1)
        self._effects.append(ForgetHistory(self._handed_over))
        self._backfill.cut(self._handed_over)
        self._holding.forget(self._handed_over)
        self._terms.cut(self._handed_over)
        self._terms.begin(position, term)
        self._new_terms = [(position, term)]

    def record(self, applied: Applied) -> None:
        """Keep the rows of an entry until they are handed over."""
        self._holding.pass_time(applied.time_ms)
        if applied.results and applied.position > self._handed_over:
            self._rows += history_rows(applied)

    def skip_to(self, position: Position, term: int, time_ms: int = 0) -> None:
        """Make a gap of everything up to `position`: the state came from a neighbour.

        `time_ms` is the time of the entry there.
        """
        # The gap covers the rows that wait to be handed over, too, and those that were stored
        # before the start but could not be compared with the log.
        self._rows.clear()
        self._new_terms.clear()
        known = min(self._handed_over, self._verified)
        if known < position:
            self._lineage.doubt(known)
            gap = AddGap(Position(known + 1), position, term)
            self._effects.append(gap)
            self._backfill.add(Want(gap.first, gap.last, is_gap=True))
            self._terms.skip(gap.first, position, term)
            self._handed_over = max(self._handed_over, position)
            self._begin_here(time_ms)
        self._verified = max(self._verified, position)

    def _begin_here(self, time_ms: int) -> None:
        """Have the history begin after a gap, if nothing is held before it.

        A node that keeps the last days only is complete at once, and fetches them later.
        """
        gap = self._backfill.gap_at(self._holding.start.position)
        if gap is not None and gap.last == self._handed_over and not self._holding.keeps_all:
            self._hold_from(Held(Position(gap.last + 1), time_ms))

    def _hold_from(self, held: Held) -> None:
        self._holding.hold_from(held)
        self._backfill.cut_before(held.position)
        self._effects.append(HoldFrom(held))

    def _give_up_lost(self) -> None:
        """Give up what is missing here and nowhere else.

        If nothing is held before it, the history begins after it; otherwise it becomes a hole.
        """
        gap = self._backfill.first_gap
        archive = self._holding.archive
        if gap is not None and archive is not None and gap.first <= archive.watermark:
            self._hold_from(Held(Position(archive.watermark + 1), archive.time_ms))
            return
        unfound = self._backfill.unfound
        for span in self._backfill.gap_spans:
            for hole in self._holding.gone(span, was_sought=span in unfound):
                self._effects.append(incidents.history_gone(hole.first, hole.last))
                if hole.since_ms and hole.first <= self._holding.start.position:
                    self._hold_from(Held(Position(hole.last + 1), hole.since_ms))
                else:
                    self._backfill.give_up(hole.first, hole.last)
                    self._note_hole(hole)

    def _note_hole(self, hole: Hole) -> None:
        self._holding.note_hole(hole)
        self._effects.append(NoteHole(hole))

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
        write = WriteHistory(tuple(self._rows), applied, wants_sync, tuple(self._new_terms))
        self._rows.clear()
        self._new_terms.clear()
        self._is_writing = True
        return write

    def written(self, applied: Position) -> None:
        """Note that the write is done."""
        self._is_writing = False
        self._stored = max(self._stored, applied)

    # Questions

    def ask(self, ticket: int, query: Query) -> None:
        """Pass a query on as soon as the store has the rows that it is about."""
        self._held.append((ticket, query))

    def take_outcomes(self) -> list[Outcome]:
        """Return what clients are to be told, once."""
        return self._inquiries.take_outcomes()

    def _answered(self, result: Answered | AnswerFailed) -> None:
        """Take what the store says about a question of a client, or of a neighbour."""
        self._tries.pop(result.ticket, None)
        if frame := self._hearing.answered(result):
            self._to_peers.append(frame)
        elif isinstance(result, Answered):
            self._inquiries.answered(result.ticket, result.answer)
        else:
            self._inquiries.failed(result.ticket, result.reason)

    def _repair(self, ticket: int, positions: tuple[Position, ...]) -> None:
        """Have corrupt rows replaced, then repeat the query; give up after too many tries."""
        self._effects.append(incidents.history_corrupt(positions))
        tries = self._tries.get(ticket, 0)
        is_own = self._inquiries.is_under_way(ticket)
        can_repair = bool(self._peers) and tries < TRIES_MAX
        if can_repair:
            self._tries[ticket] = tries + 1
            for number, position in enumerate(positions, 1):
                question = ticket if is_own and number == len(positions) else 0
                self._backfill.add(Want(position, position, is_gap=False, question=question))
        if not (is_own and can_repair):
            self._answered(AnswerFailed(ticket, REPAIRED_LATER))

    # Neighbours

    def follow(self, others: tuple[str, ...], nodes_changed: int = 0) -> None:
        """Note which other nodes belong to the cluster, by its registry; 0 if that is old."""
        self._holding.follow(others, nodes_changed)

    def why_needed(self, own: str, node: str) -> str:
        """Return why a node must stay in the cluster for now; empty if it need not."""
        own_share = self._holding.share(self._peers, self._backfill)
        return why_needed(node, {own: own_share, **self._holding.holders(self._peers)})

    def peer_connected(self, peer: str) -> None:
        self._backfill.peer_connected()
        self._holding.connected(peer)
        self._healing.peer_connected(peer)

    def peer_disconnected(self, peer: str) -> None:
        self._archivist.peer_disconnected(peer)
        self._backfill.peer_disconnected(peer)
        self._healing.peer_disconnected(peer)
        self._inquiries.peer_disconnected(peer)

    def receive_frame(self, peer: str, frame: HistoryFrame) -> None:
        """Take what a neighbour has sent."""
        match frame:
            case HistoryWant():
                self.receive_want(peer, frame)
            case HistoryChunk() if frame.ticket < 0:
                self._archivist.receive_chunk(peer, frame)
            case HistoryChunk() if frame.ticket > FIRST_TICKET:
                if (healed := self._healing.receive(peer, frame)) is not None:
                    self._effects.append(healed)
            case HistoryChunk():
                self.receive_chunk(peer, frame)
            case HistoryHeld():
                self._holding.learn(peer, share_of(frame))
                self._healing.learned(peer)
            case HistoryAsk():
                self._hear(peer, frame)
            case HistoryAnswer():
                self._inquiries.receive_answer(peer, frame)

    def _hear(self, peer: str, ask: HistoryAsk) -> None:
        """Answer a neighbour's question, if all that it is about is here."""
        is_whole = not is_in_hole(self._holding.holes, ask.first, ask.last)
        is_here = is_whole and self.has_all(ask.first, ask.last)
        heard = self._hearing.receive(peer, ask, is_here=is_here)
        if isinstance(heard, AnswerQuery):
            self._effects.append(heard)
        else:
            self._to_peers.append(heard)

    def has_all(self, first: Position, last: Position) -> bool:
        """Return whether the store has all rows of a range of positions that anybody has."""
        is_written = last <= self._stored or not (self._rows or self._is_writing)
        is_stored = is_written and first <= last <= self._verified
        is_held = first >= min(self._holding.start.position, last + 1)
        return is_stored and is_held and self._backfill.covers(first, last)

    def receive_want(self, peer: str, want: HistoryWant) -> None:
        """Read the rows that a neighbour lacks, if all of them are here."""
        if not self.has_all(want.first, want.last):
            self._to_peers.append((peer, nothing(want)))
            return
        self._effects.append(self._exporting.begin(peer, want))

    def receive_chunk(self, peer: str, chunk: HistoryChunk) -> None:
        """Store what a neighbour sent, if this node lacks it."""
        effect = self._backfill.receive(peer, chunk)
        if effect is None:
            return
        start = self._holding.start.position
        if (lost := self._lineage.compare(effect.first, chunk.term_before, start)) is not None:
            self._effects += lost
            self._backfill.put_before(Want(lost[1].first, lost[1].last, is_gap=True))
            return
        self._effects.append(effect)
        if not self._earlier.receive(peer, effect):
            self._holding.fill(effect.first, effect.last)
            for hole in self._holding.holes_at(peer, effect.first, effect.last):
                self._note_hole(hole)

    def receive(self, result: HistoryResult) -> None:
        """Go on with what the store has done."""
        match result:
            case Answered() | AnswerFailed():
                self._answered(result)
            case AnswerCorrupt(ticket, positions):
                self._repair(ticket, positions)
            case AnswerTrimmed(ticket, held):
                self._holding.hold_from(max(self._holding.start, held))
                if self._inquiries.is_under_way(ticket):
                    self._inquiries.start_again(ticket, self._holding.segments())
                else:
                    self._answered(AnswerFailed(ticket, NOT_HERE))
            case Exported():
                self._exported(result)
            case Imported(ticket, last):
                self._imported(ticket, last)
            case HistoryTrimmed(held, has_more):
                if held > self._holding.start and not has_more:
                    self._effects.append(incidents.history_dropped(held.position))
                self._holding.trimmed(held, has_more=has_more)
            case HistoryForgotten(missing):
                for position in missing:
                    self._backfill.add(Want(position, position, is_gap=True))
            case _:
                self._archivist.receive(result)

    def _imported(self, ticket: int, last: Position) -> None:
        if ticket > FIRST_TICKET:
            if (healed := self._healing.imported(ticket, last)) is not None:
                self._exporting.void(*healed)
                self._effects.append(incidents.history_returned(*healed))
            return
        question = self._backfill.imported(ticket, last)
        if question == BLOCK:
            if (held := self._earlier.take_fetched()) is not None:
                self._hold_from(held)
                for hole in self._earlier.holes:
                    self._note_hole(hole)
        elif question:
            # The rows are stored; repeat the query that waits.
            self._inquiries.repeat(question)

    def _exported(self, result: Exported) -> None:
        """Send rows to the neighbour that wants them; the `missing` ones are corrupt."""
        for position in result.missing:
            # This node lacks them itself.
            if self._backfill.covers(position, position):
                self._backfill.add(Want(position, position, is_gap=False))
        if result.ticket in (EXPORT_TICKET, MEND_TICKET):
            self._archivist.exported(result)
        if (answer := self._exporting.end(result)) is not None:
            self._to_peers.append(answer)

    def take_output(
        self, peers: list[str], now: float, *, is_in_charge: bool = False
    ) -> tuple[list[HistorianEffect], list[tuple[str, HistoryFrame]]]:
        """Return effects and frames for neighbours, and forget them.

        Whoever is in charge writes to the archive.
        """
        self._peers = peers
        self._holding.link(peers)
        if self._backfill.has_gaps:
            self._give_up_lost()
        known = 0 if self._backfill.has_gaps else min(self._stored, self._verified)
        if want := self._healing.ask(peers, Position(known), now):
            self._to_peers.append(want)
        self._earlier.advance(peers)
        if want := self._backfill.ask(peers, now, self._holding.whole_first):
            self._to_peers.append(want)
        if self._held and not self._rows and not self._backfill.has_gaps:
            # The store answers queries after it has made the changes that it was given before.
            for ticket, query in self._held:
                self._inquiries.begin(ticket, query, self._holding.segments())
            self._held.clear()
        if not self._inquiries.is_idle:
            self._inquiries.advance(self._holding.holders(peers), now)
            questions, asks = self._inquiries.take_output()
            self._effects.extend(questions)
            self._to_peers.extend(asks)
        share = self._holding.share(peers, self._backfill)
        if uninformed := self._holding.to_tell(peers, share):
            # Before rows that are whole but for the holes.
            self._to_peers[:0] = [(peer, share.frame()) for peer in uninformed]
        if trim := self._holding.take_trim(peers, now):
            self._effects.append(trim)
        if self._holding.has_archive:
            stored = min(self._stored, self._verified)
            self._archivist.advance(
                peers, stored, now, is_in_charge=is_in_charge, is_whole=self._backfill.covers
            )
            self._archivist.mending.advance(peers, now, self.has_all)
            writes, wants = self._archivist.take_output()
            self._effects.extend(writes)
            self._to_peers.extend(wants)
        effects, self._effects = self._effects, []
        frames, self._to_peers = self._to_peers, []
        return effects, frames
