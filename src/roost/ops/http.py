"""Health and metrics over HTTP, the same for every kind of process.

    /healthz   200 while the process works at all; restart it when this fails
    /metrics   for Prometheus

A process adds its own routes to the application before it serves it. The pages hold no secrets and
change nothing, but are served only where the operator configures it.
"""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable

from aiohttp import web
from prometheus_client.registry import CollectorRegistry

from roost.ops.http_connections import HttpConnections
from roost.ops.metrics import Reading, make_registry, render

REQUEST_BYTES_MAX = 16 * 1024
"""Requests have no bodies; a larger one is refused before it is stored."""
KEEPALIVE_S = 30.0
"""How long a connection may be without a request, before the first one and between two. Longer than
Prometheus' default of 15 s between two scrapes."""
BACKLOG = 128
"""Connections that the system accepts while this process is busy."""
SHUTDOWN_S = 0.2
"""How long an open request may delay the end of the process."""

_REGISTRY: web.AppKey[CollectorRegistry] = web.AppKey("registry", CollectorRegistry)


def make_application(read: Callable[[], Iterable[Reading]]) -> web.Application:
    """Return an application with `/healthz` and `/metrics`; `read` returns the metrics."""
    application = web.Application(client_max_size=REQUEST_BYTES_MAX)
    application[_REGISTRY] = make_registry(read)
    application.router.add_get("/healthz", _healthz)
    application.router.add_get("/metrics", _metrics)
    return application


@contextlib.asynccontextmanager
async def serve(
    application: web.Application,
    host: str,
    port: int,
    tls: ssl.SSLContext | None = None,
    connections: HttpConnections | None = None,
) -> AsyncIterator[int]:
    """Serve the application, by HTTPS if `tls` is given; yield the port, a free one for 0.

    Raises:
        OSError: the address cannot be listened on.
    """
    runner = web.AppRunner(
        application, access_log=None, keepalive_timeout=KEEPALIVE_S, shutdown_timeout=SHUTDOWN_S
    )
    await runner.setup()
    server = runner.server
    assert server is not None, "set up"
    loop = asyncio.get_running_loop()
    # Not a task group, which would wrap what is raised in the context.
    tasks: set[asyncio.Task[None]] = set()

    def run(work: Coroutine[None, None, None]) -> None:
        task = loop.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    counted = connections or HttpConnections()
    try:
        with contextlib.ExitStack() as stack:
            listening = await _listen(stack, host, port)
            for one in listening:
                run(counted.accept(one, server, tls, run))
            try:
                yield listening[0].getsockname()[1]
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await runner.cleanup()


async def _listen(stack: contextlib.ExitStack, host: str, port: int) -> list[socket.socket]:
    """Listen on all addresses of a host; `stack` closes the sockets."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    sockets: list[socket.socket] = []
    for family, name in dict.fromkeys((family, name) for family, _, _, _, name in found):
        listening = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            listening.bind(name)
            listening.listen(BACKLOG)
        except OSError as error:
            text = f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}"
            raise OSError(error.errno, text) from error
        sockets.append(listening)
        if port == 0:
            break
    return sockets


async def _healthz(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _metrics(request: web.Request) -> web.Response:
    body, content_type = render(request.app[_REGISTRY])
    return web.Response(body=body, headers={"Content-Type": content_type})
