"""A node's simulated disk: a crash can lose what was not yet synced."""

import random
from collections.abc import Callable
from operator import attrgetter
from typing import assert_never

from roost.chat.erasing import erased
from roost.chat.history import Anchor, Held, Page, Row, is_shown, room_conversation
from roost.chat.holes import Hole, holes_from, holes_until, holes_without, with_hole
from roost.chat.ids import AccountId, Position
from roost.chat.state import Erasure
from roost.node.engine.effects import (
    AddGap,
    AnswerQuery,
    Compact,
    EraseHistory,
    ExportRows,
    FindKept,
    ForgetHistory,
    HistoryChange,
    HistoryQuestion,
    HistoryState,
    HoldFrom,
    ImportRows,
    NoteHole,
    TrimHistory,
    TrimRoom,
    WriteHistory,
)
from roost.node.engine.inputs import (
    Answered,
    AnswerTrimmed,
    DiskInput,
    Exported,
    HistoryErased,
    HistoryForgotten,
    HistoryTrimmed,
    HistoryWritten,
    Imported,
    KeptFound,
    Persisted,
    RoomTrimmed,
)
from roost.node.engine.terms import Terms
from roost.raft.messages import Entry, HardState, Persist, Snapshot, Stored
from roost.raft.messages import Position as LogPosition
from support.memory_history import is_in
from support.simulation.world import World

AHEAD_MS_MAX = 1_500
"""How far an entry's time may be ahead of the true one: no more than clocks may differ."""
LATE_MS_MAX = 8_000
"""An entry may have waited in a leader that was frozen, and time may have had to stand still."""


class Archive:
    """Every committed entry that was compacted or lost; for checks only."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self._written: dict[tuple[int, int], None] = {}

    def apart(self) -> "Archive":
        """Return one for a disk whose entries are not those of the others any more."""
        other = Archive()
        other._written = self._written
        return other

    def check_time(self, entry: Entry, now_ms: int) -> None:
        """Hold an entry's time against the true one when it is first written to a disk."""
        if (entry.index, entry.term) not in self._written:
            self._written[entry.index, entry.term] = None
            ahead_ms = entry.time_ms - now_ms
            assert -LATE_MS_MAX <= ahead_ms <= AHEAD_MS_MAX, (
                f"entry {entry.index} has a time that is {ahead_ms} ms ahead"
            )

    def keep(self, entry: Entry) -> None:
        """Record an entry that is known to be committed."""
        known = self.entries.setdefault(entry.index, entry)
        assert known == entry, f"two committed entries at {entry.index}"


