"""The node's disk, as the driver uses it: two threads, and order where order matters.

    persist, compact                   --> GroupCommitter --> log.db
    gaps, history rows, imports        --> one at a time  --> Worker --> history.db
    questions, exports                 --------------------> Worker

Changes of the history are made strictly in order, and one that meets a full disk is repeated until
there is room; meanwhile the node calls itself unfit. Any other trouble of the disk is final: what
it holds is unknown then, so the node ends, and finds out when it starts again.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol, Self, TypeVar

import structlog

from roost.chat.history import Answer, Query, Row
from roost.chat.ids import Position
from roost.node.config import NodeConfig
from roost.node.engine.effects import (
    Compaction,
    Export,
    GapAdd,
    HistoryState,
    HistoryWrite,
    Import,
)
from roost.node.errors import StartError
from roost.raft.messages import Persist, Stored
from roost.storage import (
    CorruptRowsError,
    DataDirectory,
    FullError,
    GroupCommitter,
    HistoryStore,
    Identity,
    LogStore,
    SearchTimeoutError,
    StorageError,
    Worker,
)

_logger = structlog.get_logger()

EXPORT_BYTES_MAX = 1024 * 1024
"""Rows for a neighbour in one frame: far below a frame's limit, and read in a few milliseconds."""
INDEX_DELAY_S = 1.0
"""Until what was stored is indexed, many rows at a time; a search does not wait for that."""
INDEX_PAUSE_S = 0.02
"""Between two steps of indexing, so that others' questions come first."""
RETRY_S = 0.5
"""How often a full disk is tried again, as for the log."""

T = TypeVar("T")


class StoreEvents(Protocol):
    """What the store tells the driver, on the loop's thread."""

    def persisted(self, batches: Sequence[Persist]) -> None:
        """These batches are durable."""

    def storage_failed(self, reason: str) -> None:
        """The disk takes nothing at the moment."""

    def storage_recovered(self) -> None:
        """The disk works again."""

    def history_written(self, applied: Position) -> None:
        """History is stored up to here."""

    def answered(self, ticket: int, answer: Answer) -> None:
        """A question is answered."""

    def answer_corrupt(self, ticket: int, positions: tuple[Position, ...]) -> None:
        """A question met damaged rows."""

    def answer_failed(self, ticket: int, reason: str) -> None:
        """A question could not be answered."""

    def exported(
        self,
        ticket: int,
        rows: tuple[Row, ...],
        covered: Position,
        missing: tuple[Position, ...],
    ) -> None:
        """Rows for a neighbour are read."""

    def imported(self, ticket: int, last: Position) -> None:
        """A neighbour's rows are stored."""


