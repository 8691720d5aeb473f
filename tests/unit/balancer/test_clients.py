"""How clients are read and written to, over real sockets."""

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from roost.balancer import ClientLimits
from roost.balancer.engine.outbox import WRITE_BYTES_MAX
from roost.balancer.engine.sessions import Client
from roost.balancer.engine.writing import write_some
from roost.protocol.trunk import (
    Attach,
    Close,
    Deliver,
    DeliverTo,
    Detach,
    Join,
    Lines,
    Serving,
)
from support.loops import run, wait_until
from unit.balancer.running import run_balancer


@pytest.mark.parametrize("writes_per_turn", [2, 128])
def test_a_message_reaches_every_member_of_a_group_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes_per_turn: int
) -> None:
    monkeypatch.setattr("roost.balancer.engine.writing.WRITES_PER_TURN", writes_per_turn)
    # A sweep would write what a turn has left over.
    monkeypatch.setattr("roost.balancer.engine.ticking.TICK_S", 3600.0)

    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
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
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            client = await here.client()
            client.send(b"x" * 1_000_000)
            client.send(b"\r\nNICK a\r\n")
            await wait_until(lambda: sum(len(f.lines) for f in node.seen(Lines)) == 2)
            assert [line for f in node.seen(Lines) for line in f.lines] == [None, b"NICK a"]

    run(scenario())


def test_nul_bytes_and_bad_utf8_pass_as_they_are(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            client = await here.client()
            client.send(b"\0\xff\xfe\r\n")
            (lines,) = await node.next(Lines)
            assert lines.lines == (b"\0\xff\xfe",)

    run(scenario())


def test_a_node_can_close_a_client_which_gets_its_last_line_though_it_still_talks(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
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
        async with run_balancer(tmp_path, clients=limits) as here:
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


def test_a_client_that_does_not_read_its_last_line_is_dropped_after_a_while(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            host, port = here.addresses.address.split(":")
            with contextlib.closing(socket.create_connection((host, int(port)))):
                (attach,) = await node.next(Attach)
                node.show(Close(attach.session, 1, b"ERROR :bye\r\n"))
                await wait_until(lambda: here.balancer.statistics().sessions == 0)
                assert here.balancer.statistics().connections == 1
                await here.sweep_until(lambda: here.balancer.statistics().connections == 0)

    run(scenario())


def test_a_client_that_hung_up_and_never_reads_is_dropped_after_a_while(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            host, port = here.addresses.address.split(":")
            with contextlib.closing(socket.create_connection((host, int(port)))) as deaf:
                (attach,) = await node.next(Attach)
                node.show(Serving(attach.session, 1))
                session = here.balancer._exchange.sessions[attach.session]

                def is_full() -> bool:
                    node.show(DeliverTo((attach.session,), b"x" * 60_000 + b"\r\n"))
                    return session.client.unread_bytes > 0  # type: ignore[attr-defined, no-any-return]

                await wait_until(is_full)
                deaf.shutdown(socket.SHUT_WR)
                await here.sweep_until(lambda: here.balancer.statistics().connections == 0, 5.0)

    run(scenario())


def test_what_is_joined_for_one_client_is_not_given_to_another(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            clients = [await here.registered(node) for _ in range(3)]
            numbers = [attach.session for _, attach in clients]
            items: list[Deliver | DeliverTo | Join] = [Join(1, tuple(numbers))]
            # Each gets as many pieces: some are for everybody, one is its own.
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


def test_a_frame_is_one_write_per_client(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            client, attach = await here.registered(node)
            node.show(*[DeliverTo((attach.session,), b"x\r\n") for _ in range(100)])
            async with asyncio.timeout(5):
                assert await client.reader.readexactly(300) == b"x\r\n" * 100
            session = here.balancer._exchange.sessions[attach.session]
            assert not session.client.pieces
            assert not session.client.is_dirty

    run(scenario())


def test_what_is_too_much_for_one_write_is_written_in_several_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    def write_and_note(dirty: list[Client]) -> int:
        written.append(write_some(dirty))
        return written[-1]

    monkeypatch.setattr("roost.balancer.turns.write_some", write_and_note)

    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            client, attach = await here.registered(node)
            lines = [b"%06d %s\r\n" % (number, b"x" * 990) for number in range(3000)]
            node.show(*[DeliverTo((attach.session,), line) for line in lines])
            async with asyncio.timeout(10):
                wanted = b"".join(lines)
                assert await client.reader.readexactly(len(wanted)) == wanted
            assert 0 < max(written) <= WRITE_BYTES_MAX
            assert not here.balancer._exchange.relay.dirty

    run(scenario())
