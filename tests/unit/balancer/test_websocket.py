"""Clients over WebSocket and a real balancer.

Source: ircv3.net/specs/extensions/websocket.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from roost.balancer import ClientLimits
from roost.balancer.engine.session_values import SessionLimits
from roost.protocol.trunk import Attach, Close, Deliver, Detach, Join, Lines, Reply, Serving
from support.loops import run, wait_until
from support.tls_files import self_signed, trusting
from unit.balancer.running import FakeNode, RunningBalancer, run_balancer

TEXT, BINARY = "text.ircv3.net", "binary.ircv3.net"


@asynccontextmanager
async def websocket(
    here: RunningBalancer,
    *protocols: str,
    context: ssl.SSLContext | None = None,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Connect, and close at the end of the context."""
    address = here.addresses.https_address if context else here.addresses.http_address
    url = f"{'https' if context else 'http'}://{address}/irc"
    async with (
        aiohttp.ClientSession() as session,
        asyncio.timeout(10),
        session.ws_connect(
            url,
            protocols=protocols,
            headers=headers,
            ssl=context or True,
            server_hostname="localhost" if context else None,
        ) as client,
    ):
        yield client


async def refused(
    here: RunningBalancer, headers: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Return the response that refuses a connection."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with websocket(here, TEXT, headers=headers):
            pass
    return caught.value.status, caught.value.message


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ((TEXT,), TEXT),
        ((BINARY,), BINARY),
        ((BINARY, TEXT), BINARY),
        ((TEXT, BINARY), TEXT),
        (("kiwi", TEXT), TEXT),
        ((), None),
    ],
)
def test_the_client_prefers_and_each_line_is_one_message_without_its_end(
    tmp_path: Path, asked: tuple[str, ...], chosen: str | None
) -> None:
    """The server MUST accept any subprotocol it supports, respecting the client's order of
    preference. [...] each message MUST consist of a single IRC line, except that servers and
    clients MUST NOT include trailing `\\r` or `\\n` characters in the message.
    """

    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            async with websocket(here, *asked) as client:
                assert client.protocol == chosen
                await client.send_str("NICK a")
                await client.send_bytes(b"USER a 0 * :A\r\n")
                (attach,) = await node.next(Attach)
                assert (attach.address, attach.is_secure) == ("127.0.0.1", False)
                await wait_until(lambda: sum(len(f.lines) for f in node.seen(Lines)) == 2)
                lines = [line for frame in node.seen(Lines) for line in frame.lines]
                assert lines == [b"NICK a", b"USER a 0 * :A"]
                node.show(Reply(attach.session, 1, 2, 0, True, b":r 001 a :hi\r\n:r 002 a :ho\r\n"))
                if chosen == BINARY:
                    assert await client.receive_bytes() == b":r 001 a :hi"
                    assert await client.receive_bytes() == b":r 002 a :ho"
                else:
                    assert await client.receive_str() == ":r 001 a :hi"
                    assert await client.receive_str() == ":r 002 a :ho"

    run(scenario())


async def joined(node: FakeNode, count: int = 1) -> list[int]:
    """Deliver messages of group 1 to sessions."""
    sessions = [attach.session for attach in await node.next(Attach, count)]
    node.show(*(Serving(session, 1) for session in sessions), Join(1, tuple(sessions)))
    return sessions


def test_text_clients_never_get_what_is_not_utf8_and_binary_clients_get_it_as_it_is(
    tmp_path: Path,
) -> None:
    """Servers MUST NOT relay non-UTF-8 content to clients using text messages [...]. Servers MAY
    replace non-UTF-8 bytes with the UTF-8 encoding of the Unicode replacement character.
    """

    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            async with websocket(here, TEXT) as text, websocket(here, BINARY) as binary:
                await joined(node, 2)
                node.show(Deliver(1, 0, ":a PRIVMSG #b :fü".encode() + b"\xff!\r\n"))
                assert await text.receive_str() == ":a PRIVMSG #b :fü\N{REPLACEMENT CHARACTER}!"
                assert await binary.receive_bytes() == ":a PRIVMSG #b :fü".encode() + b"\xff!"

    run(scenario())


