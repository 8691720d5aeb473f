"""The store makes changes in order, repeats them while the disk is full, and answers queries."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from roost.chat.history import KIND_MESSAGE, Held, Page, Row
from roost.chat.ids import Position
from roost.node import store
from roost.node.engine.effects import (
    AddGap,
    AnswerQuery,
    Compact,
    ExportRows,
    HistoryState,
    ImportRows,
    WriteHistory,
)
from roost.node.engine.inputs import (
    AnswerCorrupt,
    Answered,
    AnswerFailed,
    DiskInput,
    Exported,
    HistoryWritten,
    Imported,
    Persisted,
    StorageFailed,
    StorageRecovered,
)
from roost.node.leisure import Leisure
from roost.node.store import DiskStore
from roost.raft.messages import Entry, HardState, Persist, Snapshot, Stored, TimeoutNow
from roost.storage import (
    CorruptRowsError,
    DataDirectory,
    FullError,
    HistoryStore,
    Identity,
    LogStore,
    SearchTimeoutError,
    StorageError,
    Unindexed,
)
from support.loops import pass_turns, run, wait_until

PAGE = Page("r:1", 10, is_newest=True)


class FakeHistory:
    """A history that records its calls, and fails when a test says so."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.failures: list[StorageError] = []
        self.left: list[Unindexed] = []
        """What the next steps of indexing say."""
        self.applied = Position(0)
        self.held = Held()

    def gaps(self) -> tuple[tuple[Position, Position], ...]:
        return ()

    def terms(self) -> tuple[tuple[Position, int], ...]:
        return ()

    def __getattr__(self, name: str) -> Any:
        def do(*arguments: Any, **named: Any) -> Any:
            if self.failures:
                raise self.failures.pop(0)
            self.done.append((name, *arguments, *named.values()))
            if name == "index_some" and self.left:
                return self.left.pop(0)
            return {"answer": (), "export": ((), Position(7), (Position(3),))}.get(name)

        return do


class FakeLog(FakeHistory):
    """A log that does the same."""


class FakeLeisure(Leisure):
    """Is busy as often as a test says."""

    def __init__(self, *busy: bool) -> None:
        super().__init__(lambda: 0.0, lambda: 0.0)
        self.busy = [*busy]

    def is_busy(self) -> bool:
        return self.busy.pop(0)


class Bench:
    """A store over fakes."""

    def __init__(self, leisure: Leisure | None = None) -> None:
        self.log, self.history = FakeLog(), FakeHistory()
        self.story: list[DiskInput] = []
        self.fatal: list[BaseException] = []
        stored = Stored(HardState(), None, ())
        self.store = DiskStore(
            cast("LogStore", self.log),
            stored,
            cast("HistoryStore", self.history),
            retry_s=0.001,
            leisure=leisure,
        )

    async def told(self, count: int) -> list[DiskInput]:
        await wait_until(lambda: len(self.story) >= count)
        return self.story


@contextlib.asynccontextmanager
async def bench(leisure: Leisure | None = None) -> AsyncIterator[Bench]:
    made = Bench(leisure)
    made.store.begin(made.story.append, made.fatal.append)
    try:
        yield made
    finally:
        await made.store.close()


def batch(number: int) -> Persist:
    return Persist(
        number, None, None, (Entry(number, 1, 0, 1, b""),), (("n2", TimeoutNow(number)),)
    )


def persisted(number: int) -> Persisted:
    return Persisted(number, batch(number).messages)


def write(applied: int, *, is_synced: bool = False) -> WriteHistory:
    return WriteHistory((), Position(applied), is_synced)


def persisted_of(b: Bench) -> list[Persisted]:
    return [told for told in b.story if isinstance(told, Persisted)]


def test_batches_are_reported_once_each_in_order() -> None:
    async def scenario() -> None:
        async with bench() as b:
            for number in range(1, 20):
                b.store.obey(batch(number))
            await wait_until(lambda: any(told.number == 19 for told in persisted_of(b)))
            freed = [message for told in persisted_of(b) for message in told.messages]
            assert freed == [("n2", TimeoutNow(number)) for number in range(1, 20)]

    run(scenario())


def test_a_compaction_comes_after_the_batches_before_it() -> None:
    snapshot = Snapshot(1, 1, 0, b"state")

    async def scenario() -> None:
        async with bench() as b:
            b.store.obey(batch(1))
            b.store.obey(Compact(snapshot, 1))
            await wait_until(lambda: len(b.log.done) == 3)
            assert [item[0] for item in b.log.done] == ["write", "begin_compaction", "step"]

    run(scenario())


def test_changes_of_the_history_are_made_in_order() -> None:
    async def scenario() -> None:
        async with bench() as b:
            b.store.obey(AddGap(Position(1), Position(5)))
            b.store.obey(write(6))
            b.store.obey(ImportRows(9, (), Position(1), Position(5), is_gap=True))
            b.store.obey(ImportRows(10, (), Position(3), Position(3), is_gap=False))
            b.store.obey(write(7, is_synced=True))
            assert await b.told(4) == [
                HistoryWritten(Position(6)),
                Imported(9, Position(5)),
                Imported(10, Position(3)),
                HistoryWritten(Position(7)),
            ]
            assert b.history.done == [
                ("add_gap", 1, 5),
                ("skip_terms", 1, 5, 0),
                ("reset_applied", 5),
                ("write", (), 6, ()),
                ("import_rows", (), 1, 5),
                ("narrow_gap", 1, 5),
                ("import_rows", (), 3, 3),
                ("write", (), 7, ()),
                ("sync",),
            ]

    run(scenario())


