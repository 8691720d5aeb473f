"""The driver feeds and obeys an engine, here one that only keeps what it is given."""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, cast

from structlog.testing import capture_logs

from roost.chat.history import Page, Query
from roost.chat.ids import Position
from roost.instant import Instant
from roost.ircd.sessions.work import Outcome, VerifyPassword, Work
from roost.node.driver import Driver
from roost.node.engine.effects import (
    Compaction,
    EngineOutput,
    Export,
    GapAdd,
    HistoryWrite,
    Import,
    Note,
)
from roost.node.engine.engine import Engine
from roost.protocol import mesh
from roost.protocol import trunk as frames
from roost.protocol.mesh import Gossip, TrunkReport
from roost.protocol.trunk import Detach, Hello, Output, Welcome
from roost.raft.messages import Persist, Snapshot, TimeoutNow
from support.loops import run, wait_until

NOTHING = EngineOutput((), (), (), (), (), (), (), (), (), ())


def output(**fields: Any) -> EngineOutput:
    values = {name: getattr(NOTHING, name) for name in NOTHING.__struct_fields__}
    return EngineOutput(**{**values, **fields})


class FakeEngine:
    """Keeps its inputs, and gives the outputs that a test has prepared."""

    def __init__(self) -> None:
        self.inputs: list[tuple[Any, ...]] = []
        self.outputs: list[EngineOutput] = []
        self.deadline = float("inf")
        self.turns = 0
        self.is_stopped = False
        self.session_count = 0
        self.loads: list[float] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        def note(*arguments: Any) -> None:
            assert isinstance(arguments[-1], Instant), f"{name} is not told the time"
            self.inputs.append((name, *arguments[:-1]))

        return note

    def set_round_trip(self, name: str, milliseconds: float) -> None:
        self.inputs.append(("set_round_trip", name, milliseconds))

    def set_load(self, lag_ms: float) -> None:
        self.loads.append(lag_ms)

    def next_deadline(self) -> float:
        return self.deadline

    def tick(self, now: Instant) -> None:
        self.inputs.append(("tick",))
        self.deadline = float("inf")

    def take_output(self) -> EngineOutput:
        self.turns += 1
        return self.outputs.pop(0) if self.outputs else NOTHING


class FakeStore:
    """Keeps what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def persist(self, batch: Persist) -> None:
        self.asked.append(batch)

    def compact(self, compaction: Compaction) -> None:
        self.asked.append(compaction)

    def add_gap(self, gap: GapAdd) -> None:
        self.asked.append(gap)

    def write_history(self, write: HistoryWrite) -> None:
        self.asked.append(write)

    def ask(self, ticket: int, query: Query) -> None:
        self.asked.append((ticket, query))

    def export(self, export: Export) -> None:
        self.asked.append(export)

    def put(self, effect: Import) -> None:
        self.asked.append(effect)


class FakeOutlet:
    """Keeps what is sent, one item per call."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[bytes]]] = []

    def send(self, name: str, bodies: Iterable[bytes]) -> None:
        self.sent.append((name, list(bodies)))


class FakeHasher:
    """Keeps what it is asked for, to be answered by the test."""

    def __init__(self) -> None:
        self.asked: list[tuple[Work, Callable[[Outcome], None]]] = []

    def submit(self, work: Work, done: Callable[[Outcome], None]) -> None:
        self.asked.append((work, done))


class Bench:
    """A driver among fakes."""

    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.store = FakeStore()
        self.mesh = FakeOutlet()
        self.trunks = FakeOutlet()
        self.remembered: list[bool] = []
        self.hasher = FakeHasher()
        self.driver = Driver(
            cast("Engine", self.engine),
            lambda: Hello(1, "test", "n1", "0", 1, "127.0.0.1:1", 1),
            lambda _: None,
            self.remembered.append,
            self.hasher,
            lambda: None,
        )

    def start(self) -> None:
        self.driver.start(self.store, self.mesh, self.trunks)

    async def turn(self) -> None:
        turns = self.engine.turns
        await wait_until(lambda: self.engine.turns > turns)


