"""The disk's threads: nothing waits for them, and every result and error is delivered."""

import queue
import threading
from collections.abc import Callable, Sequence

import pytest

from roost.raft.messages import Persist, Snapshot
from roost.storage import FullError, GroupCommitter, StorageError, Worker
from support.stores import batch, snapshot

WAIT_S = 20.0
"""Only a failing test waits this long."""


class Loop:
    """A fake event loop: delivered callables run when the test says so."""

    def __init__(self) -> None:
        self._delivered: queue.Queue[Callable[[], None]] = queue.Queue()

    def deliver(self, callback: Callable[[], None]) -> None:
        self._delivered.put(callback)

    def turn(self, count: int = 1) -> None:
        for _ in range(count):
            self._delivered.get(timeout=WAIT_S)()

    def rest(self) -> None:
        while not self._delivered.empty():
            self._delivered.get()()


# Worker


def test_jobs_are_done_in_order_on_one_thread() -> None:
    loop = Loop()
    worker = Worker("test", loop.deliver)
    seen: list[tuple[int | StorageError, bool]] = []
    threads: list[int] = []

    def job(number: int) -> int:
        threads.append(threading.get_ident())
        return number * number

    for number in range(5):
        worker.submit(lambda number=number: job(number), lambda r: seen.append((r, True)))  # type: ignore[misc]
    loop.turn(5)
    worker.close()
    assert seen == [(0, True), (1, True), (4, True), (9, True), (16, True)]
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


@pytest.mark.parametrize("error", [StorageError("broken"), ZeroDivisionError("a bug")])
def test_an_error_is_delivered_and_the_next_job_is_done(error: Exception) -> None:
    loop = Loop()
    worker = Worker("test", loop.deliver)
    seen: list[str | StorageError] = []

    def fail() -> str:
        raise error

    worker.submit(fail, seen.append)
    worker.submit(lambda: "fine", seen.append)
    loop.turn(2)
    worker.close()
    assert isinstance(seen[0], StorageError)
    assert str(error) in str(seen[0])
    assert seen[1] == "fine"


def test_closing_finishes_what_is_queued() -> None:
    loop = Loop()
    worker = Worker("test", loop.deliver)
    gate = threading.Event()
    done: list[int] = []
    worker.submit(lambda: gate.wait(WAIT_S))
    for number in range(3):
        worker.submit(lambda number=number: done.append(number))  # type: ignore[misc]
    gate.set()
    worker.close()
    assert done == [0, 1, 2]


# GroupCommitter


class FakeLog:
    """Writes to a list, when the test lets it."""

    def __init__(self) -> None:
        self.calls: list[list[int] | Snapshot] = []
        self.steps = 1
        """How many a compaction has."""
        self.errors: list[Exception] = []
        """Errors for the next calls, in order."""
        self.is_held = False
        self.begun = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)

    def write(self, batches: Sequence[Persist]) -> None:
        self._do([one.number for one in batches])

    def begin_compaction(self, snapshot: Snapshot, first_index: int) -> list[Snapshot]:
        return [snapshot] * self.steps

    def step(self, compaction: list[Snapshot]) -> bool:
        self._do(compaction[0])
        compaction.pop()
        return bool(compaction)

    def _do(self, call: list[int] | Snapshot) -> None:
        self.calls.append(call)
        if self.is_held:
            self.begun.release()
            assert self.gate.acquire(timeout=WAIT_S)
        if self.errors:
            raise self.errors.pop(0)


class Desk:
    """A committer and what it delivers."""

    def __init__(self, log: FakeLog, retry_s: float = 0.0) -> None:
        self.loop = Loop()
        self.said: list[object] = []
        self.committer = GroupCommitter(
            log,
            self.loop.deliver,
            committed=lambda number: self.said.append(number),
            failed=lambda reason: self.said.append(f"failed: {reason}"),
            recovered=lambda: self.said.append("recovered"),
            fatal=lambda error: self.said.append(error),
            retry_s=retry_s,
        )

    def submit(self, *numbers: int) -> None:
        self.committer.submit([batch(number=number) for number in numbers])


