"""The driver feeds and obeys an engine, here a fake one."""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, cast

from structlog.testing import capture_logs

from roost.chat.history import Page
from roost.chat.ids import Position
from roost.chat.state import State
from roost.instant import Instant
from roost.ircd.sessions.work import Outcome, VerifyPassword, Work
from roost.node.driver import BUSY_TURNS, Driver
from roost.node.engine.effects import (
    AddGap,
    AnswerQuery,
    Compact,
    DiskEffect,
    DoWork,
    Effect,
    ExportRows,
    ImportRows,
    LogEvent,
    MakeSnapshot,
    ReloadConfiguration,
    RememberDrained,
    SendToBalancers,
    SendToPeers,
    WriteHistory,
)
from roost.node.engine.engine import Engine
from roost.node.engine.inputs import (
    Congested,
    Input,
    LagMeasured,
    Leave,
    PeerConnected,
    PeerFrameReceived,
    Persisted,
    RoundTripMeasured,
    Stop,
    Tick,
    TrunkFrameReceived,
    WorkDone,
)
from roost.ops import clock
from roost.protocol import mesh
from roost.protocol import trunk as frames
from roost.protocol.mesh import Gossip, TrunkReport
from roost.protocol.trunk import Detach, Output
from roost.raft.messages import Persist, Snapshot, TimeoutNow
from support.loops import pass_turns, run, wait_until


class FakeEngine:
    """Records its inputs, and returns the effects that a test has prepared."""

    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self.turns_effects: list[list[Effect]] = []
        self.deadline = float("inf")
        self.deadlines: list[float] = []
        """Those that follow, each after a tick."""
        self.turns = 0
        self.is_stopped = False
        self.needs_turn = True
        self.session_count = 0
        self.lags: list[float] = []

    def receive(self, event: Input, now: Instant) -> None:
        assert isinstance(now, Instant)
        if isinstance(event, LagMeasured):
            self.lags.append(event.milliseconds)
            return
        self.inputs.append(event)
        if event == Tick():
            self.deadline = self.deadlines.pop(0) if self.deadlines else float("inf")

    def next_deadline(self) -> float:
        return self.deadline

    def take_effects(self) -> list[Effect]:
        self.turns += 1
        return self.turns_effects.pop(0) if self.turns_effects else []


class FakeOutlet:
    """Records what is sent, one item per call."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[bytes]]] = []

    def send(self, name: str, bodies: Iterable[bytes]) -> None:
        self.sent.append((name, list(bodies)))


class FakeHasher:
    """Records its work, for the test to answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[Work, Callable[[Outcome], None]]] = []

    def submit(self, work: Work, done: Callable[[Outcome], None]) -> None:
        self.asked.append((work, done))


class Bench:
    """A driver among fakes."""

    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.store: list[DiskEffect] = []
        self.mesh = FakeOutlet()
        self.trunks = FakeOutlet()
        self.remembered: list[bool] = []
        self.hasher = FakeHasher()
        self.reloads = 0
        self.unread_by: frozenset[str] = frozenset()
        """Balancers that do not read."""
        self.snapshots: list[MakeSnapshot] = []
        self.driver = Driver(
            cast("Engine", self.engine), self.remembered.append, self.hasher.submit, self._reload
        )

    def start(self) -> None:
        self.driver.start(
            self.store.append,
            self.mesh.send,
            self.trunks.send,
            self.snapshots.append,
            lambda: self.unread_by,
        )

    def _reload(self) -> None:
        self.reloads += 1

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
        bench.driver.receive(PeerFrameReceived("n2", TimeoutNow(number)))
        bench.driver.receive(TrunkFrameReceived("b1", Detach(number, 1, "")))
    await bench.turn()
    assert bench.engine.turns == before + 1
    assert len(bench.engine.inputs) == 100
    counted = bench.driver.statistics()
    assert (counted.frames_from_peers, counted.frames_from_balancers) == (50, 50)


@on_bench
async def test_inputs_before_the_start_are_kept_for_the_first_turn(bench: Bench) -> None:
    bench.driver.receive(PeerConnected("n2"))
    await pass_turns()
    assert bench.engine.turns == 0
    bench.start()
    await bench.turn()
    assert bench.engine.inputs == [PeerConnected("n2")]


