"""The node's disk: obeys disk effects on two threads, in order where order matters.

    Persist, Compact                     --> GroupCommitter --> log/, log.db
    WriteHistory, ImportRows and other
    changes of the history               --> one at a time  --> Worker --> history.db
    AnswerQuery, ExportRows              ---------------------> Worker

While the disk is full, a change of the history is repeated until there is room, and the node calls
itself unfit. Any other failure is final: nobody knows then what the disk holds. The node ends, and
finds out when it starts again.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Self, TypeVar, assert_never

import structlog

from roost.chat.history import room_conversation
from roost.chat.ids import Position
from roost.node.config import NodeConfig
from roost.node.engine.effects import (
    AddGap,
    AnswerQuery,
    Compact,
    DiskEffect,
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
    AnswerCorrupt,
    Answered,
    AnswerFailed,
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
    StorageFailed,
    StorageRecovered,
)
from roost.node.engine.phase import phase_of
from roost.node.errors import StartError
from roost.node.leisure import Leisure
from roost.raft.messages import Message, Persist, Stored
from roost.storage import (
    Compaction,
    CorruptRowsError,
    DataDirectory,
    FullError,
    GroupCommitter,
    History,
    HistoryBuffer,
    HistoryStore,
    Identity,
    LogStore,
    SearchTimeoutError,
    StorageError,
    Unindexed,
    Worker,
)

_logger = structlog.get_logger()

EXPORT_BYTES_MAX = 1024 * 1024
"""Rows for a neighbour in one frame: far below the limit of a frame, and read in milliseconds."""
INDEX_DELAY_S = 2.0
"""The wait before new rows are stored and indexed, many at a time, and while the node is busy; a
question does not wait."""
INDEX_STEPS = 4
"""Steps of indexing that are done together, in some 12 ms: a row costs less while its code and data
are in the processor's caches."""
INDEX_PAUSES_S = {Unindexed.WAITING: INDEX_DELAY_S, Unindexed.SOON: 0.4, Unindexed.DUE: 0.05}
"""The pause after these steps, in which queries have their turn. While the node is busy, the steps
that are necessary are spread."""
RETRY_S = 0.5
"""How often a change is repeated while the disk is full, as for the log."""

T = TypeVar("T")


