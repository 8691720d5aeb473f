"""Health and metrics answer over HTTP."""

import asyncio

import aiohttp
import pytest
from aiohttp import web

from roost.ops.http import make_application, serve
from roost.ops.metrics import Reading


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
