"""The threads that wait for the disk.

    event loop -- submit --> queue --> thread: store.method() -- deliver --> event loop

`deliver` runs a callable on the event loop (for asyncio: `loop.call_soon_threadsafe`). What a store
raises is delivered the same way, as a value.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from roost.raft.messages import Persist, Snapshot
from roost.storage.errors import FullError, StorageError

RETRY_S = 0.5
"""How often a write is repeated while the disk is full."""

Deliver: TypeAlias = Callable[[Callable[[], None]], None]

T = TypeVar("T")


class Worker:
    """One thread that does queued jobs in order."""

    def __init__(self, name: str, deliver: Deliver) -> None:
        self._deliver = deliver
        self._jobs: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(
        self, job: Callable[[], T], done: Callable[[T | StorageError], None] | None = None
    ) -> None:
        """Have `job` done on the thread; deliver its result, or its error, to `done`."""

        def run() -> None:
            outcome = _attempt(job)
            if done is not None:
                self._deliver(partial(done, outcome))

        with self._changed:
            assert not self._is_closing, "the worker is closed"
            self._jobs.append(run)
            self._changed.notify()

    def close(self) -> None:
        """Do the queued jobs and end the thread; block until then."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._jobs:
                    if self._is_closing:
                        return
                    self._changed.wait()
                run = self._jobs.popleft()
            run()


class LogWriter(Protocol):
    """The part of a log store that a committer needs."""

    def write(self, batches: Sequence[Persist]) -> None:
        """Make batches durable."""

    def compact(self, snapshot: Snapshot, first_index: int) -> None:
        """Store a snapshot and drop entries."""


class _Compaction(msgspec.Struct, frozen=True):
    snapshot: Snapshot
    first_index: int


class GroupCommitter:
    """Writes the log: everything that is submitted during one write goes into the next one.

    While the disk is full, everything stays queued in order, and the write is repeated until there
    is room. After `fatal` nothing more is written.
    """

    def __init__(
        self,
        store: LogWriter,
        deliver: Deliver,
        *,
        committed: Callable[[int], None],
        failed: Callable[[str], None],
        recovered: Callable[[], None],
        fatal: Callable[[StorageError], None],
        retry_s: float = RETRY_S,
    ) -> None:
        """Start the thread; the callbacks are delivered.

        `committed` gets the number of the last durable batch. `failed` gets the reason when the
        disk is full, once until `recovered`. `fatal` gets any other error.
        """
        self._store = store
        self._deliver = deliver
        self._committed = committed
        self._failed = failed
        self._recovered = recovered
        self._fatal = fatal
        self._retry_s = retry_s
        self._queue: deque[Persist | _Compaction] = deque()
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._has_failed = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def submit(self, batches: Sequence[Persist]) -> None:
        """Have batches written, in order."""
        self._add(*batches)

    def compact(self, snapshot: Snapshot, first_index: int) -> None:
        """Have a snapshot stored after everything submitted before."""
        self._add(_Compaction(snapshot, first_index))

    def close(self) -> None:
        """Write what is queued (only once if the disk is full), and end the thread."""
        with self._changed:
            self._closing.set()
            self._changed.notify()
        self._thread.join()

    def _add(self, *jobs: Persist | _Compaction) -> None:
        with self._changed:
            assert not self._closing.is_set(), "the committer is closed"
            self._queue.extend(jobs)
            self._changed.notify()

    def _run(self) -> None:
        while jobs := self._next_jobs():
            was_last_try = self._closing.is_set()
            outcome = _attempt(partial(self._do, jobs))
            if outcome is None:
                self._succeed(jobs)
            elif isinstance(outcome, FullError):
                self._fail(outcome)
                if was_last_try:
                    return
                self._closing.wait(self._retry_s)
            else:
                self._deliver(partial(self._fatal, outcome))
                return

    def _next_jobs(self) -> list[Persist] | _Compaction | None:
        """Wait for jobs and return them; None once closed. They stay queued until they are done."""
        with self._changed:
            while not self._queue:
                if self._closing.is_set():
                    return None
                self._changed.wait()
            first = self._queue[0]
            if isinstance(first, _Compaction):
                return first
            batches: list[Persist] = []
            for job in self._queue:
                if isinstance(job, _Compaction):
                    break
                batches.append(job)
            return batches

    def _do(self, jobs: list[Persist] | _Compaction) -> None:
        if isinstance(jobs, _Compaction):
            self._store.compact(jobs.snapshot, jobs.first_index)
        else:
            self._store.write(jobs)

    def _succeed(self, jobs: list[Persist] | _Compaction) -> None:
        done = 1 if isinstance(jobs, _Compaction) else len(jobs)
        with self._changed:
            for _ in range(done):
                self._queue.popleft()
        if not isinstance(jobs, _Compaction):
            self._deliver(partial(self._committed, jobs[-1].number))
        if self._has_failed:
            self._has_failed = False
            self._deliver(self._recovered)

    def _fail(self, error: FullError) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._deliver(partial(self._failed, str(error)))


def _attempt(job: Callable[[], T]) -> T | StorageError:
    """Do a job; return its result, or its error."""
    try:
        return job()
    except StorageError as error:
        return error
    except Exception as error:  # noqa: BLE001 - a bug must stop the node, not just this thread
        wrapped = StorageError(f"unexpected: {error!r}")
        wrapped.__cause__ = error
        return wrapped
