"""Applies committed entries to the chat state, as many as a turn may.

    log --committed--> queue --apply_some--> chat state, history rows, what clients are shown

A turn ends after so many entries, or so many bytes for clients: between two turns heartbeats and
probes are answered, so that a node with much to do is busy, and never silent.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from roost.chat.applied import Applied
from roost.chat.apply import apply_entry, skip
from roost.chat.ids import Position
from roost.chat.snapshot import StateDecoder
from roost.chat.state import State
from roost.chat.versions import VERSION
from roost.log import ENTRY_COMMAND, Entry, Snapshot
from roost.node.engine.pending import PendingCommands
from roost.node.engine.snapshots import Snapshots

PARTS_PER_TURN = 4
"""Parts of a snapshot that are decoded in one turn, in some 10 ms."""
ENTRIES_PER_TURN = 500
"""Applied in one turn: some 20 ms of work, a tenth of what a neighbour would notice."""
RESULTS_PER_ENTRY = 3
"""What entries lead to at most, apart from those that concern many sessions."""


class Showing(Protocol):
    """What shows clients what was applied: `ircd.Server`."""

    def can_show(self, size_max: int, /) -> bool: ...

    def show(self, applied: Applied, /) -> None: ...

    def reset(self, state: State, /) -> None: ...


class Recording(Protocol):
    """What makes history of what was applied: the historian."""

    def verify(self, position: Position, term: int, /) -> None: ...

    def record(self, applied: Applied, /) -> None: ...

    def skip_to(self, position: Position, term: int, time_ms: int, /) -> None: ...


class Applier:
    """The chat state, and the committed entries that it does not have yet."""

    def __init__(
        self,
        state: State,
        server: Showing,
        pending: PendingCommands,
        historian: Recording,
        snapshots: Snapshots,
        watch: Callable[[Applied], None],
        version_max: int = VERSION,
    ) -> None:
        """`watch` is told what each command did; nothing is applied beyond `version_max`."""
        self.state = state
        self._server = server
        self._pending = pending
        self._historian = historian
        self._snapshots = snapshots
        self._watch = watch
        self._version_max = version_max
        self._queue: deque[Entry] = deque()
        self._installing: tuple[Snapshot, StateDecoder] | None = None
        """The leader's snapshot, and how far it is decoded; entries wait meanwhile."""
        self._left = 0
        """How many more entries this turn may apply."""

    @property
    def has_more(self) -> bool:
        """Whether a snapshot or committed entries wait for the next turn."""
        return (bool(self._queue) and not self._is_outdated) or self._installing is not None

    @property
    def _is_outdated(self) -> bool:
        """Whether the cluster's version is beyond this node: it would not apply what others do."""
        return self.state.version > self._version_max

    def begin_turn(self) -> None:
        """Allow as much as a turn may do; go on with the leader's snapshot."""
        self._left = ENTRIES_PER_TURN
        if self._installing is not None:
            self._install_some(*self._installing)

    def add(self, committed: Sequence[Entry], now: float) -> None:
        """Take in entries, which follow those before; their commands are not proposed again."""
        if not self._is_outdated:
            self._queue.extend(committed)
        if committed and self._pending:
            for entry in committed:
                if entry.kind == ENTRY_COMMAND:
                    self._pending.settle(entry.data, now)

    def install(self, snapshot: Snapshot) -> None:
        """Begin to replace the whole state by the leader's; what waits is part of it."""
        self._queue.clear()
        self._snapshots.installed()
        self._installing = (snapshot, StateDecoder(snapshot.data))
        self._install_some(*self._installing)

    def _install_some(self, snapshot: Snapshot, decoder: StateDecoder) -> None:
        """Decode some parts of the snapshot; with the last one, its state replaces this node's."""
        for _ in range(PARTS_PER_TURN):
            if not decoder.step():
                break
        else:
            return
        self._installing = None
        self.state = decoder.state
        self._server.reset(self.state)
        self._historian.skip_to(Position(snapshot.index), snapshot.term, snapshot.time_ms)

    def apply_some(self, size_max: int) -> bool:
        """Apply entries until clients are to be sent `size_max` bytes; return whether any was."""
        if self._installing is not None:
            return False
        queue, server = self._queue, self._server
        count = entries = data_bytes = 0
        entry: Entry | None = None
        while queue and count < self._left and server.can_show(size_max):
            if self.state.version > self._version_max:
                # The queue is not emptied: see `_is_outdated`.
                break
            entry = queue.popleft()
            count += self._apply(entry)
            entries += 1
            data_bytes += len(entry.data)
        if entry is not None:
            self._snapshots.applied(entry, entries, data_bytes)
        self._left -= count
        return count > 0

    def _apply(self, entry: Entry) -> int:
        """Apply an entry; return for how many it counts, since one may end many sessions."""
        position = Position(entry.index)
        self._historian.verify(position, entry.term)
        if entry.kind != ENTRY_COMMAND:
            skip(self.state, position, entry.time_ms)
            return 1
        applied = apply_entry(self.state, entry.data, position, entry.time_ms)
        self._watch(applied)
        self._historian.record(applied)
        self._server.show(applied)
        return len(applied.results) // RESULTS_PER_ENTRY or 1