def on_bench(scenario: Callable[[Bench], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    async def with_bench() -> None:
        bench = Bench()
        try:
            await scenario(bench)
        finally:
            bench.driver.end()

    def test() -> None:
        run(with_bench())

    functools.update_wrapper(test, scenario)
    del test.__wrapped__  # type: ignore[attr-defined]
    return test


@on_bench
async def test_inputs_of_one_turn_are_one_step_of_the_engine(bench: Bench) -> None:
    bench.start()
    await bench.turn()
    before = bench.engine.turns
    for number in range(50):
        bench.driver.receive_peer("n2", TimeoutNow(number))
        bench.driver.receive_trunk("b1", Detach(number, 1, ""))
    await bench.turn()
    assert bench.engine.turns == before + 1
    assert len(bench.engine.inputs) == 100


@on_bench
async def test_inputs_before_the_start_are_kept_for_the_first_turn(bench: Bench) -> None:
    bench.driver.peer_connected("n2")
    await asyncio.sleep(0)
    assert bench.engine.turns == 0
    bench.start()
    await bench.turn()
    assert bench.engine.inputs == [("peer_connected", "n2")]


@on_bench
async def test_every_input_reaches_the_engine_with_the_time(bench: Bench) -> None:
    welcome = Welcome(frames.PROTOCOL_VERSION, "test", "b1", 5, ())
    driver = bench.driver
    driver.peer_connected("n2")
    driver.set_round_trip("n2", 1.5)
    driver.peer_disconnected("n2")
    driver.trunk_connected(welcome)
    driver.trunk_disconnected("b1")
    driver.storage_failed("full")
    driver.storage_recovered()
    driver.history_written(Position(4))
    driver.answered(1, ())
    driver.answer_corrupt(2, (Position(3),))
    driver.answer_failed(3, "no")
    driver.exported(4, (), Position(9), ())
    driver.imported(5, Position(9))
    assert bench.engine.inputs == [
        ("peer_connected", "n2"),
        ("set_round_trip", "n2", 1.5),
        ("peer_disconnected", "n2"),
        ("trunk_connected", welcome),
        ("trunk_disconnected", "b1"),
        ("storage_failed", "full"),
        ("storage_recovered",),
        ("history_written", 4),
        ("answered", 1, ()),
        ("answer_corrupt", 2, (3,)),
        ("answer_failed", 3, "no"),
        ("exported", 4, (), 9, ()),
        ("imported", 5, 9),
    ]


@on_bench
async def test_frames_leave_in_order_and_a_shared_one_is_encoded_once(bench: Bench) -> None:
    shared = Gossip((TrunkReport("b1", 5),))
    own = TimeoutNow(7)
    shown = Output(9, ())
    bench.engine.outputs = [
        output(
            to_peers=(("n2", shared), ("n3", shared), ("n2", own)),
            to_balancers=(("b1", shown),),
        )
    ]
    bench.start()
    await bench.turn()
    assert bench.mesh.sent == [
        ("n2", [mesh.encode(shared), mesh.encode(own)]),
        ("n3", [mesh.encode(shared)]),
    ]
    assert bench.mesh.sent[0][1][0] is bench.mesh.sent[1][1][0]
    assert bench.trunks.sent == [("b1", [frames.encode(shown)])]


@on_bench
async def test_messages_of_a_batch_leave_only_when_it_is_durable(bench: Bench) -> None:
    first = Persist(1, None, None, (), (("n2", TimeoutNow(1)),))
    second = Persist(2, None, None, (), (("n2", TimeoutNow(2)),))
    bench.engine.outputs = [output(persist=(first, second))]
    bench.start()
    await bench.turn()
    assert bench.store.asked == [first, second]
    assert bench.mesh.sent == []
    bench.driver.persisted([first, second])
    assert bench.mesh.sent == [
        ("n2", [mesh.encode(TimeoutNow(1)), mesh.encode(TimeoutNow(2))]),
    ]
    assert bench.engine.inputs == [("persisted", 2)]


@on_bench
async def test_the_store_is_asked_in_the_order_of_duties(bench: Bench) -> None:
    batch = Persist(1, None, None, (), ())
    gap = GapAdd(Position(1), Position(2))
    write = HistoryWrite((), Position(3), is_synced=True)
    compaction = Compaction(Snapshot(3, 1, 0, b""), 2)
    page = Page("r:1", 10, is_newest=True)
    export = Export(5, Position(1), Position(2))
    effect = Import(6, (), Position(1), Position(2), is_gap=True)
    bench.engine.outputs = [
        output(
            persist=(batch,),
            gaps=(gap,),
            history=(write,),
            compactions=(compaction,),
            queries=((4, page),),
            exports=(export,),
            imports=(effect,),
        )
    ]
    bench.start()
    await bench.turn()
    assert bench.store.asked == [batch, gap, write, compaction, (4, page), export, effect]


@on_bench
async def test_slow_work_is_done_elsewhere_and_its_outcome_comes_back(bench: Bench) -> None:
    work = VerifyPassword("hash", "sesame")
    bench.engine.outputs = [output(jobs=((7, work),))]
    bench.start()
    await bench.turn()
    [(asked, done)] = bench.hasher.asked
    assert asked is work
    done(True)
    assert bench.engine.inputs == [("job_done", 7, True)]


@on_bench
async def test_notes_become_log_lines(bench: Bench) -> None:
    bench.engine.outputs = [output(notes=(Note("warning", "odd", {"peer": "n2"}),))]
    with capture_logs() as logs:
        bench.start()
        await bench.turn()
    assert logs == [{"event": "odd", "log_level": "warning", "peer": "n2"}]


@on_bench
async def test_the_engine_is_woken_at_its_deadline(bench: Bench) -> None:
    bench.engine.deadline = 0.0
    bench.start()
    await wait_until(lambda: ("tick",) in bench.engine.inputs)
    assert bench.engine.inputs.count(("tick",)) == 1


@on_bench
async def test_an_earlier_deadline_replaces_a_later_one(bench: Bench) -> None:
    bench.start()
    await bench.turn()
    bench.engine.deadline = 0.0
    bench.driver.peer_connected("n2")
    await wait_until(lambda: ("tick",) in bench.engine.inputs)


@on_bench
async def test_lag_is_measured(bench: Bench) -> None:
    bench.start()
    await wait_until(lambda: bench.engine.loads)
    assert bench.engine.loads[0] >= 0


@on_bench
async def test_handing_over_ends_when_the_engine_says_so(bench: Bench) -> None:
    bench.start()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(bench.driver.hand_over(lambda: False))
        await wait_until(lambda: ("stop",) in bench.engine.inputs)
        assert not waiting.done()
        bench.engine.is_stopped = True


@on_bench
async def test_handing_over_does_not_wait_for_nobody(bench: Bench) -> None:
    bench.start()
    await bench.driver.hand_over(lambda: True)
    assert ("stop",) in bench.engine.inputs


@on_bench
async def test_leaving_ends_with_the_last_client(bench: Bench) -> None:
    bench.start()
    bench.engine.session_count = 3
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(bench.driver.leave(60.0, lambda: False))
        await wait_until(lambda: ("leave",) in bench.engine.inputs)
        assert not waiting.done()
        bench.engine.session_count = 0


@on_bench
async def test_leaving_waits_neither_for_nobody_nor_for_ever(bench: Bench) -> None:
    bench.start()
    bench.engine.session_count = 3
    await bench.driver.leave(60.0, lambda: True)
    await bench.driver.leave(0.0, lambda: False)
    assert bench.engine.inputs.count(("leave",)) == 2


@on_bench
async def test_what_an_operator_wanted_is_remembered(bench: Bench) -> None:
    bench.engine.outputs = [output(drained=True), NOTHING, output(drained=False)]
    bench.start()
    for _ in range(3):
        await bench.turn()
        bench.driver.peer_connected("n2")
    await wait_until(lambda: bench.remembered == [True, False])


@on_bench
async def test_after_the_end_nothing_is_done(bench: Bench) -> None:
    batch = Persist(1, None, None, (), (("n2", TimeoutNow(1)),))
    bench.start()
    await bench.turn()
    turns = bench.engine.turns
    bench.driver.end()
    bench.driver.persisted([batch])
    bench.driver.peer_connected("n2")
    for _ in range(5):
        await asyncio.sleep(0)
    assert bench.engine.turns == turns
    assert bench.mesh.sent == []