def test_a_full_disk_is_told_once_and_the_change_repeated_before_later_ones() -> None:
    async def scenario() -> None:
        async with bench() as b:
            b.history.failures = [FullError("full"), FullError("still full")]
            b.store.obey(write(6))
            b.store.obey(write(7))
            assert await b.told(4) == [
                StorageFailed("full"),
                StorageRecovered(),
                HistoryWritten(Position(6)),
                HistoryWritten(Position(7)),
            ]
            assert [item[2] for item in b.history.done] == [6, 7]

    run(scenario())


def test_a_disk_full_for_both_files_has_recovered_when_both_have() -> None:
    async def scenario() -> None:
        async with bench() as b:
            b.log.failures = [FullError("log full")] * 3
            b.history.failures = [FullError("history full")] * 3
            b.store.obey(batch(1))
            b.store.obey(write(6))
            await wait_until(lambda: HistoryWritten(Position(6)) in b.story)
            await wait_until(lambda: persisted(1) in b.story)

            def states() -> list[type[DiskInput]]:
                kinds = (StorageFailed, StorageRecovered)
                return [type(told) for told in b.story if isinstance(told, kinds)]

            once = [StorageFailed, StorageRecovered]
            await wait_until(lambda: states() in (once, once * 2))

    run(scenario())


def test_any_other_trouble_is_fatal() -> None:
    async def scenario() -> None:
        async with bench() as b:
            b.history.failures = [StorageError("history gone")]
            b.store.obey(write(6))
            await wait_until(lambda: len(b.fatal) == 1)
            b.log.failures = [StorageError("log gone")]
            b.store.obey(batch(1))
            await wait_until(lambda: len(b.fatal) == 2)
            assert b.story == []
            assert [str(error) for error in b.fatal] == ["history gone", "log gone"]

    run(scenario())


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (None, Answered(4, ())),
        (CorruptRowsError((Position(3),)), AnswerCorrupt(4, (Position(3),))),
        (FullError("full"), AnswerFailed(4, "The disk is full; try again later")),
        (SearchTimeoutError(), AnswerFailed(4, "The search takes too long; narrow it down")),
    ],
)
def test_questions_are_answered_one_way_or_another(
    failure: StorageError | None, told: DiskInput
) -> None:
    async def scenario() -> None:
        async with bench() as b:
            b.history.failures = [failure] if failure else []
            b.store.obey(AnswerQuery(4, PAGE))
            assert await b.told(1) == [told]

    run(scenario())


def test_what_can_wait_is_looked_at_until_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "INDEX_DELAY_S", 0.001)
    monkeypatch.setattr(store, "INDEX_PAUSES_S", dict.fromkeys(Unindexed, 0.001))
    none, waiting, soon, due = Unindexed

    async def scenario() -> None:
        async with bench(FakeLeisure(True, True, False, False)) as b:
            b.history.left = [waiting, soon, waiting, *[due] * (store.INDEX_STEPS + 1), none]
            await wait_until(lambda: len(b.history.done) == store.INDEX_STEPS + 5)
            await wait_until(lambda: not b.store._is_indexing)
            assert b.history.done[:3] == [("index_some", True)] * 3
            assert b.history.done[3:] == [("index_some", False)] * (store.INDEX_STEPS + 2)

    run(scenario())


def test_rows_are_exported() -> None:
    async def scenario() -> None:
        async with bench() as b:
            b.store.obey(ExportRows(5, Position(1), Position(7)))
            assert await b.told(1) == [Exported(5, (), Position(7), (Position(3),))]

    run(scenario())


def test_a_closed_store_takes_nothing_more_and_says_nothing_more() -> None:
    async def scenario() -> None:
        async with bench() as b:
            b.store.obey(batch(1))
        story = list(b.story)
        b.store.obey(batch(2))
        b.store.obey(Compact(Snapshot(1, 1, 0, b""), 1))
        b.store.obey(write(6))
        b.store.obey(AnswerQuery(4, PAGE))
        await pass_turns()
        assert [item[1][0].number for item in b.log.done] == [1]
        assert b.history.done == []
        assert [item for item in b.story if item not in story] in ([], [persisted(1)])

    run(scenario())


def test_what_real_stores_hold_is_there_when_they_are_opened_again(tmp_path: Path) -> None:
    rows = (Row("r:1", Position(1), 0, 5, KIND_MESSAGE, "", b"record"),)

    async def live(story: list[DiskInput]) -> tuple[Stored, HistoryState]:
        with DataDirectory.open(tmp_path, Identity("test", "n1"), is_founding=True) as directory:
            log, history = LogStore(directory), HistoryStore(directory)
            with contextlib.closing(log), contextlib.closing(history):
                store = DiskStore(log, log.load(), history)
                found = store.take_stored(), store.history_state
                store.begin(story.append, lambda error: pytest.fail(str(error)))
                if not found[0].entries:
                    store.obey(batch(1))
                    store.obey(WriteHistory(rows, Position(1), is_synced=True))
                    await wait_until(lambda: len(story) == 2)
                else:
                    store.obey(AnswerQuery(1, PAGE))
                    await wait_until(lambda: story)
                await store.close()
                return found

    stored, _ = run(live([]))
    assert stored.entries == ()
    story: list[DiskInput] = []
    stored, state = run(live(story))
    assert stored.entries == (Entry(1, 1, 0, 1, b""),)
    assert state == HistoryState(applied=Position(1))
    assert story == [Answered(1, rows)]
