"""The balancer over HTTP.

/             a live page for people
/healthz      200 while the process works
/readyz       200 while at least one node is ready and serves this balancer
/metrics      for Prometheus
/status.json  the cluster, for programs
/irc          IRC over WebSocket
"""

from collections.abc import Awaitable, Callable
from importlib import resources

from aiohttp import web

from roost.balancer import websocket
from roost.balancer.engine.statistics import Statistics
from roost.balancer.metrics import readings
from roost.ops.http import make_application

_PAGE_HEADERS = {
    # The page is self-contained: it loads nothing from elsewhere, and no other page may frame it.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        "connect-src 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def make_status_application(
    read: Callable[[], Statistics],
    serve_irc: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> web.Application:
    """Return the HTTP application; `read` returns the statistics, `serve_irc` serves clients."""
    page = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")

    async def show_page(_request: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html", headers=_PAGE_HEADERS)

    async def show_status(_request: web.Request) -> web.Response:
        return web.json_response(read().to_json(), headers={"Cache-Control": "no-store"})

    async def show_readiness(_request: web.Request) -> web.Response:
        statistics = read()
        text = (
            f"{statistics.nodes_ready} of {len(statistics.nodes)} nodes are ready, "
            f"{statistics.sessions} sessions, {statistics.waiting} of them wait\n"
        )
        text += "".join(f"{problem}\n" for problem in statistics.problems)
        return web.Response(text=text, status=200 if statistics.is_ready else 503)

    application = make_application(lambda: readings(read()))
    application.router.add_get("/", show_page)
    application.router.add_get("/status.json", show_status)
    application.router.add_get("/readyz", show_readiness)
    application.router.add_get(websocket.PATH, serve_irc)
    return application
