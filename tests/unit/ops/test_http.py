"""Health and metrics answer over HTTP."""

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from roost.ops.http import make_application, serve
from roost.ops.http_connections import HttpConnections
from roost.ops.metrics import Reading
from support.loops import run, wait_until
from support.tls_files import self_signed


def _read() -> list[Reading]:
    return [Reading(name="roost_up", value=1, documentation="One.")]


async def _get(port: int, path: str) -> tuple[int, str, str]:
    url = f"http://127.0.0.1:{port}{path}"
    async with aiohttp.ClientSession() as client, client.get(url) as response:
        return response.status, response.headers["Content-Type"], await response.text()


def test_a_free_port_is_given_and_health_is_answered() -> None:
    async def scenario() -> tuple[int, str, str]:
        async with serve(make_application(_read), "127.0.0.1", 0) as port:
            assert port > 0
            return await _get(port, "/healthz")

    status, _, text = asyncio.run(scenario())
    assert (status, text) == (200, "ok\n")


def test_metrics_are_what_prometheus_reads() -> None:
    async def scenario() -> tuple[int, str, str]:
        async with serve(make_application(_read), "127.0.0.1", 0) as port:
            return await _get(port, "/metrics")

    status, content_type, text = asyncio.run(scenario())
    assert status == 200
    assert content_type.startswith("text/plain; version=")
    assert "roost_up 1.0" in text


def test_a_process_adds_routes_of_its_own() -> None:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def scenario() -> tuple[int, str, str]:
        application = make_application(_read)
        application.router.add_get("/hello", hello)
        async with serve(application, "127.0.0.1", 0) as port:
            return await _get(port, "/hello")

    assert asyncio.run(scenario())[2] == "hello"


def test_a_port_in_use_is_an_error() -> None:
    async def scenario() -> None:
        async with (
            serve(make_application(_read), "127.0.0.1", 0) as port,
            serve(make_application(_read), "127.0.0.1", port),
        ):
            raise AssertionError("the second server started")

    with pytest.raises(OSError, match="in use"):
        asyncio.run(scenario())


async def _ask(port: int) -> bytes:
    """Return the beginning of an answer; nothing if the connection is closed at once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(10):
            return (await reader.read())[:15]
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("is_uvloop", [True, False])
@pytest.mark.parametrize("is_tls", [True, False])
@pytest.mark.parametrize(
    ("total_max", "per_address_max", "exempt", "accepted"),
    [(3, 9, (), 3), (9, 3, (), 3), (9, 3, ("127.0.0.0/8",), 9)],
)
def test_idle_connections_are_bounded_in_all_and_per_address(
    tmp_path: Path,
    is_uvloop: bool,
    is_tls: bool,
    total_max: int,
    per_address_max: int,
    exempt: tuple[str, ...],
    accepted: int,
) -> None:
    async def scenario() -> None:
        tls = None
        if is_tls:
            # Connections that never begin their handshake count, too.
            files = self_signed(tmp_path, "server")
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            assert files.certificate is not None
            tls.load_cert_chain(files.certificate, files.key)
        connections = HttpConnections(
            total_max=total_max, per_address_max=per_address_max, exempt=exempt
        )
        async with serve(make_application(_read), "127.0.0.1", 0, tls, connections) as port:
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(accepted)]
            await wait_until(lambda: connections.total == accepted)
            assert await _ask(port) == b""
            assert connections.total == accepted
            idle.pop()[1].close()
            await wait_until(lambda: connections.total == accepted - 1)
            if not is_tls:
                assert await _ask(port) == b"HTTP/1.1 200 OK"
                await wait_until(lambda: connections.total == accepted - 1)
            for _, writer in idle:
                writer.close()
            await wait_until(lambda: connections.total == 0)

    run(scenario(), is_uvloop=is_uvloop)
