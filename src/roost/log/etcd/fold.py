"""Turns etcd's revisions into dense positions, the same on every node.

    batches, ordered by revision --take--> entries: position, time, command

A batch that its node has written before takes no position: a late retry can create its key again
after it was deleted. Each node numbers its batches and writes one after the other, so the last
number of each node says which were there.
"""

from collections import deque

import msgspec

from roost.log.etcd.records import Batch, SnapshotInfo
from roost.raft.messages import ENTRY_COMMAND, ENTRY_NOOP, Entry, Snapshot


class Place(msgspec.Struct, frozen=True):
    """Where the log is after a batch."""

    index: int
    term: int
    time_ms: int
    revision: int


class _Mark(msgspec.Struct, frozen=True, gc=False):
    """A batch that was taken: which, and where the log was after it."""

    node: str
    incarnation: int
    number: int
    place: Place


BEGINNING = Place(0, 0, 0, 0)


class Fold:
    """The log so far, as one node has read it."""

    def __init__(self, place: Place, written: dict[str, tuple[int, int]], skip_to: int) -> None:
        """Start behind a batch; entries up to `skip_to` are part of the snapshot."""
        self.place = place
        self._written = written
        self._skip_to = skip_to
        self._base = place
        self._base_written = dict(written)
        self._marks: deque[_Mark] = deque()
        """The batches since the base, for snapshots."""

    @classmethod
    def empty(cls) -> "Fold":
        return cls(BEGINNING, {}, 0)

    @classmethod
    def behind(cls, info: SnapshotInfo) -> "Fold":
        """Start behind a snapshot."""
        place = Place(info.base_index, info.base_term, info.base_time_ms, info.base_revision)
        written = {node: (incarnation, number) for node, incarnation, number in info.written}
        return cls(place, written, info.index)

    def take(
        self, node: str, incarnation: int, number: int, batch: Batch, revision: int
    ) -> list[Entry]:
        """Return the entries of the next batch."""
        last = self.place
        if revision <= last.revision or (incarnation, number) <= self._written.get(node, (0, 0)):
            return []
        self._written[node] = (incarnation, number)
        # Neither goes back, whatever a node believes.
        term, time_ms = max(last.term, batch.epoch), max(last.time_ms, batch.time_ms)
        entries = [
            Entry(last.index + number, term, time_ms, ENTRY_COMMAND, command)
            for number, command in enumerate(batch.commands, 1)
        ] or [Entry(last.index + 1, term, time_ms, ENTRY_NOOP, b"")]
        self.place = Place(last.index + len(entries), term, time_ms, revision)
        self._marks.append(_Mark(node, incarnation, number, self.place))
        if last.index < self._skip_to:
            return [entry for entry in entries if entry.index > self._skip_to]
        return entries

    def seen(self, revision: int) -> None:
        """Note that everything up to a revision was taken."""
        if revision > self.place.revision:
            self.place = msgspec.structs.replace(self.place, revision=revision)

    def describe(self, snapshot: Snapshot, folder: str, pieces: int, digest: bytes) -> SnapshotInfo:
        """Return where the log goes on behind a snapshot; forget what was before."""
        while self._marks and self._marks[0].place.index <= snapshot.index:
            mark = self._marks.popleft()
            self._base = mark.place
            self._base_written[mark.node] = (mark.incarnation, mark.number)
        written = tuple((node, *self._base_written[node]) for node in sorted(self._base_written))
        base = self._base
        return SnapshotInfo(
            snapshot.index,
            snapshot.term,
            snapshot.time_ms,
            base.index,
            base.term,
            base.time_ms,
            base.revision,
            written,
            folder,
            pieces,
            digest,
        )
