"""When a node makes a snapshot, and when it can compact its log.

    enough entries were applied         --> MakeSnapshot, at the end of the turn
    the state is encoded (SnapshotMade) --> the bytes, kept here
    the history is synced up to there   --> Compact

The state is encoded elsewhere, because that takes long if there are many users. A snapshot that
fails is made again after some more entries; in the end, the event loop itself makes it.

History rows are made from the log's entries, so the entries must stay until the rows are durable.
"""

from collections.abc import Iterator

from roost.chat.ids import Position
from roost.chat.state import State
from roost.log import Compact, Entry, Snapshot
from roost.node.engine.effects import LogEvent, MakeSnapshot
from roost.node.engine.inputs import SnapshotFailed, SnapshotMade

RETRY_SHARE = 10
"""A snapshot that failed is tried again after this part of the entries between two snapshots."""
TRIES_MAX = 3
"""So many snapshots in a row may fail before one is made on the event loop, which it stops: an
endless log would be worse."""


class Snapshots:
    """The snapshot that is made or waits for the history, and how much was applied since."""

    def __init__(
        self, entries_max: int, bytes_max: int, retained_entries: int, phase: float = 0.0
    ) -> None:
        """Make one after so many entries or bytes; keep `retained_entries` before it in the log.

        The first one comes earlier by the node's `phase` (0 to 1), up to a half: all nodes apply
        the same entries, and should not make their snapshots at the same moment.
        """
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self.retained_entries = retained_entries
        self._last: Entry | None = None
        """The last applied entry."""
        self._making: Snapshot | None = None
        """The snapshot being made, still without its data."""
        self._due: Snapshot | None = None
        """The snapshot that waits for the history."""
        self._is_syncing = False
        """Whether a write that syncs the history is under way for the snapshot."""
        self._entries = int(entries_max * phase / 2)
        self._bytes = 0
        self._failures = 0
        self._unwanted = 0
        """What the log has up to here is not retained: words that were erased."""
        self.is_dropping = False
        """Whether it may still have some of that."""

    @property
    def wants_sync(self) -> bool:
        """Whether the next write of the history must sync it."""
        return self._due is not None

    def applied(self, last: Entry, entries: int, data_bytes: int) -> None:
        """Note that so many entries were applied, with so much data, up to `last`."""
        self._last = last
        self._entries += entries
        self._bytes += data_bytes

    def take_due(self, state: State) -> MakeSnapshot | None:
        """Return how to make a snapshot of `state`, if it is time and none is under way.

        The state is that after the last entry.
        """
        is_urgent = self.is_dropping and state.position >= self._unwanted
        is_enough = (
            is_urgent or self._entries >= self._entries_max or self._bytes >= self._bytes_max
        )
        last = self._last
        if not is_enough or last is None or self._making is not None or self._due is not None:
            return None
        assert state.position == last.index, "a snapshot of another position"
        self._entries = self._bytes = 0
        self._making = Snapshot(last.index, last.term, last.time_ms, b"")
        is_in_place = self._failures >= TRIES_MAX
        return MakeSnapshot(state.position, state, is_in_place=is_in_place)

    def drop_behind(self, position: Position) -> None:
        """Make a snapshot soon, and retain no entry up to a position."""
        self._unwanted = max(self._unwanted, position)
        self.is_dropping = True

    def receive(self, event: SnapshotMade | SnapshotFailed) -> Iterator[LogEvent]:
        """Take in the end of a snapshot's making."""
        if isinstance(event, SnapshotMade):
            self.made(event.position, event.data)
            return
        self.failed(event.position)
        fields: dict[str, object] = {"position": event.position, "reason": event.reason}
        yield LogEvent("warning", "snapshot-failed", fields)

    def made(self, position: Position, data: bytes) -> None:
        """Note that the snapshot is made; it waits for the history now."""
        making = self._making
        if making is None or making.index != position:
            return
        self._making = None
        self._failures = 0
        self._due = Snapshot(making.index, making.term, making.time_ms, data)

    def failed(self, position: Position) -> None:
        """Note that the snapshot could not be made."""
        if self._making is None or self._making.index != position:
            return
        self._making = None
        self._failures += 1
        retried_after = self._entries_max - self._entries_max // RETRY_SHARE
        self._entries = max(self._entries, retried_after)

    def history_writing(self) -> None:
        """Note that a write of the history begins; it syncs if `wants_sync`."""
        self._is_syncing = self.wants_sync

    def history_written(self, applied: Position) -> Compact | None:
        """Note that the history has the rows up to `applied`; return how to compact the log."""
        snapshot = self._due
        if snapshot is None or not self._is_syncing or applied < snapshot.index:
            return None
        self._let_go()
        first_index = max(1, snapshot.index - self.retained_entries + 1)
        if snapshot.index >= self._unwanted:
            first_index = max(first_index, self._unwanted + 1)
            self.is_dropping = False
        return Compact(snapshot, first_index)

    def installed(self) -> None:
        """Drop one's own snapshot: the leader's replaces everything before it."""
        self._let_go()
        self._last = self._making = None
        self._entries = self._bytes = 0

    def _let_go(self) -> None:
        self._due = None
        self._is_syncing = False