class DiskStore:
    """An open data directory, and the threads that work on it."""

    def __init__(
        self,
        log: LogStore,
        stored: Stored,
        history: HistoryStore,
        retry_s: float = RETRY_S,
    ) -> None:
        self._log = log
        self._history = history
        self._retry_s = retry_s
        self._loop = asyncio.get_running_loop()
        self._events: StoreEvents | None = None
        self._fatal: Callable[[BaseException], None] = _raise
        self._committer: GroupCommitter | None = None
        self._worker: Worker | None = None
        self._uncommitted: deque[Persist] = deque()
        self._changes: deque[tuple[Callable[[], None], Callable[[], None]]] = deque()
        self._failures: dict[str, str] = {}
        self._is_closed = False
        self._is_indexing = False
        self._stored: Stored | None = stored
        self.history_state = HistoryState(applied=history.applied, gaps=history.gaps())
        """What the history held when it was opened."""

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, config: NodeConfig, *, retry_s: float = RETRY_S) -> AsyncIterator[Self]:
        """Open a node's data directory while the context lasts; then write what is queued.

        Raises:
            StartError: it cannot be written, is another's, or another process uses it.
        """
        with contextlib.ExitStack() as opened:
            try:
                identity = Identity(config.cluster, config.name)
                directory = opened.enter_context(
                    DataDirectory.open(config.data, identity, is_founding=config.is_founding)
                )
                log = LogStore.open(directory)
                opened.callback(log.close)
                stored = await asyncio.to_thread(log.load)
                history = HistoryStore.open(directory)
                opened.callback(history.close)
            except StorageError as error:
                raise StartError(str(error)) from error
            for finding in (*log.findings, *history.findings):
                _logger.warning("storage-finding", finding=finding)
            store = cls(log, stored, history, retry_s)
            try:
                yield store
            finally:
                await store.close()

    def take_stored(self) -> Stored:
        """Give what the log held when it was opened; only once, for it is large."""
        stored, self._stored = self._stored, None
        assert stored is not None, "the log was taken already"
        return stored

    def begin(self, events: StoreEvents, fatal: Callable[[BaseException], None]) -> None:
        """Start the threads; `fatal` is called when the disk cannot be relied on any more."""
        self._events = events
        self._fatal = fatal
        self._committer = GroupCommitter(
            self._log,
            self._deliver,
            committed=self._note_committed,
            failed=lambda reason: self._note_failure("log", reason),
            recovered=lambda: self._note_recovery("log"),
            fatal=fatal,
            retry_s=self._retry_s,
        )
        self._worker = Worker("history", self._deliver)
        self._index_later()

    async def close(self) -> None:
        """Write what is queued for the log, and end the threads.

        Changes of the history that have not begun are left out: the log has them still.
        """
        self._is_closed = True
        self._changes.clear()
        if self._committer is not None and self._worker is not None:
            await asyncio.to_thread(self._committer.close)
            await asyncio.to_thread(self._worker.close)

    # The log

    def persist(self, batch: Persist) -> None:
        """Make a batch durable, in order; then call `persisted`."""
        if not self._is_closed:
            assert self._committer is not None
            self._uncommitted.append(batch)
            self._committer.submit((batch,))

    def compact(self, compaction: Compaction) -> None:
        """Store a snapshot and drop what it replaces, in order with the batches."""
        if not self._is_closed:
            assert self._committer is not None
            self._committer.compact(compaction.snapshot, compaction.first_index)

    def _note_committed(self, number: int) -> None:
        batches: list[Persist] = []
        while self._uncommitted and self._uncommitted[0].number <= number:
            batches.append(self._uncommitted.popleft())
        self._told.persisted(batches)

    # Changes of the history

    def add_gap(self, gap: GapAdd) -> None:
        """Remember missing history."""

        def change() -> None:
            self._history.add_gap(gap.first, gap.last)
            self._history.reset_applied(max(self._history.applied, gap.last))

        self._change(change, lambda: None)

    def write_history(self, write: HistoryWrite) -> None:
        """Store rows; then call `history_written`."""

        def change() -> None:
            self._history.write(write.rows, write.applied)
            if write.is_synced:
                self._history.sync()

        self._change(change, lambda: self._told.history_written(write.applied))

    def put(self, effect: Import) -> None:
        """Store a neighbour's rows; then call `imported`."""

        def change() -> None:
            self._history.import_rows(effect.rows, effect.first, effect.last)
            if effect.is_gap:
                self._history.narrow_gap(effect.first, effect.last)

        self._change(change, lambda: self._told.imported(effect.ticket, effect.last))

    def _change(self, change: Callable[[], None], then: Callable[[], None]) -> None:
        if self._is_closed:
            return
        self._changes.append((change, then))
        if len(self._changes) == 1:
            self._begin_change()

    def _begin_change(self) -> None:
        if self._is_closed or not self._changes:
            return
        assert self._worker is not None
        self._worker.submit(self._changes[0][0], self._end_change)

    def _end_change(self, outcome: StorageError | None) -> None:
        if self._is_closed:
            return
        if isinstance(outcome, FullError):
            self._note_failure("history", str(outcome))
            self._loop.call_later(self._retry_s, self._begin_change)
        elif outcome is not None:
            self._fatal(outcome)
        else:
            _, then = self._changes.popleft()
            self._note_recovery("history")
            then()
            self._begin_change()
            self._index_later()

    # The index for searching, made while there is nothing better to do

    def _index_later(self) -> None:
        if not self._is_indexing:
            self._is_indexing = True
            self._loop.call_later(INDEX_DELAY_S, self._index)

    def _index(self) -> None:
        def done(outcome: bool | StorageError) -> None:
            if outcome is True:
                self._loop.call_later(INDEX_PAUSE_S, self._index)
                return
            # A full disk shows elsewhere; the next change of the history tries again.
            self._is_indexing = False
            if isinstance(outcome, StorageError) and not isinstance(outcome, FullError):
                self._fatal(outcome)

        self._read(self._history.index_some, done)

    # Questions to the history

    def ask(self, ticket: int, query: Query) -> None:
        """Answer a question; then call `answered`, `answer_corrupt` or `answer_failed`."""

        def done(outcome: Answer | StorageError) -> None:
            match outcome:
                case CorruptRowsError():
                    self._told.answer_corrupt(ticket, outcome.positions)
                case SearchTimeoutError():
                    self._told.answer_failed(ticket, "The search takes too long, ask for less")
                case FullError():
                    self._told.answer_failed(ticket, "The disk is full, try again later")
                case StorageError():
                    self._fatal(outcome)
                case _:
                    self._told.answered(ticket, outcome)

        self._read(lambda: self._history.answer(query), done)

    def export(self, export: Export) -> None:
        """Read rows for a neighbour; then call `exported`."""

        def done(
            outcome: tuple[tuple[Row, ...], Position, tuple[Position, ...]] | StorageError,
        ) -> None:
            if isinstance(outcome, StorageError):
                self._fatal(outcome)
            else:
                self._told.exported(export.ticket, *outcome)

        self._read(lambda: self._history.export(export.first, export.last, EXPORT_BYTES_MAX), done)

    def _read(self, read: Callable[[], T], done: Callable[[T | StorageError], None]) -> None:
        if not self._is_closed:
            assert self._worker is not None
            self._worker.submit(read, done)

    # A full disk, which both files share

    def _note_failure(self, source: str, reason: str) -> None:
        is_new = not self._failures
        self._failures[source] = reason
        if is_new:
            self._told.storage_failed(reason)

    def _note_recovery(self, source: str) -> None:
        if self._failures.pop(source, None) is not None and not self._failures:
            self._told.storage_recovered()

    # From the threads to the loop

    @property
    def _told(self) -> StoreEvents:
        assert self._events is not None, "the store has not begun"
        return self._events

    def _deliver(self, callback: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(callback)


def _raise(error: BaseException) -> None:
    raise error
