"""When a node makes a snapshot, and when it can compact its log.

    enough entries were applied         --> the state as bytes, kept here
    the history is synced up to there   --> Compact

History rows are made from the log's entries, so the entries must stay until the rows are durable.
"""

from roost.chat.ids import Position
from roost.chat.snapshot import encode_state
from roost.chat.state import State
from roost.log import Compact, Entry, Snapshot


class Snapshots:
    """The snapshot that waits for the history, and how much was applied since the last one."""

    def __init__(self, entries_max: int, bytes_max: int, retained_entries: int) -> None:
        """Make one after so many entries or bytes; keep `retained_entries` before it in the log."""
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self._retained_entries = retained_entries
        self._due: Snapshot | None = None
        self._is_syncing = False
        """Whether a write that syncs the history is under way for the snapshot."""
        self._entries = 0
        self._bytes = 0

    @property
    def wants_sync(self) -> bool:
        """Whether the next write of the history must sync it."""
        return self._due is not None

    def applied(self, entry: Entry, state: State) -> None:
        """Note that `entry` led to `state`; make a snapshot if it is time and none waits."""
        self._entries += 1
        self._bytes += len(entry.data)
        is_enough = self._entries >= self._entries_max or self._bytes >= self._bytes_max
        if is_enough and self._due is None:
            data = encode_state(state)
            self._due = Snapshot(entry.index, entry.term, entry.time_ms, data)
            self._entries = self._bytes = 0

    def history_writing(self) -> None:
        """Note that a write of the history begins; it syncs if `wants_sync`."""
        self._is_syncing = self.wants_sync

    def history_written(self, applied: Position) -> Compact | None:
        """Note that the history has the rows up to `applied`; return how to compact the log."""
        snapshot = self._due
        if snapshot is None or not self._is_syncing or applied < snapshot.index:
            return None
        self._let_go()
        first_index = max(1, snapshot.index - self._retained_entries + 1)
        return Compact(snapshot, first_index)

    def installed(self) -> None:
        """Drop the waiting snapshot: the leader's replaces everything before it."""
        self._let_go()
        self._entries = self._bytes = 0

    def _let_go(self) -> None:
        self._due = None
        self._is_syncing = False