@pytest.mark.parametrize("size", [1, 125, 126, 4000, 65535, 65536])
def test_lines_of_every_length_arrive_whole(tmp_path: Path, size: int) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            async with websocket(here, TEXT) as client:
                await joined(node)
                node.show(Deliver(1, 0, b"x" * size + b"\r\n"))
                assert await client.receive_str() == "x" * size

    run(scenario())


def test_a_line_that_is_too_long_is_one_that_was_too_long_and_an_endless_one_closes(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            async with websocket(here, TEXT) as client:
                await client.send_str("x" * 5000)
                await client.send_str("NICK a")
                await wait_until(lambda: sum(len(f.lines) for f in node.seen(Lines)) == 2)
                assert [line for f in node.seen(Lines) for line in f.lines] == [None, b"NICK a"]
                await client.send_str("x" * 20_000)
                message = await client.receive()
                assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1009)

    run(scenario())


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        ("http://HOST", True),
        ("https://HOST", True),
        ("https://chat.example.org", True),
        ("https://CHAT.example.org", True),
        ("http://chat.example.org", False),
        ("https://evil.example.org", False),
        ("null", False),
        ("http://[", False),
    ],
)
def test_pages_from_elsewhere_may_not_connect(tmp_path: Path, origin: str, is_let_in: bool) -> None:
    async def scenario() -> None:
        origins = ("https://chat.example.org",)
        async with run_balancer(tmp_path, websocket_origins=origins) as here:
            said = origin.replace("HOST", here.addresses.http_address)
            if is_let_in:
                async with websocket(here, TEXT, headers={"Origin": said}):
                    await wait_until(lambda: here.balancer.statistics().sessions == 1)
            else:
                status, _ = await refused(here, {"Origin": said})
                assert status == 403
                assert here.balancer.statistics().connections == 0

    run(scenario())


