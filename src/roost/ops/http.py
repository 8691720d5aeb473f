"""Health and metrics over HTTP, the same for every kind of process.

    /healthz   200 while the process works at all; restart it when this fails
    /metrics   for Prometheus

A process adds its own routes to the application before it serves it. The pages hold no secrets and
change nothing, but are served only where the operator configures it.
"""

import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterable

from aiohttp import web
from prometheus_client.registry import CollectorRegistry

from roost.ops.metrics import Reading, make_registry, render

REQUEST_BYTES_MAX = 16 * 1024
"""Requests have no bodies; a larger one is refused before it is stored."""
KEEPALIVE_S = 30.0
"""Longer than Prometheus' default of 15 s between two scrapes."""
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
    application: web.Application, host: str, port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve the application, by HTTPS if `tls` is given; yield the port, a free one for 0.

    Raises:
        OSError: the address cannot be listened on.
    """
    runner = web.AppRunner(
        application, access_log=None, keepalive_timeout=KEEPALIVE_S, shutdown_timeout=SHUTDOWN_S
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _healthz(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _metrics(request: web.Request) -> web.Response:
    body, content_type = render(request.app[_REGISTRY])
    return web.Response(body=body, headers={"Content-Type": content_type})
