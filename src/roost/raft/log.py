"""The replicated log since the last compaction, in memory.

    dropped            held                          future
    ... previous_index | first_index ... last_index |

It never touches a disk and does not know what is durable or committed. It also keeps running totals
of the entries' bytes, so that cutting a batch of a given size takes one binary search.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from operator import attrgetter

from roost.raft.messages import Entry, Snapshot

ENTRY_BYTES = 32
"""The approximate size of an entry without its data, in memory or on the wire."""

UNKNOWN_TERM = -1
"""The term of an entry that neither the log nor the snapshot describes."""

_term_of = attrgetter("term")


class Log:
    """Contiguous entries, and what is known about the one just before them."""

    __slots__ = (
        "_base",
        "_ends",
        "_entries",
        "last_index",
        "last_term",
        "last_time_ms",
        "previous_index",
        "previous_term",
        "previous_time_ms",
    )

    def __init__(self, snapshot: Snapshot | None, entries: Sequence[Entry]) -> None:
        self._entries: list[Entry] = []
        self._ends: list[int] = []
        """Total bytes up to and including each entry, counted from some point in the past."""
        self._base = 0
        """The same total just before the first entry."""
        self.previous_index = self.previous_term = self.previous_time_ms = 0
        if snapshot is not None:
            self.previous_index = snapshot.index
            self.previous_term = snapshot.term
            self.previous_time_ms = snapshot.time_ms
        if snapshot is not None and entries and entries[-1].index < snapshot.index:
            entries = ()
        if entries and entries[0].index != self.previous_index + 1:
            assert snapshot is not None, "without a snapshot the log must start at 1"
            assert entries[0].index <= snapshot.index, "entries are missing after the snapshot"
            entry = entries[snapshot.index - entries[0].index]
            assert (entry.index, entry.term) == (snapshot.index, snapshot.term)
            self.previous_index = entries[0].index - 1
            self.previous_term = UNKNOWN_TERM if self.previous_index else 0
            self.previous_time_ms = 0
        self.last_index = self.previous_index
        self.last_term = self.previous_term
        self.last_time_ms = self.previous_time_ms
        if entries:
            self.append(entries)

    @property
    def first_index(self) -> int:
        """The index of the first entry held, or of the next one if there is none."""
        return self.previous_index + 1

    @property
    def bytes_total(self) -> int:
        """The bytes of all held entries."""
        return self._ends[-1] - self._base if self._ends else 0

    def term_at(self, index: int) -> int:
        """Return the term of the entry at `index`, or `UNKNOWN_TERM`."""
        offset = index - self.previous_index - 1
        if 0 <= offset < len(self._entries):
            return self._entries[offset].term
        return self.previous_term if offset == -1 else UNKNOWN_TERM

    def is_up_to_date(self, last_term: int, last_index: int) -> bool:
        """Return whether a log with this end is at least as up to date as this one (5.4.1)."""
        return (last_term, last_index) >= (self.last_term, self.last_index)

    def append(self, entries: Sequence[Entry]) -> None:
        """Add entries that follow the last one."""
        assert entries[0].index == self.last_index + 1, "a hole in the log"
        ends = self._ends
        total = ends[-1] if ends else self._base
        sizes = [len(entry.data) + ENTRY_BYTES for entry in entries]
        sizes[0] += total
        ends.extend(accumulate(sizes))
        self._entries.extend(entries)
        last = entries[-1]
        self.last_index = last.index
        self.last_term = last.term
        self.last_time_ms = last.time_ms

    def truncate(self, index: int) -> None:
        """Drop the entry at `index` and all that follow it."""
        offset = index - self.previous_index - 1
        assert offset >= 0, "only held entries can be dropped"
        del self._entries[offset:], self._ends[offset:]
        self.last_index = index - 1
        if self._entries:
            self.last_term = self._entries[-1].term
            self.last_time_ms = self._entries[-1].time_ms
        else:
            self.last_term = self.previous_term
            self.last_time_ms = self.previous_time_ms

    def between(self, first: int, last: int) -> tuple[Entry, ...]:
        """Return the entries from `first` to `last`, both included; all must be held."""
        start = first - self.previous_index - 1
        assert start >= 0, "compacted entries"
        return tuple(self._entries[start : last - self.previous_index])

    def batch(self, first: int, bytes_max: int) -> tuple[Entry, ...]:
        """Return the entries from `first` on that fit into `bytes_max`, but at least one."""
        start = first - self.previous_index - 1
        assert start >= 0, "compacted entries"
        before = self._ends[start - 1] if start else self._base
        end = bisect_right(self._ends, before + bytes_max, lo=start)
        return tuple(self._entries[start : max(end, start + 1)])

    def bytes_between(self, after: int, last: int) -> int:
        """Return the bytes of the entries after `after`, up to and including `last`."""
        if last <= after:
            return 0
        start = after - self.previous_index - 1
        before = self._ends[start] if start >= 0 else self._base
        return self._ends[last - self.previous_index - 1] - before

    def last_index_at_most(self, index: int, term: int) -> int:
        """Return the last index <= `index` whose entry's term is <= `term` (5.3).

        It is the last place where this log may agree with one that has `term` at `index`. If no
        held entry qualifies, it is the index before the first one.
        """
        count = min(index, self.last_index) - self.previous_index
        if count <= 0:
            return min(index, self.previous_index)
        return self.previous_index + bisect_right(self._entries, term, hi=count, key=_term_of)

    def first_difference(self, entries: Sequence[Entry]) -> int:
        """Return the position in `entries` of the first one not in this log (log matching, 5.3).

        The entries overlap or follow the log, and the one before them is known to be equal.
        """
        overlap = min(entries[-1].index, self.last_index) - entries[0].index + 1
        if overlap <= 0:
            return 0
        if self.term_at(entries[overlap - 1].index) == entries[overlap - 1].term:
            return overlap
        for position, entry in enumerate(entries):
            if self.term_at(entry.index) != entry.term:
                return position
        raise AssertionError("the last entry of the overlap differs")

    def compact(self, first_index: int) -> None:
        """Drop the entries before `first_index`."""
        count = first_index - self.first_index
        if count <= 0:
            return
        dropped = self._entries[count - 1]
        self.previous_index = dropped.index
        self.previous_term = dropped.term
        self.previous_time_ms = dropped.time_ms
        self._base = self._ends[count - 1]
        del self._entries[:count], self._ends[:count]

    def restart(self, snapshot: Snapshot) -> None:
        """Drop everything; the log continues after the snapshot (section 7)."""
        self._entries.clear()
        self._ends.clear()
        self._base = 0
        self.previous_index = self.last_index = snapshot.index
        self.previous_term = self.last_term = snapshot.term
        self.previous_time_ms = self.last_time_ms = snapshot.time_ms
