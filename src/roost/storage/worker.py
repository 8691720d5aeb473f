"""The threads that wait for the disk.

    event loop -- submit --> queue --> thread: store.method() -- deliver --> event loop

`deliver` runs a callable on the event loop (for asyncio: `loop.call_soon_threadsafe`). What a store
raises is delivered the same way, as a value.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeAlias, TypeVar

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


CompactionT = TypeVar("CompactionT")


class LogWriter(Protocol[CompactionT]):
    """The part of a log store that a committer needs."""

    def write(self, batches: Sequence[Persist]) -> None:
        """Make batches durable."""

    def begin_compaction(self, snapshot: Snapshot, first_index: int) -> CompactionT:
        """Return how to store a snapshot and drop entries."""

    def step(self, compaction: CompactionT) -> bool:
        """Do a part of that; return whether something is left."""


class _Compact(msgspec.Struct, frozen=True):
    snapshot: Snapshot
    first_index: int


class GroupCommitter(Generic[CompactionT]):
    """Writes the log: everything that is submitted during one write goes into the next one.

    A compaction begins after the batches before it. It goes on in steps, between which the batches
    are written that have come meanwhile.

    While the disk is full, everything stays queued in order, and the write is repeated until there
    is room. After `fatal` nothing more is written.

    A commit passes Python's lock as seldom as it can: jobs come through a queue in C, and what is
    taken from it belongs to the thread alone.
    """

    def __init__(
        self,
        store: LogWriter[CompactionT],
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
        self._jobs: SimpleQueue[Persist | _Compact | None] = SimpleQueue()
        """What was submitted; None once closed."""
        self._closing = threading.Event()
        # The rest belongs to the thread.
        self._batches: list[Persist] = []
        """To be written before `_later`."""
        self._later: deque[Persist | _Compact] = deque()
        """What follows a compaction, from that on."""
        self._compaction: CompactionT | None = None
        """The compaction that is under way."""
        self._has_failed = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def submit(self, batches: Sequence[Persist]) -> None:
        """Have batches written, in order."""
        for batch in batches:
            self._add(batch)

    def compact(self, snapshot: Snapshot, first_index: int) -> None:
        """Have a snapshot stored after everything submitted before."""
        self._add(_Compact(snapshot, first_index))

    def close(self) -> None:
        """Write what is queued (only once if the disk is full), and end the thread."""
        self._closing.set()
        self._jobs.put(None)
        self._thread.join()

    def _add(self, job: Persist | _Compact) -> None:
        assert not self._closing.is_set(), "the committer is closed"
        self._jobs.put(job)

    def _run(self) -> None:
        while self._take():
            was_last_try = self._closing.is_set()
            outcome: object = None
            if self._batches:
                outcome = _attempt(self._write)
            if outcome is None:
                outcome = _attempt(self._compact_some)
            if isinstance(outcome, FullError):
                self._fail(outcome)
                if was_last_try:
                    return
                self._closing.wait(self._retry_s)
            elif isinstance(outcome, StorageError):
                self._deliver(partial(self._fatal, outcome))
                return
            else:
                self._succeed()

    def _take(self) -> bool:
        """Take what was submitted, and wait if there is nothing to do; False once closed."""
        is_idle = not self._batches and not self._later and self._compaction is None
        while True:
            try:
                job = self._jobs.get(block=is_idle)
            except Empty:
                return True
            if job is None:
                # Nothing follows. What is left is done, and then there is nothing to do.
                self._jobs.put(None)
                return not is_idle
            is_idle = False
            if self._later or isinstance(job, _Compact):
                self._later.append(job)
            else:
                self._batches.append(job)

    def _write(self) -> None:
        batches = self._batches
        self._store.write(batches)
        self._batches = []
        self._deliver(partial(self._committed, batches[-1].number))

    def _compact_some(self) -> None:
        """Do a step of the compaction that is under way, or begin the one that is next."""
        if self._compaction is None:
            if not self._later:
                return
            job = self._later.popleft()
            assert isinstance(job, _Compact), "batches wait only for a compaction"
            self._compaction = self._store.begin_compaction(job.snapshot, job.first_index)
            while self._later and isinstance(batch := self._later[0], Persist):
                self._later.popleft()
                self._batches.append(batch)
        if not self._store.step(self._compaction):
            self._compaction = None

    def _succeed(self) -> None:
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
