"""Limits of connections and clients, over real sockets."""

import asyncio
import contextlib
import socket
from pathlib import Path

from roost.balancer import ClientLimits
from roost.balancer.engine.session_values import SessionLimits
from roost.protocol.trunk import (
    Attach,
    Detach,
    Lines,
    Reply,
)
from support.loops import run, wait_until
from unit.balancer.running import run_balancer


def test_a_flood_is_throttled_and_loses_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = SessionLimits(burst_lines=10, lines_per_s=5)
        async with run_balancer(tmp_path, sessions=limits) as here:
            node = await here.node("n1")
            client = await here.client()
            flood = b"".join(b"PING %d\r\n" % number for number in range(5000))
            client.send(flood)

            def passed() -> list[bytes | None]:
                return [line for frame in node.seen(Lines) for line in frame.lines]

            (attach,) = await node.next(Attach)
            await wait_until(lambda: len(passed()) == 10)
            session = here.balancer._exchange.sessions[attach.session]
            await wait_until(lambda: session.is_reading_paused)
            assert len(passed()) == 10
            acknowledged = 0

            def go_on() -> bool:
                nonlocal acknowledged
                if len(passed()) > acknowledged:
                    acknowledged = len(passed())
                    node.show(Reply(attach.session, 1, acknowledged, 0, True, b""))
                return acknowledged == 5000

            await here.sweep_until(go_on, step_s=20.0)
            assert passed() == [b"PING %d" % number for number in range(5000)]

    run(scenario())


def test_a_thousand_silent_connections_disturb_nobody(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            nodes = [await here.node(f"n{number}") for number in (1, 2, 3)]
            host, port = here.addresses.address.split(":")
            with contextlib.ExitStack() as silent:
                loop = asyncio.get_running_loop()
                for _ in range(1000):
                    one = silent.enter_context(socket.socket())
                    one.setblocking(False)
                    await loop.sock_connect(one, (host, int(port)))
                await wait_until(lambda: here.balancer.statistics().sessions == 1000)
                counts = [node.sessions for node in here.balancer.statistics().nodes]
                assert max(counts) - min(counts) <= 1
                talking = await here.client()
                talking.send(b"NICK a\r\n")
                await wait_until(lambda: any(node.seen(Lines) for node in nodes))
                node = next(node for node in nodes if node.seen(Lines))
                number = node.seen(Lines)[0].session
                node.show(Reply(number, 1, 1, 0, True, b"welcome\r\n"))
                assert await talking.line() == b"welcome\r\n"
                for other in nodes:
                    other.frames.clear()
                await here.sweep_until(lambda: here.balancer.statistics().sessions == 1, 5.0)
                await wait_until(lambda: sum(len(other.seen(Detach)) for other in nodes) == 1000)

    run(scenario())


def test_a_refused_connection_is_told_which_limit_it_exceeds(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = ClientLimits(connections_max=3, connections_per_address_max=2, exempt_networks=())
        async with run_balancer(tmp_path, clients=limits) as here:
            await here.node("n1")
            _, second = await here.client(), await here.client()
            await wait_until(lambda: here.balancer.statistics().sessions == 2)
            third = await here.client()
            assert await third.rest() == (
                b"ERROR :Closing link: too many connections from 127.0.0.1: 2 are allowed\r\n"
            )
            second.writer.close()
            await wait_until(lambda: here.balancer.statistics().sessions == 1)
            await here.client()
            await wait_until(lambda: here.balancer.statistics().sessions == 2)
        limits = ClientLimits(connections_max=1)
        async with run_balancer(tmp_path, clients=limits) as here:
            await here.client()
            await wait_until(lambda: here.balancer.statistics().sessions == 1)
            second = await here.client()
            assert await second.rest() == (
                b"ERROR :Closing link: too many connections: 1 are allowed\r\n"
            )
            assert here.balancer.statistics().turned_away == 1

    run(scenario())


def test_a_silent_client_is_pinged_and_closed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            client, _ = await here.registered(node)
            reading = asyncio.create_task(client.line())  # noqa: TID251
            await here.sweep_until(reading.done, 5.0)
            assert reading.result() == b"PING :roost\r\n"
            reading = asyncio.create_task(client.line())  # noqa: TID251
            await here.sweep_until(reading.done, 5.0)
            assert reading.result().startswith(b"ERROR :Ping timeout: ")

    run(scenario())


def test_accepted_sockets_have_keepalive_and_no_delay(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            await here.client()
            await node.next(Attach)
            session = next(iter(here.balancer._exchange.sessions.values()))
            file = session.client._transport._file  # type: ignore[attr-defined]
            copy = socket.socket(fileno=socket.dup(file))
            with contextlib.closing(copy):
                assert copy.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
                assert copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
                assert copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 75

    run(scenario())