class LogDisk:
    """The log on the disk: group commit with a simulated fsync."""

    def __init__(self, world: World, fsync_s: tuple[float, float], archive: Archive) -> None:
        self._world = world
        self.archive = archive
        self._fsync_s = fsync_s
        self.hard_state = HardState()
        self.snapshot: Snapshot | None = None
        self.entries: list[Entry] = []
        self.positions: tuple[LogPosition, ...] = ()
        self._queue: list[Persist | Compact] = []
        self._syncing: list[Persist | Compact] = []
        self._epoch = 0
        self.is_full = False
        self.syncs = 0
        """How often it waited for the disk."""
        self._lost_index = 0
        """The last entry that was durable on a previous disk."""

    def load(self) -> Stored:
        """Return what survived."""
        return Stored(self.hard_state, self.snapshot, tuple(self.entries), self.positions)

    def had(self, index: int) -> bool:
        """Return whether an entry is durable here, or was until the disk itself was lost."""
        return index <= self._lost_index or self._has(index)

    def _has(self, index: int) -> bool:
        if self.snapshot is not None and index <= self.snapshot.index:
            return True
        return bool(self.entries) and self.entries[0].index <= index <= self.entries[-1].index

    def submit(self, jobs: list[Persist | Compact], tell: Callable[[DiskInput], None]) -> None:
        """Queue writes; pass to `tell` what one fsync has made durable."""
        self._queue.extend(jobs)
        self._start(tell)

    def _start(self, tell: Callable[[DiskInput], None]) -> None:
        if self._syncing or not self._queue or self.is_full:
            return
        self._syncing, self._queue = self._queue, []
        epoch = self._epoch

        def finish() -> None:
            if epoch != self._epoch:
                return
            jobs, self._syncing = self._syncing, []
            self.syncs += any(isinstance(job, Compact) or not job.is_lazy for job in jobs)
            for job in jobs:
                self._write(job)
            batches = [job for job in jobs if isinstance(job, Persist)]
            if batches:
                messages = tuple(message for batch in batches for message in batch.messages)
                tell(Persisted(batches[-1].number, messages))
            self._start(tell)

        self._world.at(self._world.random.uniform(*self._fsync_s), finish)

    def _write(self, job: Persist | Compact) -> None:
        if isinstance(job, Compact):
            self.snapshot = job.snapshot
            self._archive_committed()
            self.entries = [entry for entry in self.entries if entry.index >= job.first_index]
            return
        if job.snapshot is not None:
            self.snapshot = job.snapshot
            self.entries = []
        if job.entries:
            first = job.entries[0].index
            while self.entries and self.entries[-1].index >= first:
                self.entries.pop()
            assert not self.entries or self.entries[-1].index == first - 1, "a hole in the log"
            self.entries.extend(job.entries)
            for entry in job.entries:
                self.archive.check_time(entry, self._world.instant().wall_ms)
        if job.hard_state is not None:
            self.hard_state = job.hard_state
        if job.positions is not None:
            self.positions = job.positions

    def crash(self) -> None:
        """Lose what was not synced; some jobs of a sync under way may have reached the disk."""
        reached = self._world.random.randint(0, len(self._syncing))
        for job in self._syncing[:reached]:
            self._write(job)
        self._queue = []
        self._syncing = []
        self._epoch += 1

    def _archive_committed(self) -> None:
        for entry in self.entries:
            if self.snapshot is not None and entry.index <= self.snapshot.index:
                self.archive.keep(entry)

    def save(self) -> Stored:
        """Return a copy of what is durable now."""
        return self.load()

    def set_back(self, saved: Stored) -> None:
        """Replace the disk by an older copy of it."""
        self._lose()
        self.hard_state = saved.hard_state
        self.snapshot = saved.snapshot
        self.entries = list(saved.entries)
        self.positions = saved.positions

    def _lose(self) -> None:
        self.crash()
        self._archive_committed()
        if self.entries:
            self._lost_index = max(self._lost_index, self.entries[-1].index)
        if self.snapshot is not None:
            self._lost_index = max(self._lost_index, self.snapshot.index)

    def wipe(self) -> None:
        """Replace the disk by an empty one."""
        self._lose()
        self.put_aside()

    def put_aside(self) -> None:
        """Begin with an empty disk; what was on it is not of the cluster's log."""
        self.hard_state = HardState(is_amnesiac=True)
        self.snapshot = None
        self.entries = []
        self.positions = ()

    def knows(self, name: str) -> tuple[int, int]:
        """Return the last entry (term, index) that a member is known here to have had."""
        known = {position.name: (position.term, position.index) for position in self.positions}
        return known.get(name, (0, 0))


_position = attrgetter("position")