def test_what_came_during_one_write_goes_into_the_next_one() -> None:
    log = FakeLog()
    log.is_held = True
    desk = Desk(log)
    desk.submit(1)
    log.begun.acquire()
    desk.submit(2)
    desk.submit(3, 4)
    log.gate.release(2)
    desk.loop.turn(2)
    desk.committer.close()
    assert log.calls == [[1], [2, 3, 4]]
    assert desk.said == [1, 4]


def test_a_compaction_keeps_its_place_between_batches() -> None:
    log = FakeLog()
    log.is_held = True
    desk = Desk(log)
    desk.submit(1)
    log.begun.acquire()
    desk.submit(2)
    desk.committer.compact(snapshot(1), 1)
    desk.submit(3)
    log.gate.release(4)
    desk.committer.close()
    desk.loop.rest()
    assert log.calls == [[1], [2], snapshot(1), [3]]
    assert desk.said == [1, 2, 3]


def test_batches_are_written_between_the_steps_of_a_compaction() -> None:
    log = FakeLog()
    log.is_held = True
    log.steps = 3
    desk = Desk(log)
    desk.committer.compact(snapshot(1), 1)
    log.begun.acquire()
    desk.submit(1)
    desk.committer.compact(snapshot(2), 1)
    log.gate.release()
    log.begun.acquire()
    desk.submit(2)
    log.gate.release(9)
    desk.committer.close()
    desk.loop.rest()
    first, second = snapshot(1), snapshot(2)
    assert log.calls == [first, [1], first, first, second, [2], second, second]
    assert desk.said == [1, 2]


def test_a_full_disk_is_told_once_and_tried_until_there_is_room() -> None:
    log = FakeLog()
    log.is_held = True
    log.errors = [FullError("no room"), FullError("no room"), FullError("no room")]
    desk = Desk(log)
    desk.submit(1)
    log.begun.acquire()
    desk.submit(2)
    log.gate.release(4)
    desk.loop.turn(3)
    desk.committer.close()
    assert log.calls == [[1], [1, 2], [1, 2], [1, 2]]
    assert desk.said == ["failed: no room", 2, "recovered"]


def test_a_compaction_that_meets_a_full_disk_is_tried_again() -> None:
    log = FakeLog()
    log.errors = [FullError("no room")]
    desk = Desk(log)
    desk.committer.compact(snapshot(1), 1)
    desk.loop.turn(2)
    desk.committer.close()
    assert log.calls == [snapshot(1), snapshot(1)]
    assert desk.said == ["failed: no room", "recovered"]


@pytest.mark.parametrize("error", [StorageError("fsync failed"), AssertionError("a bug")])
def test_any_other_error_is_final(error: Exception) -> None:
    log = FakeLog()
    log.errors = [error]
    desk = Desk(log)
    desk.submit(1)
    desk.loop.turn()
    desk.submit(2)
    desk.committer.close()
    desk.loop.rest()
    assert log.calls == [[1]]
    assert len(desk.said) == 1
    assert isinstance(desk.said[0], StorageError)
    assert str(error) in str(desk.said[0])


def test_closing_writes_what_is_queued() -> None:
    log = FakeLog()
    log.is_held = True
    desk = Desk(log)
    desk.submit(1)
    log.begun.acquire()
    desk.submit(2)
    log.gate.release(2)
    desk.committer.close()
    desk.loop.rest()
    assert log.calls == [[1], [2]]
    assert desk.said == [1, 2]


def test_closing_tries_a_full_disk_once_more_and_then_gives_up() -> None:
    log = FakeLog()
    log.errors = [FullError("no room")] * 1000
    desk = Desk(log, retry_s=WAIT_S * 10)
    desk.submit(1)
    desk.loop.turn()
    desk.committer.close()
    desk.loop.rest()
    assert log.calls == [[1], [1]]
    assert desk.said == ["failed: no room"]
