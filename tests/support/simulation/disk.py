"""A node's disk: what is on it survives a crash, what was not yet synced may not."""

import random
from collections.abc import Callable

from roost.chat.history import Anchor, Answer, Page, Query, Row, Search, Target, Targets
from roost.chat.ids import Position
from roost.node.engine.effects import Compaction, GapAdd, HistoryState, HistoryWrite, Import
from roost.raft.messages import Entry, HardState, Persist, Snapshot, Stored
from support.simulation.world import World


class Archive:
    """Every committed entry that a disk let go of; no node can read it."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}

    def keep(self, entry: Entry) -> None:
        """Keep an entry that is known to be committed."""
        known = self.entries.setdefault(entry.index, entry)
        assert known == entry, f"two committed entries at {entry.index}"


class LogDisk:
    """The log's part: group commit with a simulated fsync."""

    def __init__(self, world: World, fsync_s: tuple[float, float], archive: Archive) -> None:
        self._world = world
        self._archive = archive
        self._fsync_s = fsync_s
        self.hard_state = HardState()
        self.snapshot: Snapshot | None = None
        self.entries: list[Entry] = []
        self._queue: list[Persist | Compaction] = []
        self._syncing: list[Persist | Compaction] = []
        self._epoch = 0
        self.is_full = False
        self._lost_index = 0
        """The last entry that was durable on an earlier disk."""

    def load(self) -> Stored:
        """Read what survived."""
        return Stored(self.hard_state, self.snapshot, tuple(self.entries))

    def had(self, index: int) -> bool:
        """Tell whether an entry is durable here, or was until the disk itself was lost."""
        return index <= self._lost_index or self._has(index)

    def _has(self, index: int) -> bool:
        if self.snapshot is not None and index <= self.snapshot.index:
            return True
        return bool(self.entries) and self.entries[0].index <= index <= self.entries[-1].index

    def submit(
        self, jobs: list[Persist | Compaction], done: Callable[[list[Persist]], None]
    ) -> None:
        """Queue writes; `done` is called with the batches that one fsync made durable."""
        self._queue.extend(jobs)
        self._start(done)

    def _start(self, done: Callable[[list[Persist]], None]) -> None:
        if self._syncing or not self._queue or self.is_full:
            return
        self._syncing, self._queue = self._queue, []
        epoch = self._epoch

        def finish() -> None:
            if epoch != self._epoch:
                return
            jobs, self._syncing = self._syncing, []
            for job in jobs:
                self._write(job)
            done([job for job in jobs if isinstance(job, Persist)])
            self._start(done)

        self._world.at(self._world.random.uniform(*self._fsync_s), finish)

    def _write(self, job: Persist | Compaction) -> None:
        if isinstance(job, Compaction):
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
        if job.hard_state is not None:
            self.hard_state = job.hard_state

    def crash(self) -> None:
        """Lose what was not synced; of the sync under way some jobs may have reached the disk."""
        reached = self._world.random.randint(0, len(self._syncing))
        for job in self._syncing[:reached]:
            self._write(job)
        self._queue = []
        self._syncing = []
        self._epoch += 1

    def _archive_committed(self) -> None:
        for entry in self.entries:
            if self.snapshot is not None and entry.index <= self.snapshot.index:
                self._archive.keep(entry)

    def wipe(self) -> None:
        """Lose everything: a new disk."""
        self.crash()
        self._archive_committed()
        if self.entries:
            self._lost_index = max(self._lost_index, self.entries[-1].index)
        if self.snapshot is not None:
            self._lost_index = max(self._lost_index, self.snapshot.index)
        self.hard_state = HardState(is_amnesiac=True)
        self.snapshot = None
        self.entries = []


class HistoryDisk:
    """The history's part: transactions that a crash may take back to the last sync."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, Position, int], Row] = {}
        self.applied = Position(0)
        self.gaps: list[tuple[Position, Position]] = []
        self._unsynced: list[HistoryWrite] = []

    def state(self) -> HistoryState:
        """Say what a starting node is told."""
        return HistoryState(applied=self.applied, gaps=tuple(self.gaps))

    def write(self, write: HistoryWrite) -> None:
        """Store rows."""
        self._unsynced.append(write)
        self._store(write)
        if write.is_synced:
            self._unsynced.clear()

    def _store(self, write: HistoryWrite) -> None:
        for row in write.rows:
            self.rows.setdefault((row.conversation, row.position, row.part), row)
        self.applied = max(self.applied, write.applied)

    def add_gap(self, gap: GapAdd) -> None:
        """Remember what is lacking (synced, as in the store)."""
        self.gaps.append((gap.first, gap.last))
        self.applied = max(self.applied, gap.last)
        self._unsynced.clear()

    def put(self, effect: Import) -> None:
        """Replace rows by a neighbour's (synced)."""
        for key in [k for k in self.rows if effect.first <= k[1] <= effect.last]:
            del self.rows[key]
        for row in effect.rows:
            self.rows[row.conversation, row.position, row.part] = row
        if effect.is_gap:
            gaps = []
            for first, last in self.gaps:
                if first == effect.first and effect.last <= last:
                    if effect.last < last:
                        gaps.append((Position(effect.last + 1), last))
                else:
                    gaps.append((first, last))
            self.gaps = gaps
        self._unsynced.clear()

    def crash(self, chance: random.Random) -> None:
        """Take back a random number of the last transactions that were not synced."""
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

    def wipe(self) -> None:
        """A new disk."""
        self.__init__()  # type: ignore[misc]

    def export(self, first: Position, last: Position) -> tuple[Row, ...]:
        """Read rows for a neighbour."""
        return tuple(
            row
            for key, row in sorted(self.rows.items(), key=lambda i: i[0][1:])
            if first <= key[1] <= last
        )

    def answer(self, query: Query) -> Answer:
        """Answer a page as the real store does, only slower; see its own tests for the rest."""
        if isinstance(query, Targets):
            return tuple[Target, ...]()
        if isinstance(query, Search):
            return tuple[Row, ...]()
        return page(sorted(self.rows.values(), key=lambda row: (row.position, row.part)), query)


def page(rows: list[Row], query: Page) -> tuple[Row, ...]:
    """Pick a page from rows in ascending order: the plainest way to say what a page is."""
    mine = [
        row
        for row in rows
        if row.conversation == query.conversation
        and row.position >= query.from_position
        and (query.with_events or row.kind == 0)
    ]

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
