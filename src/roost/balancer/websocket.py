"""Clients that come over WebSocket, at `/irc`: mostly browsers.

    HTTP request --> Origin, limits --> aiohttp's frames --> ClientConnection
                                        encoded lines    <-- ClientConnection

aiohttp reads the messages, in the task that it has for every HTTP connection. Output is written as
for other clients, in one piece at the end of the event loop's turn.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from http import HTTPStatus

import structlog
from aiohttp import WSMsgType, web

from roost.balancer.clients import READ_BYTES, ClientConnection
from roost.balancer.engine.client_info import ClientInfo, plain_address
from roost.balancer.engine.websocket import (
    CLOSE_FRAME,
    FRAME_BINARY,
    FRAME_TEXT,
    PROTOCOL_ERROR_FRAME,
    MaskCheck,
    encode_lines,
    is_allowed_origin,
    origins,
)
from roost.balancer.frontend import LOG_INTERVAL_S
from roost.balancer.listeners import Listeners
from roost.balancer.sockets import set_keepalive
from roost.ops.http_connections import HttpConnections
from roost.ops.throttling import ThrottledLog

PATH = "/irc"
TEXT, BINARY = "text.ircv3.net", "binary.ircv3.net"
UNSENT_BYTES_MAX = 64 * 1024
"""Output that the system has not taken, above which writing pauses: the event loop's own limit."""

_logger = structlog.get_logger()


class WebSocketListener:
    """Accepts clients that speak WebSocket."""

    def __init__(
        self,
        listeners: Listeners,
        connections: HttpConnections,
        allowed: Sequence[str],
        keepalive_s: int,
    ) -> None:
        """Accept pages of our own origin and of the `allowed` ones, and clients without one."""
        self._listeners = listeners
        self._connections = connections
        self._origins = origins(allowed)
        self._keepalive_s = keepalive_s
        self._is_open = False
        self._paused: set[WebSocketTransport] = set()
        """Those whose output waits until the system has taken the rest."""
        self._refused = ThrottledLog(_logger.warning, "websocket-refused", LOG_INTERVAL_S)

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Accept clients while the context lasts."""
        self._is_open = True
        try:
            yield
        finally:
            self._is_open = False

    @property
    def has_paused(self) -> bool:
        """Whether output waits for a sweep."""
        return bool(self._paused)

    def sweep(self) -> None:
        """Resume writing to clients whose output has been taken."""
        for transport in list(self._paused):
            if transport.try_resume():
                self._paused.discard(transport)

    def paused(self, transport: "WebSocketTransport") -> None:
        """Resume writing to a client later."""
        self._paused.add(transport)

    @property
    def read_buffer(self) -> memoryview:
        """Shared by all connections."""
        return self._listeners.frontend.read_buffer

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve a client, from its request to its end."""
        info = self._client_info(request)
        response = web.WebSocketResponse(
            protocols=(TEXT, BINARY),
            autoclose=False,
            compress=False,
            max_msg_size=READ_BYTES - 2,
        )
        refusal = self._refusal(request, response, info)
        if refusal is not None:
            return refusal
        try:
            await response.prepare(request)
        except BaseException:
            self._listeners.frontend.release(info.address)
            raise
        assert request.transport is not None, "the response was prepared in this turn"
        assert request.protocol is not None
        with contextlib.suppress(OSError):
            set_keepalive(request.transport.get_extra_info("socket"), self._keepalive_s)
        transport = WebSocketTransport(
            self, request.transport, is_text=response.ws_protocol != BINARY
        )
        connection = ClientConnection(self._listeners.frontend, info, is_admitted=True)
        transport.connection = connection
        connection.connection_made(transport)
        self._connections.hand_over(request.protocol, transport.check)
        try:
            await _read(response, transport)
        finally:
            self._paused.discard(transport)
            connection.connection_lost(None)
            transport.write_eof()
            transport.close()
        return response

    def _refusal(
        self, request: web.Request, response: web.WebSocketResponse, info: ClientInfo
    ) -> web.Response | None:
        """Admit a client and return None, or return the response that refuses it."""
        if not response.can_prepare(request):
            headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
            return web.Response(
                text="This is IRC over WebSocket.\n",
                status=HTTPStatus.UPGRADE_REQUIRED,
                headers=headers,
            )
        origin = request.headers.get("Origin")
        if origin is not None and not is_allowed_origin(origin, request.host, self._origins):
            reason = f"pages of {origin} are not allowed to connect"
            self._refused.log(self._listeners.scheduler.now, address=info.address, reason=reason)
            return web.Response(text=f"{reason}\n", status=HTTPStatus.FORBIDDEN)
        if not self._is_open:
            return web.Response(text="stopping\n", status=HTTPStatus.SERVICE_UNAVAILABLE)
        reason = self._listeners.frontend.admit(info.address)
        if reason:
            return web.Response(text=f"{reason}\n", status=HTTPStatus.TOO_MANY_REQUESTS)
        return None

    def _client_info(self, request: web.Request) -> ClientInfo:
        return self._listeners.proxies.client_of(
            ClientInfo(plain_address(request.remote or ""), is_secure=request.secure),
            request.headers.get("X-Forwarded-For", ""),
            request.headers.get("X-Forwarded-Proto", ""),
        )


