"""The balancer over HTTP.

/             a live page for people
/healthz      200 while the process works
/readyz       200 while at least one node is ready and serves this balancer
/metrics      for Prometheus
/status.json  the cluster, for programs
/activity.json  what the live page shows beside: the last hour, events, rooms, how to connect
/docs/        the guides, as plain text
/irc          IRC over WebSocket
"""

from collections.abc import Awaitable, Callable
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from aiohttp import web

from roost.balancer import websocket
from roost.balancer.engine.statistics import Statistics
from roost.balancer.metrics import readings
from roost.ops.http import make_application

_PAGE_HEADERS = {
    # The page is self-contained: it loads nothing from elsewhere, and no other page may frame it.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        "connect-src 'self'; img-src data:; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_PLAIN_HEADERS = {"X-Content-Type-Options": "nosniff"}


def find_guides() -> dict[str, Traversable]:
    """Return the guides by name: those of the package, or of the checkout that this runs from."""
    packaged = resources.files("roost").joinpath("docs")
    folder = packaged if packaged.is_dir() else Path(__file__).parents[3] / "docs"
    if not folder.is_dir():
        return {}
    return {one.name: one for one in folder.iterdir() if one.name.endswith(".md")}


def make_status_application(
    read: Callable[[], Statistics],
    read_activity: Callable[[], dict[str, Any]],
    serve_irc: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> web.Application:
    """Return the HTTP application; `serve_irc` serves clients.

    `read` returns the statistics, `read_activity` the content of `/activity.json`.
    """
    guides = find_guides()
    page = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")

    async def show_page(_request: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html", headers=_PAGE_HEADERS)

    async def show_status(_request: web.Request) -> web.Response:
        return web.json_response(read().to_json(), headers={"Cache-Control": "no-store"})

    async def show_activity(_request: web.Request) -> web.Response:
        content = {**read_activity(), "docs": sorted(guides)}
        return web.json_response(content, headers={"Cache-Control": "no-store"})

    async def show_guide(request: web.Request) -> web.Response:
        guide = guides.get(request.match_info["name"])
        if guide is None:
            raise web.HTTPNotFound(text=f"There are these guides: {', '.join(sorted(guides))}\n")
        return web.Response(text=guide.read_text(encoding="utf-8"), headers=_PLAIN_HEADERS)

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
    application.router.add_get("/activity.json", show_activity)
    application.router.add_get("/docs/{name:.*}", show_guide)
    application.router.add_get("/readyz", show_readiness)
    application.router.add_get(websocket.PATH, serve_irc)
    return application
