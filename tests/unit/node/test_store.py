"""The store keeps changes in order, repeats what met a full disk, and passes answers on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from roost.chat.history import KIND_MESSAGE, Answer, Page, Row
from roost.chat.ids import Position
from roost.node.engine.effects import (
    Compaction,
    Export,
    GapAdd,
    HistoryState,
    HistoryWrite,
    Import,
)
from roost.node.store import DiskStore
from roost.raft.messages import Entry, HardState, Persist, Snapshot, Stored
from roost.storage import (
    CorruptRowsError,
    DataDirectory,
    FullError,
    HistoryStore,
    Identity,
    LogStore,
    StorageError,
)
from support.loops import run, wait_until

PAGE = Page("r:1", 10, is_newest=True)


class Events:
    """Keeps what the store tells."""

    def __init__(self) -> None:
        self.story: list[tuple[Any, ...]] = []

    def persisted(self, batches: Sequence[Persist]) -> None:
        self.story.append(("persisted", *[batch.number for batch in batches]))

    def storage_failed(self, reason: str) -> None:
        self.story.append(("failed", reason))

    def storage_recovered(self) -> None:
        self.story.append(("recovered",))

    def history_written(self, applied: Position) -> None:
        self.story.append(("written", applied))

    def answered(self, ticket: int, answer: Answer) -> None:
        self.story.append(("answered", ticket, answer))

    def answer_corrupt(self, ticket: int, positions: tuple[Position, ...]) -> None:
        self.story.append(("corrupt", ticket, positions))

    def answer_failed(self, ticket: int, reason: str) -> None:
        self.story.append(("answer failed", ticket))

    def exported(
        self,
        ticket: int,
        rows: tuple[Row, ...],
        covered: Position,
        missing: tuple[Position, ...],
    ) -> None:
        self.story.append(("exported", ticket, rows, covered, missing))

    def imported(self, ticket: int, last: Position) -> None:
        self.story.append(("imported", ticket, last))


class FakeHistory:
    """A history that does what it is told, and fails as it is told."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.failures: list[StorageError] = []
        self.applied = Position(0)

    def gaps(self) -> tuple[tuple[Position, Position], ...]:
        return ()

    def __getattr__(self, name: str) -> Any:
        def do(*arguments: Any) -> Any:
            if self.failures:
                raise self.failures.pop(0)
            self.done.append((name, *arguments))
            return {"answer": (), "export": ((), Position(7), (Position(3),))}.get(name)

        return do


class FakeLog(FakeHistory):
    """A log, likewise."""


class Bench:
    """A store over fakes."""

    def __init__(self) -> None:
        self.log, self.history, self.events = FakeLog(), FakeHistory(), Events()
        self.fatal: list[BaseException] = []
        stored = Stored(HardState(), None, ())
        self.store = DiskStore(
            cast("LogStore", self.log), stored, cast("HistoryStore", self.history), retry_s=0.001
        )

    async def told(self, count: int) -> list[tuple[Any, ...]]:
        await wait_until(lambda: len(self.events.story) >= count)
        return self.events.story


@contextlib.asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    made.store.begin(made.events, made.fatal.append)
    try:
        yield made
    finally:
        await made.store.close()


def batch(number: int) -> Persist:
    return Persist(number, None, None, (Entry(number, 1, 0, 1, b""),), ())


def write(applied: int, *, is_synced: bool = False) -> HistoryWrite:
    return HistoryWrite((), Position(applied), is_synced)


def test_batches_are_reported_once_each_in_order() -> None:
    async def scenario() -> None:
        async with bench() as b:
            for number in range(1, 20):
                b.store.persist(batch(number))
            await wait_until(lambda: b.events.story and b.events.story[-1][-1] == 19)
            assert [n for item in b.events.story for n in item[1:]] == list(range(1, 20))

    run(scenario())


def test_a_compaction_comes_after_the_batches_before_it() -> None:
    snapshot = Snapshot(1, 1, 0, b"state")

    async def scenario() -> None:
        async with bench() as b:
            b.store.persist(batch(1))
            b.store.compact(Compaction(snapshot, 1))
            await wait_until(lambda: len(b.log.done) == 2)
            assert [item[0] for item in b.log.done] == ["write", "compact"]

    run(scenario())


def test_changes_of_the_history_are_made_in_order() -> None:
    async def scenario() -> None:
        async with bench() as b:
            b.store.add_gap(GapAdd(Position(1), Position(5)))
            b.store.write_history(write(6))
            b.store.put(Import(9, (), Position(1), Position(5), is_gap=True))
            b.store.put(Import(10, (), Position(3), Position(3), is_gap=False))
            b.store.write_history(write(7, is_synced=True))
            assert await b.told(4) == [
                ("written", 6),
                ("imported", 9, 5),
                ("imported", 10, 3),
                ("written", 7),
            ]
            assert b.history.done == [
                ("add_gap", 1, 5),
                ("reset_applied", 5),
                ("write", (), 6),
                ("import_rows", (), 1, 5),
                ("narrow_gap", 1, 5),
                ("import_rows", (), 3, 3),
                ("write", (), 7),
                ("sync",),
            ]

    run(scenario())