class WebSocketTransport(asyncio.Transport):
    """A client's WebSocket as an asyncio transport of lines."""

    def __init__(
        self, listener: WebSocketListener, below: asyncio.Transport, *, is_text: bool
    ) -> None:
        super().__init__()
        self._listener = listener
        self._below = below
        self._frame = FRAME_TEXT if is_text else FRAME_BINARY
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._is_ended = False
        self._mask_check = MaskCheck()
        self.connection: ClientConnection | None = None

    def check(self, data: bytes) -> bool:
        """Return whether the client's frames are masked; if not, close the connection."""
        if self._mask_check.is_passed(data):
            return True
        if not self._is_ended and not self._below.is_closing():
            self._is_ended = True
            self._below.write(PROTOCOL_ERROR_FRAME)
        self.close()
        return False

    def feed(self, line: bytes) -> None:
        """Receive a message: a line without its end."""
        assert self.connection is not None, "set before anything is read"
        data = line.rstrip(b"\r\n") + b"\r\n"
        self._listener.read_buffer[: len(data)] = data
        self.connection.buffer_updated(len(data))

    def try_resume(self) -> bool:
        """Resume writing if the system has taken everything; return whether it has."""
        if self._below.is_closing():
            return True
        if self._below.get_write_buffer_size():
            return False
        if self.connection is not None:
            self.connection.resume_writing()
        return True

    # What the connection calls

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send lines, each as a message."""
        below = self._below
        if below.is_closing() or self._is_ended:
            return
        below.write(encode_lines(bytes(data), self._frame))
        if below.get_write_buffer_size() > UNSENT_BYTES_MAX and self.connection is not None:
            self.connection.pause_writing()
            self._listener.paused(self)

    def write_eof(self) -> None:
        """Send a close frame, once; the client then closes."""
        if not self._is_ended and not self._below.is_closing():
            self._is_ended = True
            self._below.write(CLOSE_FRAME)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the system has not taken yet."""
        return self._below.get_write_buffer_size()

    def pause_reading(self) -> None:
        """Stop taking messages; aiohttp bounds those that it keeps."""
        self._may_read.clear()

    def resume_reading(self) -> None:
        self._may_read.set()

    async def wait_may_read(self) -> None:
        """Wait until messages may be taken."""
        await self._may_read.wait()

    def is_closing(self) -> bool:
        """Return whether the connection is closed or closing."""
        return self._below.is_closing()

    def close(self) -> None:
        """Close the connection once everything is written."""
        self._may_read.set()
        self._below.close()

    def abort(self) -> None:
        self._may_read.set()
        self._below.abort()


async def _read(response: web.WebSocketResponse, transport: WebSocketTransport) -> None:
    """Read messages until the client closes, or breaks the protocol."""
    while True:
        await transport.wait_may_read()
        message = await response.receive()
        match message.type:
            case WSMsgType.TEXT:
                transport.feed(message.data.encode())
            case WSMsgType.BINARY:
                transport.feed(message.data)
            case _:
                return