class DiskStore:
    """An open data directory, and the threads that work on it."""

    def __init__(
        self,
        log: LogStore,
        stored: Stored,
        history: History,
        retry_s: float = RETRY_S,
        note_version: Callable[[int], None] = lambda _version: None,
        leisure: Leisure | None = None,
    ) -> None:
        self._log = log
        self._history = history
        self._retry_s = retry_s
        self._note_version = note_version
        self._loop = asyncio.get_running_loop()
        self._tell: Callable[[DiskInput], None]
        self._fatal: Callable[[BaseException], None]
        self._committer: GroupCommitter[Compaction] | None = None
        self._worker: Worker | None = None
        self._uncommitted: deque[Persist] = deque()
        self._changes: deque[HistoryChange] = deque()
        self._failures: dict[str, str] = {}
        self._is_closed = False
        self._is_indexing = False
        self._leisure = leisure or Leisure()
        self._stored: Stored | None = stored
        self.history_state = HistoryState(
            applied=history.applied,
            gaps=history.gaps(),
            terms=history.terms(),
            held=history.held,
            holes=history.holes,
            erased=history.erased,
        )
        """The history's state when it was opened."""

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, config: NodeConfig, *, retry_s: float = RETRY_S) -> AsyncIterator[Self]:
        """Open a node's data directory while the context lasts; at the end, write what is queued.

        Raises:
            StartError: it cannot be written, is not this node's, or another process uses it.
        """
        with contextlib.ExitStack() as opened:
            try:
                identity = Identity(config.cluster, config.name)
                directory = opened.enter_context(
                    DataDirectory.open(
                        config.data,
                        identity,
                        is_founding=config.is_founding,
                        version_max=config.version_max,
                    )
                )
                log = LogStore(directory)
                opened.callback(log.close)
                stored = await asyncio.to_thread(log.load)
                history = HistoryBuffer(HistoryStore(directory), phase_of(config.name))
                opened.callback(history.close)
            except StorageError as error:
                raise StartError(str(error)) from error
            for finding in (*log.findings, *history.findings):
                _logger.warning("storage-finding", finding=finding)
            if directory.set_aside is not None:
                _logger.warning("set-aside", directory=str(directory.set_aside))
            store = cls(log, stored, history, retry_s, directory.note_version)
            try:
                yield store
            finally:
                await store.close()

    def take_stored(self) -> Stored:
        """Return what the log held when it was opened; only once, to free its memory."""
        stored, self._stored = self._stored, None
        assert stored is not None, "the log was taken already"
        return stored

    def remember_version(self, version: int) -> None:
        """Keep programs from the directory that do not speak a version.

        If that fails, the next start tries again.
        """
        try:
            self._note_version(version)
        except OSError as error:
            _logger.warning("version-not-remembered", version=version, reason=str(error))

    def begin(
        self, tell: Callable[[DiskInput], None], fatal: Callable[[BaseException], None]
    ) -> None:
        """Start the threads.

        On the loop's thread, call `tell` with what has happened, and `fatal` when the disk cannot
        be relied on any more.
        """
        self._tell = tell
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

        Changes of the history that have not begun are dropped: the log still has them.
        """
        self._is_closed = True
        self._changes.clear()
        if self._committer is not None and self._worker is not None:
            await asyncio.to_thread(self._committer.close)
            await asyncio.to_thread(self._worker.close)

    def obey(self, effect: DiskEffect) -> None:
        """Begin to carry out an effect; the input that it leads to goes to `tell`."""
        if self._is_closed:
            return
        assert self._committer is not None
        match effect:
            case Persist():
                self._uncommitted.append(effect)
                self._committer.submit((effect,))
            case Compact(snapshot, first_index):
                self._committer.compact(snapshot, first_index)
            case AnswerQuery() | ExportRows() | FindKept():
                self._submit(partial(_answer, self._history, effect), self._end_question)
            case _:
                self._changes.append(effect)
                if len(self._changes) == 1:
                    self._begin_change()

    async def read(self, job: Callable[[History], T]) -> T:
        """Have a short job that only reads done on the history's thread.

        Raises:
            StorageError: the disk fails, which is fatal.
        """
        done: asyncio.Future[T | StorageError] = self._loop.create_future()

        def end(outcome: T | StorageError) -> None:
            if not done.done():
                done.set_result(outcome)

        self._submit(partial(job, self._history), end)
        outcome = await done
        if isinstance(outcome, StorageError):
            self._fatal(outcome)
            raise outcome
        return outcome

    def _submit(self, job: Callable[[], T], done: Callable[[T | StorageError], None]) -> None:
        if not self._is_closed:
            assert self._worker is not None
            self._worker.submit(job, done)

    def _note_committed(self, number: int) -> None:
        messages: list[tuple[str, Message]] = []
        while self._uncommitted and self._uncommitted[0].number <= number:
            messages.extend(self._uncommitted.popleft().messages)
        self._tell(Persisted(number, tuple(messages)))

    def _end_question(self, outcome: DiskInput | StorageError) -> None:
        if isinstance(outcome, StorageError):
            self._fatal(outcome)
        else:
            self._tell(outcome)

    def _begin_change(self) -> None:
        if self._changes:
            self._submit(partial(_change, self._history, self._changes[0]), self._end_change)

    def _end_change(self, outcome: DiskInput | StorageError | None) -> None:
        if self._is_closed:
            return
        if isinstance(outcome, FullError):
            self._note_failure("history", str(outcome))
            self._loop.call_later(self._retry_s, self._begin_change)
        elif isinstance(outcome, StorageError):
            self._fatal(outcome)
        else:
            self._changes.popleft()
            self._note_recovery("history")
            if outcome is not None:
                self._tell(outcome)
            self._begin_change()
            self._index_later()

    # What can wait: rows to be stored, and the index for searching

    def _index_later(self) -> None:
        if not self._is_indexing:
            self._is_indexing = True
            self._leisure.begin()
            self._loop.call_later(INDEX_DELAY_S, self._index)

    def _index(self) -> None:
        def done(outcome: Unindexed | StorageError) -> None:
            if isinstance(outcome, Unindexed) and outcome is not Unindexed.NONE:
                self._loop.call_later(INDEX_PAUSES_S[outcome], self._index)
                return
            if isinstance(outcome, FullError):
                self._note_failure("index", str(outcome))
                self._loop.call_later(self._retry_s, self._index)
                return
            self._is_indexing = False
            if isinstance(outcome, StorageError):
                self._fatal(outcome)
            else:
                self._note_recovery("index")

        is_busy = self._leisure.is_busy()
        self._submit(partial(_index_some, self._history, is_busy=is_busy), done)

    # A full disk, reported once for both files

    def _note_failure(self, source: str, reason: str) -> None:
        is_new = not self._failures
        self._failures[source] = reason
        if is_new:
            self._tell(StorageFailed(reason))

    def _note_recovery(self, source: str) -> None:
        if self._failures.pop(source, None) is not None and not self._failures:
            self._tell(StorageRecovered())

    # From the threads to the loop

    def _deliver(self, callback: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(callback)


def _index_some(history: History, *, is_busy: bool) -> Unindexed:
    """Do some of what can wait; return what is left."""
    left = Unindexed.NONE
    for _ in range(INDEX_STEPS):
        left = history.index_some(is_busy=is_busy)
        if left <= Unindexed.WAITING:
            break
    return left


def _change(history: History, effect: HistoryChange) -> DiskInput | None:
    """Change the history; return the input that this leads to."""
    match effect:
        case ForgetHistory(last):
            return HistoryForgotten(history.forget(last))
        case AddGap(first, last, term):
            history.add_gap(first, last)
            history.skip_terms(first, last, term)
            history.reset_applied(max(history.applied, last))
            return None
        case WriteHistory(rows, applied, is_synced, terms):
            history.write(rows, applied, terms)
            if is_synced:
                history.sync()
            return HistoryWritten(applied)
        case ImportRows(ticket, rows, first, last, is_gap):
            history.import_rows(rows, first, last)
            if is_gap:
                history.narrow_gap(first, last)
            return Imported(ticket, last)
        case HoldFrom(held):
            history.hold_from(held)
            return None
        case NoteHole(hole):
            history.note_hole(hole)
            return None
        case TrimHistory(before, older_ms, bytes_max):
            has_more = history.trim(before, older_ms, bytes_max)
            return HistoryTrimmed(history.held, has_more)
        case TrimRoom(room, before):
            has_more = history.trim_room(room_conversation(room), before)
            return RoomTrimmed(room, before, has_more)
        case EraseHistory(account, erasure):
            return HistoryErased(account, history.erase(account, erasure))
        case _:
            assert_never(effect)


def _answer(history: History, effect: HistoryQuestion) -> DiskInput:
    """Read from the history; return the input that this leads to."""
    match effect:
        case ExportRows(ticket, first, _) if first < history.held.position:
            return Exported(ticket, (), Position(first - 1), ())
        case ExportRows(ticket, first, last):
            return Exported(ticket, *history.export(first, last, EXPORT_BYTES_MAX))
        case FindKept(room, conversation, older_ms, messages):
            try:
                return KeptFound(room, history.find_kept(conversation, older_ms, messages))
            except CorruptRowsError:
                # It is looked at again, and whoever reads the rows has them repaired.
                return KeptFound(room, Position(0))
        case AnswerQuery(ticket, _, span) if max(span.first, 1) < history.held.position:
            return AnswerTrimmed(ticket, history.held)
        case AnswerQuery(ticket, query, span):
            try:
                return Answered(ticket, history.answer(query, span))
            except CorruptRowsError as error:
                return AnswerCorrupt(ticket, error.positions)
            except SearchTimeoutError:
                return AnswerFailed(ticket, "The search takes too long; narrow it down")
            except FullError:
                return AnswerFailed(ticket, "The disk is full; try again later")
        case _:
            assert_never(effect)