def test_a_full_disk_is_told_once_and_the_change_repeated_before_later_ones() -> None:
    async def scenario() -> None:
        async with bench() as b:
            b.history.failures = [FullError("full"), FullError("still full")]
            b.store.write_history(write(6))
            b.store.write_history(write(7))
            assert await b.told(4) == [
                ("failed", "full"),
                ("recovered",),
                ("written", 6),
                ("written", 7),
            ]
            assert [item[2] for item in b.history.done] == [6, 7]

    run(scenario())


def test_a_disk_full_for_both_files_has_recovered_when_both_have() -> None:
    async def scenario() -> None:
        async with bench() as b:
            b.log.failures = [FullError("log full")] * 3
            b.history.failures = [FullError("history full")] * 3
            b.store.persist(batch(1))
            b.store.write_history(write(6))
            await wait_until(lambda: ("written", 6) in b.events.story)
            await wait_until(lambda: ("persisted", 1) in b.events.story)

            def words() -> list[str]:
                told = [item[0] for item in b.events.story]
                return [word for word in told if word in ("failed", "recovered")]

            await wait_until(lambda: words().count("failed") == words().count("recovered"))
            assert words() in (["failed", "recovered"], ["failed", "recovered"] * 2)

    run(scenario())


def test_any_other_trouble_is_fatal() -> None:
    async def scenario() -> None:
        async with bench() as b:
            b.history.failures = [StorageError("history gone")]
            b.store.write_history(write(6))
            await wait_until(lambda: len(b.fatal) == 1)
            b.log.failures = [StorageError("log gone")]
            b.store.persist(batch(1))
            await wait_until(lambda: len(b.fatal) == 2)
            assert b.events.story == []
            assert [str(error) for error in b.fatal] == ["history gone", "log gone"]

    run(scenario())


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (None, ("answered", 4, ())),
        (CorruptRowsError((Position(3),)), ("corrupt", 4, (3,))),
        (FullError("full"), ("answer failed", 4)),
    ],
)
def test_questions_are_answered_one_way_or_another(
    failure: StorageError | None, told: tuple[Any, ...]
) -> None:
    async def scenario() -> None:
        async with bench() as b:
            b.history.failures = [failure] if failure else []
            b.store.ask(4, PAGE)
            assert await b.told(1) == [told]

    run(scenario())


def test_rows_are_exported() -> None:
    async def scenario() -> None:
        async with bench() as b:
            b.store.export(Export(5, Position(1), Position(7)))
            assert await b.told(1) == [("exported", 5, (), 7, (3,))]

    run(scenario())


def test_a_closed_store_takes_nothing_more_and_says_nothing_more() -> None:
    async def scenario() -> None:
        async with bench() as b:
            b.store.persist(batch(1))
        story = list(b.events.story)
        b.store.persist(batch(2))
        b.store.compact(Compaction(Snapshot(1, 1, 0, b""), 1))
        b.store.write_history(write(6))
        b.store.ask(4, PAGE)
        await asyncio.sleep(0)
        assert [item[1][0].number for item in b.log.done] == [1]
        assert b.history.done == []
        assert [item for item in b.events.story if item not in story] in ([], [("persisted", 1)])

    run(scenario())


def test_what_real_stores_hold_is_there_when_they_are_opened_again(tmp_path: Path) -> None:
    rows = (Row("r:1", Position(1), 0, 5, KIND_MESSAGE, "", b"record"),)

    async def live(events: Events) -> tuple[Stored, HistoryState]:
        with DataDirectory.open(tmp_path, Identity("test", "n1"), is_founding=True) as directory:
            log, history = LogStore.open(directory), HistoryStore.open(directory)
            with contextlib.closing(log), contextlib.closing(history):
                store = DiskStore(log, log.load(), history)
                found = store.take_stored(), store.history_state
                store.begin(events, lambda error: pytest.fail(str(error)))
                if not found[0].entries:
                    store.persist(batch(1))
                    store.write_history(HistoryWrite(rows, Position(1), is_synced=True))
                    await wait_until(lambda: len(events.story) == 2)
                else:
                    store.ask(1, PAGE)
                    await wait_until(lambda: events.story)
                await store.close()
                return found

    first, second = Events(), Events()
    stored, _ = run(live(first))
    assert stored.entries == ()
    stored, state = run(live(second))
    assert stored.entries == (Entry(1, 1, 0, 1, b""),)
    assert state == HistoryState(applied=Position(1))
    assert second.story == [("answered", 1, rows)]
