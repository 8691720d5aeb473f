"""A whole balancer over real sockets, between clients and nodes that do what a test says."""

import asyncio
import contextlib
import json
import socket
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from roost.balancer import Balancer
from roost.balancer.engine.session_values import SessionLimits
from roost.protocol.trunk import (
    Attach,
    Close,
    Detach,
    Lines,
    Reply,
)
from support.loops import run, wait_until
from unit.balancer.running import FakeNode, make_config, run_balancer


def test_lines_go_up_and_answers_come_down(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            client = await here.client()
            client.send(b"NICK a\r\nUSER a 0 * :A\n\r\n")
            (attach,) = await node.next(Attach)
            assert (attach.generation, attach.address, attach.position) == (1, "127.0.0.1", 9)
            (lines,) = await node.next(Lines)
            assert lines == Lines(attach.session, 1, 1, (b"NICK a", b"USER a 0 * :A"))
            node.show(Reply(attach.session, 1, 2, 0, True, b":roost.local 001 a :hi\r\n"))
            assert await client.line() == b":roost.local 001 a :hi\r\n"

    run(scenario())


def test_a_client_that_waits_is_told_and_served_when_a_node_is_ready(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            client = await here.client()
            client.send(b"NICK a\r\n")
            await wait_until(lambda: here.balancer.statistics().waiting == 1)
            here.clock.monotonic += 1.1
            assert b"NOTICE * :The service is not ready" in await client.line()
            node = await here.node("n1")
            (lines,) = await node.next(Lines)
            assert lines.lines == (b"NICK a",)
            assert b"NOTICE * :The service is ready" in await client.line()

    run(scenario())


def test_a_client_whose_node_dies_goes_on_with_another(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            first = await here.node("n1")
            client, attach = await here.registered(first)
            second = await here.node("n2")
            first.connection.abort()
            (again,) = await second.next(Attach)
            assert (again.session, again.generation, again.acknowledged) == (attach.session, 2, 1)
            client.send(b"PING x\r\n")
            (lines,) = await second.next(Lines)
            assert lines == Lines(attach.session, 2, 2, (b"PING x",))
            second.show(Reply(attach.session, 2, 2, 0, True, b"PONG x\r\n"))
            assert await client.line() == b"PONG x\r\n"

    run(scenario())


def test_a_client_that_goes_is_detached_after_its_last_lines(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            client, attach = await here.registered(node)
            node.frames.clear()
            client.send(b"QUIT :bye\r\n")
            client.writer.close()
            (detach,) = await node.next(Detach)
            assert detach == Detach(attach.session, 1, "Connection closed")
            assert [line for f in node.seen(Lines) for line in f.lines] == [b"QUIT :bye"]
            assert here.balancer.statistics().departing == 1
            node.show(Close(attach.session, 1, b""))
            await wait_until(lambda: here.balancer.statistics().departing == 0)

    run(scenario())


def test_stopping_tells_clients_and_waits_for_the_nodes(tmp_path: Path) -> None:
    async def scenario() -> None:
        run_file = tmp_path / "run.json"
        async with run_balancer(tmp_path, run_file=run_file, stop_s=5.0) as here:
            written = json.loads(run_file.read_text())
            assert written["address"] == here.addresses.address
            assert written["http_address"] == here.addresses.http_address
            assert written["trunk_address"] == here.addresses.trunk_address
            node = await here.node("n1")
            client, attach = await here.registered(node)
            waiting = asyncio.create_task(_confirm(node))  # noqa: TID251
            here.balancer.stop()
            assert await client.rest() == b"ERROR :Server is shutting down\r\n"
            assert (await waiting).session == attach.session
            await wait_until(lambda: node.closed)
            with pytest.raises(ConnectionRefusedError):
                await here.client()
        assert not run_file.exists()

    run(scenario())


async def _confirm(node: FakeNode) -> Detach:
    (detach,) = await node.next(Detach)
    node.show(Close(detach.session, detach.generation, b""))
    return detach


def test_stopping_does_not_wait_for_ever(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path, stop_s=0.05) as here:
            node = await here.node("n1")
            await here.registered(node)
            with capture_logs() as logs:
                here.balancer.stop()
                await wait_until(lambda: node.closed)
            assert any(log["event"] == "stopped-unconfirmed" for log in logs)

    run(scenario())


def test_a_port_in_use_is_a_clear_error(tmp_path: Path) -> None:
    async def scenario() -> None:
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
            port = taken.getsockname()[1]
            for key in ("port", "trunk_port"):
                balancer = Balancer(make_config(tmp_path, **{key: port}))
                with pytest.raises(
                    OSError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*in use"
                ):
                    await balancer.run()

    run(scenario())


def test_an_unwritable_run_file_is_a_clear_error(tmp_path: Path) -> None:
    async def scenario() -> None:
        balancer = Balancer(make_config(tmp_path, run_file=tmp_path / "missing" / "run.json"))
        with pytest.raises(OSError, match=r"cannot write .*run\.json"):
            await balancer.run()

    run(scenario())


def test_lines_that_are_due_later_are_sent_without_another_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roost.balancer.engine.ticking.TICK_S", 3600.0)

    async def scenario() -> None:
        async with run_balancer(
            tmp_path, sessions=SessionLimits(lines_per_s=0, burst_lines=500)
        ) as here:
            node = await here.node("n1")
            client = await here.client()

            def has_passed(count: int) -> bool:
                here.clock.monotonic += 0.001
                return sum(len(frame.lines) for frame in node.seen(Lines)) == count

            client.send(b"PING x\r\n" * 400)
            await wait_until(lambda: has_passed(400))
            client.send(b"PING y\r\n")
            await wait_until(lambda: has_passed(401))

    run(scenario())