def test_the_limits_are_the_same_as_for_sockets(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = ClientLimits(connections_per_address_max=1, exempt_networks=())
        async with run_balancer(tmp_path, clients=limits) as here:
            async with websocket(here, TEXT):
                assert (await refused(here))[0] == 429
                assert here.balancer.statistics().turned_away == 1
            await wait_until(lambda: here.balancer.statistics().connections == 0)
            async with websocket(here, TEXT):
                pass

    run(scenario())


def test_a_client_that_does_not_read_is_cut_off(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = ClientLimits(unread_bytes_max=256 * 1024)
        async with run_balancer(tmp_path, clients=limits) as here:
            node = await here.node("n1")
            async with websocket(here, TEXT):
                await joined(node)

                def flood() -> bool:
                    node.show(Deliver(1, 0, b"x" * 60_000 + b"\r\n"))
                    return here.balancer.statistics().cut_off == 1

                await wait_until(flood)
                gone = lambda: here.balancer.statistics().connections == 0  # noqa: E731
                await here.sweep_until(gone, step_s=1.0)

    run(scenario())


def test_a_slow_reader_gets_everything(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            async with websocket(here, TEXT) as client:
                await joined(node)
                for number in range(60):
                    node.show(Deliver(1, 0, b"%02d" % number + b"x" * 50_000 + b"\r\n"))
                for number in range(60):
                    assert (await client.receive_str())[:2] == f"{number:02}"

    run(scenario())


def test_a_client_above_its_rate_is_read_more_slowly(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = SessionLimits(burst_lines=5, lines_per_s=1.0)
        async with run_balancer(tmp_path, sessions=limits) as here:
            node = await here.node("n1")
            async with websocket(here, TEXT) as client:
                for number in range(20):
                    await client.send_str(f"PING {number}")

                def count() -> int:
                    return sum(len(frame.lines) for frame in node.seen(Lines))

                await wait_until(lambda: count() == 5)
                await here.sweep_until(lambda: count() == 20, step_s=0.5)
                assert here.clock.monotonic >= 1000 + 14

    run(scenario())


def test_a_node_can_close_a_client_and_a_client_that_goes_is_detached(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            async with websocket(here, TEXT) as client:
                (attach,) = await node.next(Attach)
                node.show(Close(attach.session, 1, b"ERROR :bye\r\n"))
                assert await client.receive_str() == "ERROR :bye"
                message = await client.receive()
                assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1000)
            async with websocket(here, TEXT) as client:
                (attach,) = await node.next(Attach)
            (detach,) = await node.next(Detach)
            assert (detach.session, detach.reason) == (attach.session, "Connection closed")
            await wait_until(lambda: here.balancer.statistics().connections == 0)

    run(scenario())


def test_a_client_whose_node_dies_goes_on_with_another(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            first = await here.node("n1")
            async with websocket(here, TEXT) as client:
                await client.send_str("NICK a")
                await wait_until(first.has_spoken)
                attach = await first.register()
                assert await client.receive_str() == ":roost.local 001 a :hi"
                second = await here.node("n2")
                first.connection.abort()
                (again,) = await second.next(Attach)
                assert (again.session, again.generation) == (attach.session, 2)

    run(scenario())


def test_https_and_proxies_are_supported(tmp_path: Path) -> None:
    async def scenario() -> None:
        files = self_signed(tmp_path, "server")
        changes: dict[str, Any] = {"tls": files, "tls_port": 0, "https_port": 0}
        async with run_balancer(
            tmp_path, proxy_from=("127.0.0.0/8", "10.0.0.0/8"), **changes
        ) as here:
            node = await here.node("n1")
            for forwarded, proto, expected in (
                ("192.0.2.1", "https", ("192.0.2.1", True)),
                ("6.6.6.6, 192.0.2.1, 10.0.0.7", "http", ("192.0.2.1", False)),
                ("garbage", "https", ("127.0.0.1", True)),
            ):
                headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": proto}
                async with websocket(here, TEXT, headers=headers):
                    (attach,) = await node.next(Attach)
                    assert (attach.address, attach.is_secure) == expected
        async with run_balancer(tmp_path, **changes) as here:
            node = await here.node("n1")
            headers = {"X-Forwarded-For": "192.0.2.1"}
            async with websocket(here, TEXT, context=trusting(files), headers=headers):
                (attach,) = await node.next(Attach)
                assert (attach.address, attach.is_secure) == ("127.0.0.1", True)

    run(scenario())


def test_a_plain_request_is_told_to_upgrade(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here, aiohttp.ClientSession() as session:
            async with session.get(f"http://{here.addresses.http_address}/irc") as response:
                assert (response.status, response.headers["Upgrade"]) == (426, "websocket")
            async with session.get(f"http://{here.addresses.http_address}/healthz") as response:
                assert response.status == 200

    run(scenario())


UPGRADE = (
    "GET /irc HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.mark.parametrize("is_early", [True, False])
def test_a_frame_that_is_not_masked_closes_the_connection(tmp_path: Path, is_early: bool) -> None:
    """The server MUST close the connection upon receiving a frame that is not masked. In this case,
    a server MAY send a Close frame with a status code of 1002 (protocol error)."""

    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            node = await here.node("n1")
            host, _, port = here.addresses.http_address.rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            masked = b"\x81\x86\x00\x00\x00\x00NICK a"
            unmasked = b"\x81\x06NICK b"
            request = UPGRADE.format(host=here.addresses.http_address).encode()
            async with asyncio.timeout(10):
                if is_early:
                    writer.write(request + unmasked)
                else:
                    writer.write(request)
                    head = await reader.readuntil(b"\r\n\r\n")
                    assert b" 101 " in head
                    writer.write(masked)
                    await wait_until(lambda: node.seen(Lines))
                    writer.write(masked[:3])
                    writer.write(masked[3:] + unmasked)
                assert (await reader.read()).endswith(b"\x88\x02\x03\xea")
            writer.close()
            lines = [line for frame in node.seen(Lines) for line in frame.lines]
            assert b"NICK b" not in lines
            await wait_until(lambda: not here.balancer.statistics().connections)

    run(scenario())


def test_websockets_are_counted_as_clients_and_not_as_http(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = ClientLimits(http_connections_max=1)
        async with run_balancer(tmp_path, clients=limits) as here:
            await here.node("n1")
            async with (
                websocket(here, TEXT) as first,
                websocket(here, TEXT) as second,
                websocket(here, TEXT) as third,
            ):
                assert here.balancer.statistics().connections == 3
                for client in (first, second, third):
                    assert not client.closed

    run(scenario())
