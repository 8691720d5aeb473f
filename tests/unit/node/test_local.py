"""A node sends what it holds to a command on its machine, and says why it cannot."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest

from roost.chat.history import Held, Row
from roost.chat.ids import Position
from roost.chat.snapshot import decode_state
from roost.chat.state import State
from roost.node import local
from roost.node.config import NodeConfig
from roost.node.engine.inputs import Exported
from roost.node.local import LocalServer
from roost.node.store import DiskStore
from roost.ops.local_sockets import connect_locally
from roost.protocol.framing import FrameBuffer, encode_frames
from roost.protocol.local import (
    CopyAsk,
    CopyDone,
    CopyHead,
    CopyRows,
    CopyState,
    LocalAnswer,
    LocalRefusal,
    decode_answer,
    encode,
)
from support.loops import run, wait_until
from support.stores import row

T = TypeVar("T")


class Bench:
    """A node whose history has a row at every position."""

    def __init__(self, directory: Path) -> None:
        self.state = State(position=Position(9), time_ms=90)
        self.history = self
        self.terms = ((Position(1), 2), (Position(12), 3))
        self.held = Held()
        self.holes = ()
        self.damaged: dict[Position, None] = {}
        self.is_whole = True
        self.told: list[Exported] = []
        config = SimpleNamespace(
            cluster="chat", name="n1", data=directory, history=SimpleNamespace(has_archive=False)
        )
        self.server = LocalServer(
            cast("NodeConfig", config), "1", self, self, cast("DiskStore", self)
        )
        self.path = directory / "node.sock"

    async def read(self, job: Callable[[Any], T]) -> T:
        return job(self)

    def has_all(self, _first: Position, _last: Position) -> bool:
        return self.is_whole

    def export(
        self, first: Position, last: Position, _bytes_max: int
    ) -> tuple[tuple[Row, ...], Position, tuple[Position, ...]]:
        last = min(last, Position(first + 3))
        positions = [Position(at) for at in range(first, last + 1)]
        found = tuple(row(at) for at in positions if at not in self.damaged)
        return found, last, tuple(at for at in positions if at in self.damaged)

    def receive(self, event: Exported, /) -> None:
        self.told.append(event)
        self.damaged = {}

    async def ask(self, question: bytes) -> list[LocalAnswer]:
        """Ask like a command, until the node ends the connection."""
        async with self.server.open():
            return await asyncio.to_thread(self.answers, question)

    def answers(self, question: bytes) -> list[LocalAnswer]:
        answers: list[LocalAnswer] = []
        with connect_locally(self.path, 5.0) as connection:
            connection.sendall(encode_frames([question]))
            buffer = FrameBuffer()
            while data := connection.recv(65536):
                answers += map(decode_answer, buffer.feed(data))
        return answers


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    # A socket's own name may have 107 bytes only.
    directory = tmp_path / ("long" * 30)
    directory.mkdir()
    return Bench(directory)


def rows_in(answers: list[LocalAnswer]) -> list[int]:
    return [
        found.position
        for answer in answers
        if isinstance(answer, CopyRows)
        for found in answer.rows
    ]


def state_in(answers: list[LocalAnswer]) -> State:
    return decode_state(b"".join(part.data for part in answers if isinstance(part, CopyState)))


def test_it_sends_the_state_and_all_history_up_to_there(bench: Bench) -> None:
    answers = run(bench.ask(encode(CopyAsk(1))))
    head = answers[0]
    assert isinstance(head, CopyHead)
    assert (head.position, head.time_ms, head.terms) == (9, 90, ((1, 2),))
    assert rows_in(answers) == list(range(1, 10))
    assert state_in(answers) == bench.state
    assert answers[-1] == CopyDone()
    assert not bench.path.exists()


def test_it_sends_only_what_is_new(bench: Bench) -> None:
    answers = run(bench.ask(encode(CopyAsk(1, Position(7)))))
    assert rows_in(answers) == [8, 9]
    assert answers[-1] == CopyDone()


def test_it_sends_what_it_holds_and_says_from_where(bench: Bench) -> None:
    bench.held = Held(Position(6), 50)
    answers = run(bench.ask(encode(CopyAsk(1))))
    assert rows_in(answers) == [6, 7, 8, 9]
    assert isinstance(answers[0], CopyHead)
    assert (answers[0].first, answers[0].first_ms) == (6, 50)


def test_damaged_rows_are_repaired_and_then_sent(bench: Bench) -> None:
    bench.damaged = {Position(3): None}
    answers = run(bench.ask(encode(CopyAsk(1))))
    assert bench.told == [Exported(local.COPY_TICKET, (), Position(4), (Position(3),))]
    assert rows_in(answers) == list(range(1, 10))


def test_a_node_that_lacks_history_says_so_in_the_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "PATIENCE_S", 0.0)
    bench.is_whole = False
    refusal = run(bench.ask(encode(CopyAsk(1))))[-1]
    assert isinstance(refusal, LocalRefusal)
    assert "does not have all of its history yet" in refusal.reason


@pytest.mark.parametrize(
    ("question", "reason"),
    [(encode(CopyAsk(7)), "version 1 with commands, not 7"), (b"\x93nonsense", "cannot be read")],
)
def test_what_it_does_not_understand_it_refuses(bench: Bench, question: bytes, reason: str) -> None:
    (refusal,) = run(bench.ask(question))
    assert isinstance(refusal, LocalRefusal)
    assert reason in refusal.reason


def test_only_the_nodes_user_can_open_it(bench: Bench) -> None:
    async def check() -> None:
        async with bench.server.open():
            assert bench.path.stat().st_mode & 0o777 == 0o600

    run(check())


def test_it_makes_one_copy_at_a_time(bench: Bench) -> None:
    question = encode(CopyAsk(1))

    async def check() -> list[list[LocalAnswer]]:
        async with bench.server.open():
            bench.is_whole = False
            async with asyncio.TaskGroup() as group:
                first = group.create_task(asyncio.to_thread(bench.answers, question))
                await wait_until(lambda: bench.server._is_busy)
                second = await asyncio.to_thread(bench.answers, question)
                bench.is_whole = True
            return [first.result(), second]

    copied, (refusal,) = run(check())
    assert copied[-1] == CopyDone()
    assert isinstance(refusal, LocalRefusal)
    assert "copied already" in refusal.reason


def test_who_only_looks_whether_it_runs_keeps_nobody_off(bench: Bench) -> None:
    async def check() -> list[LocalAnswer]:
        async with bench.server.open():
            with connect_locally(bench.path, 5.0):
                # The first connection has its turn before the second one is accepted.
                return await asyncio.to_thread(bench.answers, encode(CopyAsk(1)))

    assert run(check())[-1] == CopyDone()


def test_an_older_socket_is_replaced(bench: Bench) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.close()
    bench.path.write_bytes(b"")
    assert run(bench.ask(encode(CopyAsk(1))))[-1] == CopyDone()
