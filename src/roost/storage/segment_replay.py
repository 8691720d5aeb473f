"""What the records of a log amount to, some of which may be damaged.

    entries            [5][6][7]        [10][11]
    runs                <-------> a hole <------->

A record replaces the log from its first entry's index on. A damaged one may have done so, too, with
entries that are not known: after a gap in the sequence, what was there before is *doubtful*. It
counts again once a later record says which term the entry before its own has, and that is right:
two logs with an entry of the same index and term are equal up to there (Raft section 5.3).
"""

from collections.abc import Iterable, Sequence

from roost.raft.messages import Entry, Position, Snapshot
from roost.storage.segment_records import UNKNOWN_TERM, Found, Record


class Run:
    """Entries without a hole."""

    def __init__(self, entries: Sequence[Entry], previous_term: int = UNKNOWN_TERM) -> None:
        """There is at least one; `previous_term` is that of the entry before the first."""
        self.entries = list(entries)
        self.previous_term = previous_term
        self.is_doubtful = False

    @property
    def first(self) -> int:
        """The first entry's index."""
        return self.entries[0].index

    @property
    def last(self) -> int:
        """The last entry's index."""
        return self.entries[-1].index

    def continues(self, snapshot: Snapshot | None) -> bool:
        """Return whether this is what the log has around a snapshot, or from the beginning."""
        if snapshot is None:
            return self.first == 1
        if self.first == snapshot.index + 1:
            if self.previous_term == UNKNOWN_TERM:
                return not self.is_doubtful
            return self.previous_term == snapshot.term
        if not self.first <= snapshot.index <= self.last:
            return False
        return self.entries[snapshot.index - self.first].term == snapshot.term


class Replay:
    """The log after all records so far."""

    def __init__(self, entries: Iterable[Entry], sequence: int | None) -> None:
        """Begin with entries, which may have holes; `sequence` is that of the next record.

        None means that it is not known, because earlier records were dropped.
        """
        self.runs: list[Run] = []
        self.newest: Record | None = None
        self.positions: tuple[Position, ...] | None = None
        """How far the members were; None if that is not known."""
        self.gaps: list[tuple[int, int]] = []
        """The sequence numbers of damaged records: from, to."""
        self._next = sequence
        for entry in entries:
            if self.runs and self.runs[-1].last + 1 == entry.index:
                self.runs[-1].entries.append(entry)
            else:
                self.runs.append(Run([entry]))

    def add(self, found: Found) -> None:
        """Add the next sound record."""
        if self._next is not None and found.sequence != self._next:
            self.gaps.append((self._next, found.sequence - 1))
            self.positions = None
            for run in self.runs:
                run.is_doubtful = True
        self._next = found.sequence + 1
        self.newest = record = found.record
        if record.positions is not None:
            self.positions = record.positions
        if record.entries:
            self._append(record)

    def _append(self, record: Record) -> None:
        first = record.entries[0].index
        while self.runs and self.runs[-1].first >= first:
            self.runs.pop()
        run = self.runs[-1] if self.runs else None
        if run is None or run.last < first - 1:
            self.runs.append(Run(record.entries, record.previous_term))
            return
        del run.entries[first - run.first :]
        is_same = run.entries[-1].term == record.previous_term
        if is_same or not run.is_doubtful:
            run.entries.extend(record.entries)
            run.is_doubtful = run.is_doubtful and not is_same
        else:
            self.runs.append(Run(record.entries, record.previous_term))
