"""The whole balancer over real sockets, between clients and nodes that do what a test says."""

import asyncio
import contextlib
import json
import socket
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from roost.balancer import Balancer, ClientLimits
from roost.balancer.engine.sessions import SessionLimits
from roost.protocol.trunk import (
    Attach,
    Close,
    Deliver,
    DeliverTo,
    Detach,
    Join,
    Lines,
    Reply,
    Serving,
)
from roost.wire import RefusedPeerError
from support.loops import run, wait_until
from unit.balancer.fakes import hello, status
from unit.balancer.house import FakeNode, House, house, make_config


def test_lines_go_up_and_answers_come_down(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
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


@pytest.mark.parametrize("writes_per_turn", [2, 128])
def test_a_message_reaches_every_member_of_a_group_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes_per_turn: int
) -> None:
    monkeypatch.setattr("roost.balancer.server.WRITES_PER_TURN", writes_per_turn)
    # A sweep would write what a turn has left behind.
    monkeypatch.setattr("roost.balancer.server.SWEEP_S", 3600.0)

    async def scenario() -> None:
        async with house(tmp_path) as here:
            node = await here.node("n1")
            clients = [await here.client() for _ in range(5)]
            sessions = [attach.session for attach in await node.next(Attach, 5)]
            node.show(*(Serving(session, 1) for session in sessions), Join(1, tuple(sessions)))
            for number in range(200):
                node.show(Deliver(1, sessions[0] if number == 7 else 0, b"%d\r\n" % number))
            expected = b"".join(b"%d\r\n" % number for number in range(200))
            for index, client in enumerate(clients):
                async with asyncio.timeout(5):
                    wanted = expected if index else expected.replace(b"\n7\r\n", b"\n")
                    assert await client.reader.readexactly(len(wanted)) == wanted

    run(scenario())


