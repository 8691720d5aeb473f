"""Framed connections over real sockets: who is admitted, and what arrives."""

import asyncio
import contextlib
import datetime as dt
import functools
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from roost.protocol.framing import encode_frames
from roost.wire.authority import Credentials
from roost.wire.connection import FramedConnection, Limits
from roost.wire.endpoints import Listener, connect, serve
from roost.wire.errors import RefusedPeerError
from roost.wire.identity import Identity, admit
from roost.wire.tls import client_context, server_context
from support.credentials import NOW, issue
from support.loops import CancelledLate, pass_turns, run, wait_until
from support.recorders import Recorder, Side


def both_loops(scenario: Callable[[Path], Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run the scenario on uvloop and on asyncio's own loop."""

    @pytest.mark.parametrize("is_uvloop", [True, False])
    def test(tmp_path: Path, is_uvloop: bool) -> None:
        run(scenario(tmp_path), is_uvloop=is_uvloop)

    functools.update_wrapper(test, scenario)
    del test.__wrapped__  # type: ignore[attr-defined]
    return test


def listen(
    credentials: Credentials, side: Side, limits: Limits | None = None
) -> contextlib.AbstractAsyncContextManager[Listener]:
    context = server_context(credentials)
    return serve("127.0.0.1", 0, context, side, admit("test", "node"), limits)


@contextlib.asynccontextmanager
async def pair(
    directory: Path, server_limits: Limits | None = None, client_limits: Limits | None = None
) -> AsyncIterator[tuple[Recorder, Recorder]]:
    """Connect n2 to n1, which listens; yield both handlers, n1's first."""
    server, client = Side(), Side()
    context = client_context(issue(directory, "n2"))
    async with listen(issue(directory, "n1"), server, server_limits) as listener:
        connection = await connect(
            "127.0.0.1", listener.port, context, client, admit("test", "node"), client_limits
        )
        await wait_until(lambda: server.handlers)
        yield server.handlers[0], client.handlers[0]
    await wait_until(lambda: server.handlers[0].reasons)
    connection.abort()
    await wait_until(lambda: client.handlers[0].reasons)


async def dial(listener: Listener, credentials: Credentials, side: Side) -> FramedConnection:
    context = client_context(credentials)
    return await connect("127.0.0.1", listener.port, context, side, admit("test", "node"))


async def refusal_of(listener: Listener, context: ssl.SSLContext) -> None:
    """Connect with any TLS context and wait until the other side has closed."""
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", listener.port, ssl=context, server_hostname="localhost"
        )
        with contextlib.suppress(OSError):
            writer.write(encode_frames([b"let me in"]))
            await reader.read()
        writer.close()


@both_loops
async def test_peers_of_one_cluster_talk_and_know_each_other(directory: Path) -> None:
    async with pair(directory) as (server, client):
        assert server.connection.peer == Identity("test", "node", "n2")
        assert client.connection.peer == Identity("test", "node", "n1")
        client.connection.send(b"hello")
        server.connection.send_many([b"", b"hello " * 50_000])
        await wait_until(lambda: server.bodies and len(client.bodies) == 2)
        assert server.bodies == [b"hello"]
        assert client.bodies == [b"", b"hello " * 50_000]


@both_loops
async def test_close_sends_what_is_queued_first(directory: Path) -> None:
    async with pair(directory) as (server, client):
        client.connection.send(b"x" * 3_000_000)
        client.connection.send(b"last words")
        client.connection.close("done")
        client.connection.send(b"too late")
        await wait_until(lambda: server.reasons and client.reasons)
        assert server.bodies == [b"x" * 3_000_000, b"last words"]
        assert client.reasons == ["done"]


@both_loops
async def test_abort_drops_the_link_and_tells_both_sides_once(directory: Path) -> None:
    async with pair(directory) as (server, client):
        client.connection.abort("enough")
        client.connection.abort("again")
        await wait_until(lambda: server.reasons and client.reasons)
        assert client.reasons == ["enough"]
        assert len(server.reasons) == 1


@both_loops
async def test_frames_of_one_turn_leave_in_one_write(directory: Path) -> None:
    async with pair(directory) as (server, client):
        transport = client.connection._transport
        writes: list[bytes] = []

        class Spy:
            def write(self, data: bytes) -> None:
                writes.append(data)
                transport.write(data)  # type: ignore[union-attr]

            def __getattr__(self, name: str) -> object:
                return getattr(transport, name)

        client.connection._transport = Spy()  # type: ignore[assignment]
        for number in range(100):
            client.connection.send(b"%d" % number)
        await wait_until(lambda: len(server.bodies) == 100)
        assert writes == [encode_frames([b"%d" % number for number in range(100)])]


@both_loops
async def test_a_frame_above_the_limit_drops_the_link(directory: Path) -> None:
    limits = Limits(frame_bytes_max=1000)
    async with pair(directory, server_limits=limits) as (server, client):
        client.connection.send_many([b"x" * 1000])
        await wait_until(lambda: server.bodies)
        client.connection.send_many([b"x" * 1001])
        await wait_until(lambda: server.reasons and client.reasons)
        assert server.bodies == [b"x" * 1000]
        assert "1001 bytes is announced" in server.reasons[0]


@both_loops
async def test_a_body_above_the_limit_is_not_sent(directory: Path) -> None:
    limits = Limits(frame_bytes_max=1000)
    async with pair(directory, client_limits=limits) as (server, client):
        with capture_logs() as logs:
            client.connection.send(b"x" * 1001)
        await wait_until(lambda: server.reasons and client.reasons)
        assert server.bodies == []
        assert [log["event"] for log in logs] == ["frame-too-long"]


@both_loops
async def test_a_peer_that_does_not_read_is_dropped_at_the_limit(directory: Path) -> None:
    limits = Limits(unsent_bytes_max=2_000_000)
    async with pair(directory, server_limits=limits) as (server, client):
        client.connection._transport.pause_reading()  # type: ignore[union-attr]
        sent = 0
        while not server.connection.is_closing:
            server.connection.send(bytes(100_000))
            sent += 100_000
            assert server.connection.unsent_bytes <= 2_000_000
            assert sent < 100_000_000, "the limit is not kept"
            await pass_turns()
        await wait_until(lambda: server.reasons)
        assert "left more than 2000000 bytes unread" in server.reasons[0]


@both_loops
async def test_a_slow_peer_gets_everything_in_order(directory: Path) -> None:
    async with pair(directory) as (server, client):
        client.connection._transport.pause_reading()  # type: ignore[union-attr]
        bodies = [b"%d" % number * 10_000 for number in range(500)]
        server.connection.send_many(bodies)
        await wait_until(lambda: server.connection.unsent_bytes < sum(map(len, bodies)))
        client.connection._transport.resume_reading()  # type: ignore[union-attr]
        await wait_until(lambda: len(client.bodies) == 500)
        assert client.bodies == bodies


@both_loops
async def test_listener_drops_its_connections_when_it_ends(directory: Path) -> None:
    async with pair(directory) as (server, client):
        pass
    await wait_until(lambda: server.reasons and client.reasons)
    assert server.reasons == ["this process is stopping"]


@both_loops
async def test_a_certificate_of_another_authority_is_refused(directory: Path) -> None:
    server, client = Side(), Side()
    foreign = issue(directory / "foreign", "n2")
    blind = Credentials(
        authority=issue(directory, "n1").authority,
        certificate=foreign.certificate,
        key=foreign.key,
    )
    with capture_logs() as logs:
        async with listen(issue(directory, "n1"), server) as listener:
            await refusal_of(listener, client_context(blind))
            await wait_until(lambda: logs)
            with pytest.raises(RefusedPeerError, match="its certificate is not acceptable"):
                await dial(listener, foreign, client)
    assert server.handlers == []
    assert client.handlers == []
    assert logs[0]["event"] == "peer-refused"
    assert logs[0]["log_level"] == "warning"
    assert logs[0]["address"].startswith("127.0.0.1:")
    assert "its certificate is not acceptable" in logs[0]["reason"]


@both_loops
async def test_an_expired_certificate_is_refused(directory: Path) -> None:
    server = Side()
    n1, n2 = issue(directory, "n1"), issue(directory, "n2")
    expired = Credentials(authority=n1.authority, certificate=_expired(directory, n2), key=n2.key)
    with capture_logs() as logs:
        async with listen(n1, server) as listener:
            await refusal_of(listener, client_context(expired))
            await wait_until(lambda: logs)
    assert server.handlers == []
    assert "certificate has expired" in logs[0]["reason"]


@both_loops
async def test_an_expired_server_is_refused_by_who_dials(directory: Path) -> None:
    n1, client = issue(directory, "n1"), Side()
    expired = Credentials(authority=n1.authority, certificate=_expired(directory, n1), key=n1.key)
    async with listen(expired, Side()) as listener:
        with pytest.raises(RefusedPeerError, match="certificate has expired"):
            await dial(listener, issue(directory, "n2"), client)
    assert client.handlers == []


def _expired(directory: Path, credentials: Credentials) -> Path:
    """Return an expired certificate of the same key."""
    certificate = credentials.certificate
    valid = certificate.read_bytes()
    certificate.unlink()
    name = certificate.stem.removeprefix("node-")
    with contextlib.suppress(Exception):
        issue(directory, name, now=NOW - dt.timedelta(days=3), days=1)
    expired = certificate.with_name("expired.pem")
    certificate.rename(expired)
    certificate.write_bytes(valid)
    return expired


@both_loops
async def test_no_certificate_is_refused(directory: Path) -> None:
    server = Side()
    credentials = issue(directory, "n1")
    context = ssl.create_default_context(cafile=str(credentials.authority))
    with capture_logs() as logs:
        async with listen(credentials, server) as listener:
            await refusal_of(listener, context)
            await wait_until(lambda: logs)
    assert server.handlers == []
    assert logs[0]["reason"] == "it showed no certificate"


@both_loops
async def test_a_role_that_is_not_wanted_is_refused_by_name(directory: Path) -> None:
    server = Side()
    with capture_logs() as logs:
        async with listen(issue(directory, "n1"), server) as listener:
            await refusal_of(listener, client_context(issue(directory, "b1", "balancer")))
            await wait_until(lambda: logs)
    assert server.handlers == []
    assert logs[0]["peer"] == "roost://test/balancer/b1"
    assert "it is a balancer, a node is wanted here" in logs[0]["reason"]


@both_loops
async def test_another_clusters_name_is_refused_even_under_our_authority(directory: Path) -> None:
    server, client = Side(), Side()
    node = issue(directory, "n1")
    other = server_context(node)
    async with serve("127.0.0.1", 0, other, server, admit("elsewhere", "node")) as listener:
        connection = await dial(listener, issue(directory, "n2"), client)
        await wait_until(lambda: connection.is_closing)
    assert server.handlers == []


@both_loops
async def test_an_older_tls_is_refused(directory: Path) -> None:
    server = Side()
    context = client_context(issue(directory, "n2"))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with capture_logs() as logs:
        async with listen(issue(directory, "n1"), server) as listener:
            await refusal_of(listener, context)
            await wait_until(lambda: logs)
    assert server.handlers == []
    assert logs[0]["reason"] == "it does not speak TLS 1.3"


@both_loops
async def test_garbage_is_refused_with_one_line_per_address(directory: Path) -> None:
    server = Side()
    with capture_logs() as logs:
        async with listen(issue(directory, "n1"), server) as listener:
            for garbage in (b"NICK alice\r\nUSER a 0 * :a\r\n", b"\x00" * 500, b"GET / HTTP/1.1"):
                reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
                writer.write(garbage)
                with contextlib.suppress(OSError):
                    await reader.read()
                writer.close()
            await dial(listener, issue(directory, "n2"), Side())
            await wait_until(lambda: server.handlers)
    assert [log["event"] for log in logs] == ["peer-refused"]
    assert logs[0]["reason"] == "it does not speak TLS"


@both_loops
async def test_a_handshake_that_does_not_end_is_given_up(directory: Path) -> None:
    server = Side()
    with capture_logs() as logs:
        limits = Limits(handshake_s=0.05)
        async with listen(issue(directory, "n1"), server, limits) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            with contextlib.suppress(OSError):
                assert await reader.read() == b""
            writer.close()
            await wait_until(lambda: logs)
    assert "longer than" in logs[0]["reason"]


@both_loops
async def test_too_many_handshakes_at_once_are_refused(directory: Path) -> None:
    server = Side()
    with capture_logs() as logs:
        limits = Limits(handshakes_max=1)
        async with listen(issue(directory, "n1"), server, limits) as listener:
            first = await asyncio.open_connection("127.0.0.1", listener.port)
            await wait_until(lambda: listener.handshake_count == 1)
            second = await asyncio.open_connection("127.0.0.1", listener.port)
            with contextlib.suppress(OSError):
                assert await second[0].read() == b""
            first[1].close()
            second[1].close()
    assert "handshakes are under way already" in logs[0]["reason"]


def test_nobody_listening_is_an_os_error(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with listen(issue(tmp_path, "n1"), Side()) as listener:
            pass
        with pytest.raises(OSError, match="refused"):
            await dial(listener, issue(tmp_path, "n2"), Side())

    run(scenario())


def test_a_handlers_own_error_is_not_hidden(tmp_path: Path) -> None:
    class Broken(Recorder):
        def on_frame(self, body: bytes) -> None:
            raise LookupError(body.decode())

    async def scenario() -> None:
        errors: list[BaseException | None] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: errors.append(context.get("exception")))
        async with serve(
            "127.0.0.1", 0, server_context(issue(tmp_path, "n1")), Broken, admit("test", "node")
        ) as listener:
            connection = await dial(listener, issue(tmp_path, "n2"), Side())
            connection.send(b"surprise")
            await wait_until(lambda: errors)
        assert isinstance(errors[0], LookupError)

    run(scenario())


def test_a_dial_that_is_cancelled_as_its_handshake_ends_leaves_no_half_open_connection(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        errors: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: errors.append(context))
        server, client = Side(), Side()
        async with listen(issue(tmp_path, "n1"), server) as listener:
            dialling = dial(listener, issue(tmp_path, "n2"), client)
            with pytest.raises(asyncio.CancelledError):
                await CancelledLate(dialling, lambda: client.handlers)
            client.handlers[0].connection.send(b"a greeting")
            await wait_until(lambda: server.handlers and server.handlers[0].reasons)
        assert errors == []
        assert client.handlers[0].reasons == ["the dial was cancelled"]

    run(scenario())
