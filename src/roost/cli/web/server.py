"""The HTTP server of `roost chat --web`: textual-serve's, behind a gate and with a page of its own.

Every WebSocket runs a client as a process of its own.
"""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web
from textual_serve.server import Server

from roost.cli.web.gate import Gate

_PAGE = Path(__file__).parent
_OWN = {"": "page.html", **{name: name for name in ("icon.svg", "page.css", "page.js")}}
HEADERS = {
    # Styles are also set by the terminal's script.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
        " font-src 'self'; img-src 'self' data:; connect-src 'self' {websocket};"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    # Nobody whom a link leads to learns the address, or keeps a hold of its window.
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class WebServer(Server):
    """Serves the client to whoever knows the address."""

    def __init__(self, command: str, *, host: str, port: int, token: str, gate: Gate) -> None:
        super().__init__(command, host=host, port=port, title="Roost")
        self._token = token
        self._gate = gate

    @property
    def address(self) -> str:
        """The address of the page, with the token."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/{self._token}/"

    def initialize_logging(self) -> None:
        """Show only what goes wrong."""
        logging.basicConfig(level="WARNING", format="roost: %(message)s")

    async def _make_app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                *(web.get(f"/{self._token}/{name}", _show(file)) for name, file in _OWN.items()),
                web.get(f"/{self._token}/ws", self.handle_websocket),
                web.static(f"/{self._token}/static", self.statics_path),
            ]
        )
        return app

    def serve(self, debug: bool = False) -> None:
        """Serve until Ctrl-C; print the address once it can be opened.

        Raises:
            OSError: the port is not available.
        """
        self.debug = debug
        self.initialize_logging()
        web.run_app(
            self._make_app(),
            host=self.host,
            port=self.port,
            access_log=None,
            print=lambda *_: self._announce(),
        )

    def _announce(self) -> None:
        print(
            f"Roost is ready for your browser: {self.address}\n"
            "Keep this address to yourself: whoever has it chats as you. Ctrl-C ends it.",
            flush=True,
        )

    @web.middleware
    async def _guard(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        transport = request.transport
        host = request.headers.get("Host")
        is_welcome = transport is not None and self._gate.is_open_to(
            request.path,
            host,
            request.headers.get("Origin"),
            address=transport.get_extra_info("sockname")[0],
            is_websocket="upgrade" in request.headers.get("Connection", "").lower(),
        )
        if not is_welcome:
            # The same answer for all, because it must not say whether the token is right.
            raise web.HTTPNotFound
        response = await handler(request)
        if not response.prepared:
            websocket = f"ws://{host} wss://{host}"
            for name, value in HEADERS.items():
                response.headers[name] = value.replace("{websocket}", websocket)
        return response


def _show(file: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def show(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(_PAGE / file)

    return show