def test_an_endless_line_is_one_line_that_was_too_long(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
            node = await here.node("n1")
            client = await here.client()
            client.send(b"x" * 1_000_000)
            client.send(b"\r\nNICK a\r\n")
            await wait_until(lambda: sum(len(f.lines) for f in node.seen(Lines)) == 2)
            assert [line for f in node.seen(Lines) for line in f.lines] == [None, b"NICK a"]

    run(scenario())


def test_nul_bytes_and_bad_utf8_pass_as_they_are(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
            node = await here.node("n1")
            client = await here.client()
            client.send(b"\0\xff\xfe\r\n")
            (lines,) = await node.next(Lines)
            assert lines.lines == (b"\0\xff\xfe",)

    run(scenario())


def test_a_client_that_waits_is_told_and_served_when_a_node_is_ready(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
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
        async with house(tmp_path) as here:
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
        async with house(tmp_path) as here:
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


def test_a_node_can_close_a_client_which_gets_its_last_line_though_it_still_talks(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
            node = await here.node("n1")
            client, attach = await here.registered(node)
            client.send(b"PRIVMSG #a :x\r\n" * 50)
            node.show(Close(attach.session, 1, b"ERROR :Closing link: bye\r\n"))
            client.send(b"PRIVMSG #a :x\r\n" * 50)
            assert await client.rest() == b"ERROR :Closing link: bye\r\n"

    run(scenario())


def test_a_client_that_never_reads_is_cut_off_and_costs_the_others_nothing(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        limits = ClientLimits(unread_bytes_max=1024 * 1024)
        async with house(tmp_path, clients=limits) as here:
            node = await here.node("n1")
            reading, one = await here.registered(node)
            host, port = here.addresses.address.split(":")
            deaf = socket.create_connection((host, int(port)))
            with contextlib.closing(deaf):
                (two,) = await node.next(Attach)
                node.show(Serving(two.session, 1), Join(1, (one.session, two.session)))
                message = b"x" * 1000 + b"\r\n"
                sent = 0
                with capture_logs() as logs:
                    while not node.seen(Detach):
                        node.show(*[Deliver(1, 0, message)] * 100)
                        async with asyncio.timeout(5):
                            assert len(await reading.reader.readexactly(100_200)) == 100_200
                        sent += 100_200
                        assert sent < 50_000_000
                assert node.seen(Detach) == [Detach(two.session, 1, "SendQ exceeded")]
                (log,) = [log for log in logs if log["event"] == "client-cut-off"]
                assert log["unread_bytes"] > limits.unread_bytes_max
                assert here.balancer.statistics().sessions == 1
                data = await asyncio.to_thread(_read_all, deaf)
                assert data.endswith(
                    b"\r\nERROR :Closing link: SendQ exceeded (1048576 bytes unread)\r\n"
                )

    run(scenario())


def _read_all(connection: socket.socket) -> bytes:
    connection.setblocking(True)
    connection.settimeout(5)
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def test_a_client_that_never_reads_its_end_is_dropped_after_a_while(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
            node = await here.node("n1")
            host, port = here.addresses.address.split(":")
            with contextlib.closing(socket.create_connection((host, int(port)))):
                (attach,) = await node.next(Attach)
                node.show(Close(attach.session, 1, b"ERROR :bye\r\n"))
                await wait_until(lambda: here.balancer.statistics().sessions == 0)
                assert here.balancer.statistics().connections == 1
                await here.sweep_until(lambda: here.balancer.statistics().connections == 0)

    run(scenario())


def test_a_flood_is_slowed_down_and_loses_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = SessionLimits(burst_lines=10, lines_per_s=5)
        async with house(tmp_path, sessions=limits) as here:
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
        async with house(tmp_path) as here:
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


def test_connections_above_the_limits_are_told_which_limit_it_is(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = ClientLimits(connections_max=3, connections_per_address_max=2, exempt_networks=())
        async with house(tmp_path, clients=limits) as here:
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
        async with house(tmp_path, clients=limits) as here:
            await here.client()
            await wait_until(lambda: here.balancer.statistics().sessions == 1)
            second = await here.client()
            assert await second.rest() == (
                b"ERROR :Closing link: too many connections: 1 are allowed\r\n"
            )
            assert here.balancer.statistics().turned_away == 1

    run(scenario())


def test_a_silent_client_is_asked_and_closed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
            node = await here.node("n1")
            client, _ = await here.registered(node)
            reading = asyncio.create_task(client.line())  # noqa: TID251
            await here.sweep_until(reading.done, 5.0)
            assert reading.result() == b"PING :roost\r\n"
            reading = asyncio.create_task(client.line())  # noqa: TID251
            await here.sweep_until(reading.done, 5.0)
            assert reading.result().startswith(b"ERROR :Ping timeout: ")

    run(scenario())


# Trunks


def test_a_frame_that_cannot_be_read_costs_a_node_its_link(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
            node = await here.node("n1")
            with capture_logs() as logs:
                node.connection.send(b"\xc1 this is no frame")
                await wait_until(lambda: node.closed and here.node_state("n1") == "down")
            (log,) = [log for log in logs if log["event"] == "trunk-misused"]
            assert (log["node"], log["log_level"]) == ("n1", "error")
            assert "cannot be read" in log["reason"]

    run(scenario())


@pytest.mark.parametrize(
    ("announcement", "reason"),
    [
        (hello("n1", cluster="other"), "it belongs to cluster 'other', not to 'test'"),
        (hello("n1", protocol=9), "it speaks version 9 of the protocol, we speak 2"),
        (hello("n2"), "it calls itself 'n2', its certificate says 'n1'"),
        (status(), "it did not announce itself first"),
    ],
)
def test_who_announces_itself_wrongly_is_refused(
    tmp_path: Path, announcement: object, reason: str
) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
            with capture_logs() as logs:
                node = await here.link("n1")
                node.say(announcement)  # type: ignore[arg-type]
                await wait_until(lambda: node.closed)
            (log,) = [log for log in logs if log["event"] == "peer-refused"]
            assert log["reason"] == reason
            assert not here.balancer.statistics().nodes

    run(scenario())


def test_a_balancers_certificate_and_a_foreign_one_are_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        foreign = tmp_path / "foreign"
        async with house(tmp_path) as here:
            with capture_logs() as logs:
                node = await here.link("x1", role="balancer")
                await wait_until(lambda: node.closed)
                stranger = House(foreign, here.balancer, here.clock)
                await stranger.open()
                with pytest.raises(RefusedPeerError):
                    await stranger.link("n1")
            assert any(log["event"] == "peer-refused" for log in logs)
            assert not here.balancer.statistics().nodes

    run(scenario())


def test_a_second_node_of_the_same_name_is_refused_and_the_first_stays(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
            first = await here.node("n1")
            second = await here.link("n1")
            second.say(hello("n1"))
            await wait_until(lambda: second.closed)
            assert not first.closed
            assert here.node_state("n1") == "ready"

    run(scenario())


def test_a_peer_that_does_not_announce_itself_is_dropped(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
            node = await here.link("n1")
            await here.sweep_until(lambda: node.closed, 0.5)

    run(scenario())


def test_a_node_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
            hung, well = await here.node("n1"), await here.node("n2")
            hung.is_answering = False
            for _ in range(8):
                here.clock.monotonic += 0.25
                pings = well.pings
                here.balancer.sweep()
                await wait_until(lambda pings=pings: well.pings > pings)  # type: ignore[misc]
            await wait_until(lambda: here.node_state("n1") == "down")
            assert here.node_state("n2") == "ready"
            for _ in range(3):
                await here.client()
            assert len(await well.next(Attach, 3)) == 3
            assert not hung.seen(Attach)

    run(scenario())


# The end, and what can be seen


async def _get(address: str, path: str) -> tuple[int, bytes]:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(5):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split()[1]), body


def test_http_tells_how_the_cluster_is(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
            address = here.addresses.http_address
            assert await _get(address, "/healthz") == (200, b"ok\n")
            assert await _get(address, "/readyz") == (
                503,
                b"0 of 0 nodes are ready, 0 sessions, 0 of them wait\n",
            )
            node = await here.node("n1")
            await here.registered(node)
            await here.node("n2", is_ready=False)
            status_code, body = await _get(address, "/status.json")
            assert status_code == 200
            shown = json.loads(body)
            assert shown["cluster"] == "test"
            (balancer,) = shown["balancers"]
            assert (balancer["name"], balancer["sessions"], balancer["waiting"]) == ("b1", 1, 0)
            assert balancer["address"] == here.addresses.address
            n1, n2 = shown["nodes"]
            assert n1 == {
                "name": "n1",
                "pid": 4001,
                "state": "ready",
                "reason": "",
                "leader": True,
                "position": 10,
                "applied": 9,
                "sessions": 1,
                "neighbours": [{"name": "n9", "rtt_ms": 0.5}],
                "lag_ms": 0.0,
            }
            assert (n2["state"], n2["leader"], n2["neighbours"]) == ("starting", False, [])
            assert (await _get(address, "/readyz"))[0] == 200
            _, metrics = await _get(address, "/metrics")
            assert b"\nroost_balancer_sessions 1.0\n" in metrics
            assert b'\nroost_balancer_node_ready{node="n1"} 1.0\n' in metrics
            assert b"\nroost_balancer_lines_total 1.0\n" in metrics
            code, page = await _get(address, "/")
            assert code == 200
            assert b"status.json" in page

    run(scenario())


def test_the_end_tells_clients_and_waits_for_the_nodes(tmp_path: Path) -> None:
    async def scenario() -> None:
        run_file = tmp_path / "run.json"
        async with house(tmp_path, run_file=run_file, stop_s=5.0) as here:
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


def test_the_end_does_not_wait_for_ever(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path, stop_s=0.05) as here:
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


def test_accepted_sockets_are_kept_alive_and_send_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
            node = await here.node("n1")
            await here.client()
            await node.next(Attach)
            session = next(iter(here.balancer._exchange.sessions.values()))
            raw = session.client._transport.get_extra_info("socket")  # type: ignore[attr-defined]
            copy = socket.socket(fileno=socket.dup(raw.fileno()))
            with contextlib.closing(copy):
                assert copy.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
                assert copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
                assert copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 75

    run(scenario())


def test_what_is_joined_for_one_client_is_not_given_to_another(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
            node = await here.node("n1")
            clients = [await here.registered(node) for _ in range(3)]
            numbers = [attach.session for _, attach in clients]
            items: list[Deliver | DeliverTo | Join] = [Join(1, tuple(numbers))]
            # As many pieces for each, of which some are everybody's and some are one's own.
            for name, number in zip("abc", numbers, strict=True):
                items += [Deliver(1, 0, b"all\r\n"), DeliverTo((number,), name.encode() + b"\r\n")]
            node.show(*items)
            said = [[await client.line() for _ in range(4)] for client, _ in clients]
            assert [b"".join(lines).split() for lines in said] == [
                [b"all", b"a", b"all", b"all"],
                [b"all", b"all", b"b", b"all"],
                [b"all", b"all", b"all", b"c"],
            ]

    run(scenario())


def test_lines_that_wait_for_others_leave_without_any_other_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roost.balancer.server.SWEEP_S", 3600.0)

    async def scenario() -> None:
        async with house(tmp_path, sessions=SessionLimits(lines_per_s=0, burst_lines=500)) as here:
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


def test_a_frame_is_one_write_per_client(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(tmp_path) as here:
            node = await here.node("n1")
            client, attach = await here.registered(node)
            node.show(*[DeliverTo((attach.session,), b"x\r\n") for _ in range(100)])
            async with asyncio.timeout(5):
                assert await client.reader.readexactly(300) == b"x\r\n" * 100
            session = here.balancer._exchange.sessions[attach.session]
            assert not session.client.pieces
            assert not session.client.is_dirty

    run(scenario())