class HistoryDisk:
    """The history on the disk: a crash can undo the transactions since the last sync."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, Position, int], Row] = {}
        self.applied = Position(0)
        self.gaps: list[tuple[Position, Position]] = []
        self.terms = Terms()
        self.held = Held()
        self.holes: tuple[Hole, ...] = ()
        self.had_holes: list[Hole] = []
        """All that there ever were."""
        self.erasures: dict[AccountId, Erasure] = {}
        self._unsynced: list[WriteHistory] = []

    def state(self) -> HistoryState:
        """Return what a starting node is told."""
        return HistoryState(
            applied=self.applied,
            gaps=tuple(self.gaps),
            terms=self.terms.begins,
            held=self.held,
            holes=self.holes,
            erased=tuple(self.erasures),
        )

    def rows_from(self, first: int) -> dict[tuple[str, Position, int], Row]:
        """Return the rows of a position and all later ones."""
        return {key: row for key, row in self.rows.items() if row.position >= first}

    def change(self, effect: HistoryChange) -> DiskInput | None:
        """Change the history, as the real store does; return the input that this leads to."""
        match effect:
            case ForgetHistory(last):
                self._forget(last)
                self._unsynced.clear()
                return HistoryForgotten(())
            case AddGap(first, last, term):
                self.gaps.append((first, last))
                self.terms.skip(first, last, term)
                self.applied = max(self.applied, last)
                self._unsynced.clear()
                return None
            case WriteHistory(rows, applied, is_synced, terms):
                for begin in terms:
                    self.terms.begin(*begin)
                self._unsynced.append(effect)
                for row in erased(rows, self.erasures):
                    self.rows.setdefault((row.conversation, row.position, row.part), row)
                self.applied = max(self.applied, applied)
                if is_synced:
                    self._unsynced.clear()
                return HistoryWritten(applied)
            case ImportRows(ticket, rows, first, last, is_gap):
                for key in [k for k in self.rows if first <= k[1] <= last]:
                    del self.rows[key]
                for row in erased(rows, self.erasures):
                    self.rows[row.conversation, row.position, row.part] = row
                if is_gap:
                    self._narrow_gap(first, last)
                self.holes = holes_without(self.holes, first, last)
                self._unsynced.clear()
                return Imported(ticket, last)
            case HoldFrom(held):
                self._hold_from(held)
                return None
            case NoteHole(hole):
                self._note_hole(hole)
                return None
            case TrimHistory(before, older_ms):
                return self._trim(before, older_ms)
            case TrimRoom(room, before):
                conversation = room_conversation(room)
                self.rows = {
                    key: row
                    for key, row in self.rows.items()
                    if key[0] != conversation or row.position >= before
                }
                self._unsynced.clear()
                return RoomTrimmed(room, before, has_more=False)
            case EraseHistory(account, erasure):
                self.erasures[account] = erasure
                left = erased(sorted(self.rows.values(), key=_position), self.erasures)
                self.rows = {(row.conversation, row.position, row.part): row for row in left}
                self._unsynced.clear()
                return HistoryErased(account, has_more=False)
            case _:
                assert_never(effect)

    def _forget(self, last: Position) -> None:
        self.rows = {key: row for key, row in self.rows.items() if row.position <= last}
        self.gaps = [(first, min(end, last)) for first, end in self.gaps if first <= last]
        self.terms.cut(last)
        self.applied = last
        self.held = min(self.held, Held(Position(last + 1), self.held.time_ms))
        self.holes = holes_until(self.holes, last)

    def _note_hole(self, hole: Hole) -> None:
        self.had_holes.append(hole)
        self.holes = with_hole(self.holes, hole)
        for key in [k for k in self.rows if hole.first <= k[1] <= hole.last]:
            del self.rows[key]
        self.gaps = [
            part
            for first, last in self.gaps
            for part in (
                (first, min(last, Position(hole.first - 1))),
                (max(first, Position(hole.last + 1)), last),
            )
            if part[0] <= part[1]
        ]
        self._unsynced.clear()

    def _hold_from(self, held: Held) -> None:
        self.held = held
        self.holes = holes_from(self.holes, held.position)
        self.gaps = [
            (max(first, held.position), last) for first, last in self.gaps if last >= held.position
        ]
        self._unsynced.clear()

    def _trim(self, before: Position, older_ms: int) -> HistoryTrimmed:
        old = [
            row
            for row in self.rows.values()
            if row.position < min(before, self.applied + 1) and row.time_ms < older_ms
        ]
        if not old:
            return HistoryTrimmed(self.held, has_more=False)
        last = max(row.position for row in old)
        young = [row.position for row in self.rows.values() if row.position > last]
        end = min([self.applied + 1, before, *young])
        self.rows = {key: row for key, row in self.rows.items() if row.position >= end}
        time_ms = max(self.held.time_ms, *(row.time_ms for row in old))
        self._hold_from(Held(max(Position(end), self.held.position), time_ms))
        return HistoryTrimmed(self.held, has_more=False)

    def _narrow_gap(self, first: Position, last: Position) -> None:
        gaps = []
        for gap_first, gap_last in self.gaps:
            if gap_first != first or gap_last < last:
                gaps.append((gap_first, gap_last))
            elif last < gap_last:
                gaps.append((Position(last + 1), gap_last))
        self.gaps = gaps

    def answer(self, effect: HistoryQuestion) -> DiskInput:
        """Read as the real store does, only slower; return the input that this leads to."""
        rows = sorted(self.rows.values(), key=lambda row: (row.position, row.part))
        match effect:
            case AnswerQuery(ticket, _, span) if max(span.first, 1) < self.held.position:
                return AnswerTrimmed(ticket, self.held)
            case ExportRows(ticket, first, _) if first < self.held.position:
                return Exported(ticket, (), Position(first - 1), ())
            case AnswerQuery(ticket, query, span):
                assert isinstance(query, Page), "the simulation asks for pages only"
                rows = [row for row in rows if span.first <= row.position <= span.last]
                return Answered(ticket, page(rows, query))
            case ExportRows(ticket, first, last):
                found = tuple(row for row in rows if first <= row.position <= last)
                return Exported(ticket, found, last, ())
            case FindKept(room, conversation, older_ms, messages):
                said = [row for row in rows if row.conversation == conversation and row.kind == 0]
                first = next((row.position for row in rows if row.time_ms >= older_ms), Position(0))
                if messages and len(said) >= messages:
                    first = max(first, said[-messages].position)
                is_any = any(r.conversation == conversation and r.position < first for r in rows)
                return KeptFound(room, first if is_any else Position(0))
            case _:
                assert_never(effect)

    def crash(self, chance: random.Random) -> None:
        """Undo a random number of the last transactions that were not synced."""
        if not self._unsynced:
            return
        kept = chance.randint(0, len(self._unsynced))
        lost, self._unsynced = self._unsynced[kept:], []
        if not lost:
            return
        for write in lost:
            for row in write.rows:
                self.rows.pop((row.conversation, row.position, row.part), None)
        first_lost = min((row.position for write in lost for row in write.rows), default=None)
        before = lost[0].applied if first_lost is None else Position(first_lost - 1)
        self.applied = min(self.applied, before)
        self.terms.cut(self.applied)

    def save(self) -> "HistoryDisk":
        """Return a copy of the disk; what was not synced may be missing when it is used."""
        saved = HistoryDisk()
        saved.set_back(self)
        return saved

    def set_back(self, saved: "HistoryDisk") -> None:
        """Replace the disk by an older copy of it."""
        self.rows = dict(saved.rows)
        self.applied = saved.applied
        self.gaps = list(saved.gaps)
        self.terms = Terms(saved.terms.begins)
        self.held = saved.held
        self.holes = saved.holes
        self._unsynced = list(saved._unsynced)

    def wipe(self) -> None:
        """Replace the disk by an empty one."""
        had_holes = self.had_holes
        self.__init__()  # type: ignore[misc]
        self.had_holes = had_holes


def page(rows: list[Row], query: Page) -> tuple[Row, ...]:
    """Return a page of rows in ascending order: the definition of a page, as plain as can be."""
    taken = {
        (row.position, row.part): row
        for excerpt in query.excerpts()
        for row in rows
        if is_in(row, excerpt)
    }
    mine = [row for _, row in sorted(taken.items()) if is_shown(row, query.kinds)]

    def is_before(row: Row, anchor: Anchor) -> bool:
        if anchor.time_ms >= 0:
            return row.time_ms < anchor.time_ms
        return (row.position, row.part) < (anchor.position, anchor.part)

    def is_after(row: Row, anchor: Anchor) -> bool:
        if anchor.time_ms >= 0:
            return row.time_ms > anchor.time_ms
        return (row.position, row.part) > (anchor.position, anchor.part)

    if query.around is not None:
        earlier = [row for row in mine if is_before(row, query.around)]
        later = [row for row in mine if not is_before(row, query.around)]
        half = query.limit // 2
        head = earlier[-half:] if half else []
        return tuple(head + later[: query.limit - len(head)])
    if query.after is not None:
        mine = [row for row in mine if is_after(row, query.after)]
    if query.before is not None:
        mine = [row for row in mine if is_before(row, query.before)]
    return tuple(mine[-query.limit :] if query.is_newest else mine[: query.limit])


def compare(disks: dict[str, HistoryDisk], seed: int) -> None:
    """Hold the nodes' histories against each other, as far as they both reach."""
    (first, one), *others = disks.items()
    for name, other in others:
        start = max(one.held.position, other.held.position)
        assert one.rows_from(start) == other.rows_from(start), (
            f"seed {seed}: histories of {first} and {name} differ"
        )
    assert not any(disk.gaps for disk in disks.values())