@on_bench
async def test_frames_leave_in_order_and_a_shared_one_is_encoded_once(bench: Bench) -> None:
    shared = Gossip((TrunkReport("b1", 5),))
    own = TimeoutNow(7)
    shown = Output(9, ())
    bench.engine.turns_effects = [
        [
            SendToPeers((("n2", shared), ("n3", shared), ("n2", own))),
            SendToBalancers((("b1", shown),)),
        ]
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
    bench.engine.turns_effects = [[first, second]]
    bench.start()
    await bench.turn()
    assert bench.store == [first, second]
    assert bench.mesh.sent == []
    durable = Persisted(2, (*first.messages, *second.messages))
    bench.driver.receive(durable)
    assert bench.mesh.sent == [
        ("n2", [mesh.encode(TimeoutNow(1)), mesh.encode(TimeoutNow(2))]),
    ]
    assert bench.engine.inputs == [durable]


@on_bench
async def test_disk_effects_go_to_the_store_in_the_order_given(bench: Bench) -> None:
    asked: list[Effect] = [
        Persist(1, None, None, (), ()),
        AddGap(Position(1), Position(2)),
        WriteHistory((), Position(3), is_synced=True),
        Compact(Snapshot(3, 1, 0, b""), 2),
        AnswerQuery(4, Page("r:1", 10, is_newest=True)),
        ExportRows(5, Position(1), Position(2)),
        ImportRows(6, (), Position(1), Position(2), is_gap=True),
    ]
    bench.engine.turns_effects = [asked]
    bench.start()
    await bench.turn()
    assert bench.store == asked


@on_bench
async def test_a_snapshot_is_asked_for_in_the_turn_that_wants_it(bench: Bench) -> None:
    wanted = MakeSnapshot(Position(3), State(position=Position(3)))
    bench.engine.turns_effects = [[wanted]]
    bench.start()
    await bench.turn()
    assert bench.snapshots == [wanted]


@on_bench
async def test_slow_work_is_done_elsewhere_and_its_outcome_comes_back(bench: Bench) -> None:
    first, second = VerifyPassword("hash", "sesame"), VerifyPassword("hash", "mellon")
    bench.engine.turns_effects = [[DoWork(7, first), DoWork(8, second)]]
    bench.start()
    await bench.turn()
    assert [work for work, _ in bench.hasher.asked] == [first, second]
    for _, done in bench.hasher.asked:
        done(True)
    assert bench.engine.inputs == [WorkDone(7, True), WorkDone(8, True)]


@on_bench
async def test_log_events_become_log_lines(bench: Bench) -> None:
    bench.engine.turns_effects = [[LogEvent("warning", "odd", {"peer": "n2"})]]
    with capture_logs() as logs:
        bench.start()
        await bench.turn()
    assert logs == [{"event": "odd", "log_level": "warning", "peer": "n2"}]


@on_bench
async def test_the_engine_is_woken_at_its_deadline(bench: Bench) -> None:
    bench.engine.deadline = 0.0
    bench.start()
    await wait_until(lambda: Tick() in bench.engine.inputs)
    assert bench.engine.inputs.count(Tick()) == 1


@on_bench
async def test_the_next_deadline_counts_after_a_tick_that_led_to_no_turn(bench: Bench) -> None:
    bench.start()
    await bench.turn()
    turns, bench.engine.needs_turn = bench.engine.turns, False
    bench.engine.deadlines = [0.0, 0.0]
    bench.driver.receive(PeerConnected("n2"))
    bench.engine.deadline = 0.0
    bench.driver.pulse.ride(float("inf"))
    await wait_until(lambda: bench.engine.inputs.count(Tick()) == 3)
    assert bench.engine.turns == turns


@on_bench
async def test_an_earlier_deadline_replaces_a_later_one(bench: Bench) -> None:
    bench.start()
    await bench.turn()
    bench.engine.deadline = 0.0
    bench.driver.receive(PeerConnected("n2"))
    await wait_until(lambda: Tick() in bench.engine.inputs)


@on_bench
async def test_lag_is_measured(bench: Bench) -> None:
    bench.start()
    await wait_until(lambda: bench.engine.lags)
    assert bench.engine.lags[0] >= 0


@on_bench
async def test_the_lag_of_a_busy_node_is_measured_by_a_timer_of_its_own(bench: Bench) -> None:
    bench.start()
    await bench.turn()
    # Its turns leave no time for the timer of the pulse.
    while len(bench.engine.lags) < 3:
        bench.driver.receive(PeerConnected("n2"))
        await bench.turn()
    assert bench.engine.turns > BUSY_TURNS
    assert Tick() in bench.engine.inputs


@on_bench
async def test_what_leads_to_nothing_waits_for_the_next_turn(bench: Bench) -> None:
    bench.start()
    await bench.turn()
    turns = bench.engine.turns
    bench.engine.needs_turn = False
    bench.driver.receive(RoundTripMeasured("n2", 1.0))
    bench.driver.receive(Persisted(1))
    await pass_turns()
    assert bench.engine.turns == turns
    assert bench.engine.inputs == [RoundTripMeasured("n2", 1.0), Persisted(1)]


@on_bench
async def test_handing_over_ends_when_the_engine_says_so(bench: Bench) -> None:
    bench.start()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(bench.driver.hand_over(lambda: False))
        await wait_until(lambda: Stop() in bench.engine.inputs)
        assert not waiting.done()
        bench.engine.is_stopped = True


@on_bench
async def test_handing_over_does_not_wait_for_nobody(bench: Bench) -> None:
    bench.start()
    await bench.driver.hand_over(lambda: True)
    assert Stop() in bench.engine.inputs


@on_bench
async def test_leaving_ends_with_the_last_client(bench: Bench) -> None:
    bench.start()
    bench.engine.session_count = 3
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(bench.driver.leave(60.0, lambda: False))
        await wait_until(lambda: Leave() in bench.engine.inputs)
        assert not waiting.done()
        bench.engine.session_count = 0


@on_bench
async def test_leaving_waits_neither_for_nobody_nor_for_ever(bench: Bench) -> None:
    bench.start()
    bench.engine.session_count = 3
    await bench.driver.leave(60.0, lambda: True)
    await bench.driver.leave(0.0, lambda: False)
    assert bench.engine.inputs.count(Leave()) == 2


@on_bench
async def test_what_an_operator_wanted_is_remembered(bench: Bench) -> None:
    bench.engine.turns_effects = [[RememberDrained(True)], [], [RememberDrained(False)]]
    bench.start()
    for _ in range(3):
        await bench.turn()
        bench.driver.receive(PeerConnected("n2"))
    await wait_until(lambda: bench.remembered == [True, False])


@on_bench
async def test_the_configuration_is_read_again_when_the_engine_asks_for_it(bench: Bench) -> None:
    bench.engine.turns_effects = [[ReloadConfiguration()]]
    bench.start()
    await bench.turn()
    assert bench.reloads == 1


@on_bench
async def test_after_the_end_nothing_is_done(bench: Bench) -> None:
    bench.start()
    await bench.turn()
    turns = bench.engine.turns
    bench.driver.end()
    bench.driver.receive(Persisted(1, (("n2", TimeoutNow(1)),)))
    bench.driver.receive(PeerConnected("n2"))
    await pass_turns(5)
    assert bench.engine.turns == turns
    assert bench.mesh.sent == []


@on_bench
async def test_a_long_turn_is_a_stop_of_the_event_loop(bench: Bench) -> None:
    def take_long(_effect: MakeSnapshot) -> None:
        began = clock.monotonic()
        while clock.monotonic() < began + 0.01:
            pass

    bench.engine.turns_effects = [[], [MakeSnapshot(Position(3), State(position=Position(3)))]]
    bench.driver.start(bench.store.append, bench.mesh.send, bench.trunks.send, take_long)
    await bench.turn()
    bench.driver.receive(Tick())
    await bench.turn()
    assert bench.driver.statistics().stalls.longest_s >= 0.01


@on_bench
async def test_the_engine_learns_which_balancers_do_not_read_and_when_they_do_again(
    bench: Bench,
) -> None:
    bench.start()
    await bench.turn()
    bench.unread_by = frozenset({"b1"})
    bench.driver.receive(PeerConnected("n2"))
    await bench.turn()
    assert bench.engine.inputs == [PeerConnected("n2"), Congested(frozenset({"b1"}))]
    # Nothing else comes in, so it looks by itself.
    bench.unread_by = frozenset()
    await wait_until(lambda: bench.engine.inputs[-1] == Congested(frozenset()))
