"""A child process encodes the state as it was, and can do no harm whatever becomes of it."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from roost.chat.ids import Position
from roost.chat.snapshot import encode_state
from roost.chat.state import State
from roost.node.engine.effects import MakeSnapshot
from roost.node.engine.inputs import SnapshotFailed, SnapshotMade
from roost.node.snapshotting import SnapshotMaker
from support.loops import pass_turns, run, wait_until


class Bench:
    """A maker that forks for every state."""

    def __init__(self, encode: Callable[[State], bytes] = encode_state, **limits: float) -> None:
        self.told: list[SnapshotMade | SnapshotFailed] = []
        self.maker = SnapshotMaker(
            self.told.append,
            small_objects_max=-1,
            encode=encode,
            child_s_max=limits.get("child_s_max", 60.0),
        )

    async def make(self, state: State, *, is_in_place: bool = False) -> None:
        self.maker.make(MakeSnapshot(state.position, state, is_in_place=is_in_place))
        await pass_turns()

    async def outcome(self) -> SnapshotMade | SnapshotFailed:
        await wait_until(lambda: self.told)
        return self.told.pop()


def every_child() -> set[int]:
    """Return the processes that this thread has forked, dead ones included."""
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return {int(word) for word in path.read_text().split()}


_others: set[int] = set()
"""The children that there were before the test, such as those of other tests' fixtures."""


@pytest.fixture(autouse=True)
def _before() -> None:
    _others.clear()
    _others.update(every_child())


def children() -> set[int]:
    """Return the processes that the test has forked, dead ones included."""
    return every_child() - _others


def test_the_snapshot_is_of_the_state_at_the_moment_of_asking() -> None:
    async def scenario() -> None:
        bench = Bench()
        for number in range(1, 4):
            state = State(position=Position(number), created_ms=number)
            expected = encode_state(state)
            await bench.make(state)
            state.created_ms = 99
            state.position = Position(99)
            assert await bench.outcome() == SnapshotMade(Position(number), expected)
        bench.maker.close()

    run(scenario())


def test_a_big_snapshot_arrives_whole() -> None:
    data = os.urandom(8 * 1024 * 1024)

    async def scenario() -> None:
        bench = Bench(lambda _state: data)
        await bench.make(State(position=Position(1)))
        assert await bench.outcome() == SnapshotMade(Position(1), data)
        bench.maker.close()

    run(scenario())


def test_a_small_state_and_one_that_must_be_are_encoded_in_place() -> None:
    pids: list[int] = []

    def encode(state: State) -> bytes:
        pids.append(os.getpid())
        return encode_state(state)

    async def scenario() -> None:
        bench = Bench(encode)
        await bench.make(State(position=Position(1)), is_in_place=True)
        assert isinstance(await bench.outcome(), SnapshotMade)
        bench.maker = SnapshotMaker(bench.told.append, encode=encode)
        await bench.make(State(position=Position(2)))
        assert isinstance(await bench.outcome(), SnapshotMade)

    run(scenario())
    assert pids == [os.getpid()] * 2


def test_a_child_that_dies_is_a_failure_and_the_next_one_may_succeed() -> None:
    def encode(state: State) -> bytes:
        if state.position == 1:
            raise MemoryError
        if state.position == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return b"state"

    async def scenario() -> None:
        bench = Bench(encode)
        for number, how in ((1, "status 1"), (2, "killed (9)")):
            await bench.make(State(position=Position(number)))
            failed = await bench.outcome()
            assert isinstance(failed, SnapshotFailed)
            assert failed.position == number
            assert how in failed.reason
        await bench.make(State(position=Position(3)))
        assert await bench.outcome() == SnapshotMade(Position(3), b"state")
        bench.maker.close()
        assert not children()

    run(scenario())


def hang(_state: State) -> bytes:
    signal.pause()
    return b""


def test_a_child_that_hangs_is_killed() -> None:
    async def scenario() -> None:
        bench = Bench(hang, child_s_max=0.02)
        await bench.make(State(position=Position(1)))
        failed = await bench.outcome()
        assert isinstance(failed, SnapshotFailed)
        assert "killed (9)" in failed.reason
        bench.maker.close()
        assert not children()

    run(scenario())


def test_a_node_that_stops_leaves_no_child_and_hears_nothing() -> None:
    async def scenario() -> None:
        bench = Bench(hang)
        await bench.make(State(position=Position(1)))
        assert len(children()) == 1
        bench.maker.close()
        assert not children()
        await pass_turns()
        assert not bench.told

    run(scenario())


def test_the_child_holds_no_socket_of_the_node() -> None:
    async def scenario() -> None:
        reading, writing = os.pipe()
        os.set_inheritable(writing, True)
        bench = Bench(hang)
        await bench.make(State(position=Position(1)))
        os.close(writing)
        # The end is only reported when nobody holds the other side any more.
        assert await asyncio.to_thread(os.read, reading, 1) == b""
        assert len(children()) == 1
        bench.maker.close()
        os.close(reading)

    run(scenario())


def test_signals_for_the_node_do_not_end_the_child() -> None:
    def encode(_state: State) -> bytes:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(os.getpid(), number)
        return b"state"

    async def scenario() -> None:
        bench = Bench(encode)
        await bench.make(State(position=Position(1)))
        assert await bench.outcome() == SnapshotMade(Position(1), b"state")
        bench.maker.close()

    run(scenario())
