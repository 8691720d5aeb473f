"""Clients that come by WebSocket, at `/irc`: browsers, mostly.

    HTTP request --> Origin, limits --> aiohttp's frames --> ClientConnection
                                        frames made here <-- ClientConnection

One line is one message, without its end. Source: ircv3.net/specs/extensions/websocket.

What comes is read by aiohttp, in the task that it has for every HTTP connection. What goes out is
written as for other clients, in one piece at the end of the loop's turn.
"""

import asyncio
import contextlib
import functools
import socket
import struct
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import WSMsgType, web

from roost.balancer.clients import READ_BYTES, ClientConnection
from roost.balancer.doors import Doors
from roost.balancer.engine.admission import plain_address
from roost.balancer.engine.arrivals import Arrival
from roost.balancer.listeners import LOG_INTERVAL_S
from roost.ops.throttling import ThrottledLog

PATH = "/irc"
TEXT, BINARY = "text.ircv3.net", "binary.ircv3.net"
UNSENT_BYTES_MAX = 64 * 1024
"""What the system has not taken yet, above which no more is given to it: as the loop's own."""
CACHED_BYTES_MAX = 8 * 1024
"""Longer pieces are for one client, and not worth keeping for the next."""

_FRAME_TEXT, _FRAME_BINARY, _FRAME_CLOSE = 0x81, 0x82, 0x88
"""The first byte of a whole message (RFC 6455, section 5.2)."""
_CLOSE_NORMAL = b"\x03\xe8"
"""Status code 1000."""

_logger = structlog.get_logger()


class WebSocketDoor:
    """Lets browsers in, and others who speak WebSocket."""

    def __init__(self, doors: Doors, origins: Sequence[str], keepalive_s: int) -> None:
        self._doors = doors
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self._keepalive_s = keepalive_s
        self._is_open = False
        self._held: set[WebSocketTransport] = set()
        """Those whose output is held until the system has taken what it has."""
        self._refused = ThrottledLog(_logger.warning, "websocket-refused", LOG_INTERVAL_S)

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Let clients in while the context lasts."""
        self._is_open = True
        try:
            yield
        finally:
            self._is_open = False

    def sweep(self) -> None:
        """Go on with those whose output has been taken."""
        for transport in list(self._held):
            if transport.go_on():
                self._held.discard(transport)

    def hold(self, transport: "WebSocketTransport") -> None:
        """Look after a client that does not take its output."""
        self._held.add(transport)

    @property
    def read_buffer(self) -> memoryview:
        """The desk's, which all connections share."""
        return self._doors.desk.read_buffer

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve a client from its request to its end."""
        arrival = self._arrival(request)
        response = web.WebSocketResponse(
            protocols=(TEXT, BINARY),
            autoclose=False,
            compress=False,
            max_msg_size=READ_BYTES - 2,
        )
        refusal = self._refusal(request, response, arrival)
        if refusal is not None:
            return refusal
        try:
            await response.prepare(request)
        except BaseException:
            self._doors.desk.dismiss(arrival.address)
            raise
        assert request.transport is not None, "it was there a moment ago, within this turn"
        self._keep_alive(request.transport)
        transport = WebSocketTransport(
            self, request.transport, is_text=response.ws_protocol != BINARY
        )
        connection = ClientConnection(self._doors.desk, arrival, is_admitted=True)
        transport.connection = connection
        connection.connection_made(transport)
        try:
            await _read(response, transport)
        finally:
            self._held.discard(transport)
            connection.connection_lost(None)
            transport.say_goodbye()
            transport.close()
        return response

    def _refusal(
        self, request: web.Request, response: web.WebSocketResponse, arrival: Arrival
    ) -> web.Response | None:
        """Say why a client may not come in; one that may is counted in."""
        if not response.can_prepare(request):
            headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
            return web.Response(
                text="Here is IRC over WebSocket.\n",
                status=HTTPStatus.UPGRADE_REQUIRED,
                headers=headers,
            )
        origin = request.headers.get("Origin")
        if origin is not None and not self._is_allowed(origin, request.host):
            reason = f"pages of {origin} may not connect here"
            self._refused.log(self._doors.turns.now, address=arrival.address, reason=reason)
            return web.Response(text=f"{reason}\n", status=HTTPStatus.FORBIDDEN)
        if not self._is_open:
            return web.Response(text="stopping\n", status=HTTPStatus.SERVICE_UNAVAILABLE)
        reason = self._doors.desk.admit(arrival.address)
        if reason:
            return web.Response(text=f"{reason}\n", status=HTTPStatus.TOO_MANY_REQUESTS)
        return None

    def _is_allowed(self, origin: str, host: str) -> bool:
        """Tell whether pages of an origin may connect: ours, and those that are configured."""
        origin = origin.lower()
        if "*" in self._origins or origin in self._origins:
            return True
        try:
            return bool(host) and urlsplit(origin).netloc == host.lower()
        except ValueError:
            return False

    def _arrival(self, request: web.Request) -> Arrival:
        """Say who is there: a proxy's word counts for whom it speaks."""
        address = plain_address(request.remote or "")
        if not self._doors.is_proxy(address):
            return Arrival(address, is_secure=request.secure)
        is_secure = request.headers.get("X-Forwarded-Proto", "").lower() == "https"
        for word in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
            found = plain_address(word.strip().strip("[]"))
            if not _is_address(found):
                break
            address = found
            if not self._doors.is_proxy(found):
                break
        return Arrival(address, is_secure=is_secure)

    def _keep_alive(self, transport: asyncio.Transport) -> None:
        sock = transport.get_extra_info("socket")
        for option in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
            with contextlib.suppress(OSError, AttributeError):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), self._keepalive_s)


class WebSocketTransport(asyncio.Transport):
    """A client's WebSocket, shaped like the loop's own transports: lines go in and come out."""

    def __init__(self, door: WebSocketDoor, below: asyncio.Transport, *, is_text: bool) -> None:
        super().__init__()
        self._door = door
        self._below = below
        self._frame = _FRAME_TEXT if is_text else _FRAME_BINARY
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._has_said_goodbye = False
        self.connection: ClientConnection | None = None

    def feed(self, line: bytes) -> None:
        """Take a message: a line without its end."""
        assert self.connection is not None, "set before anything is read"
        data = line.rstrip(b"\r\n") + b"\r\n"
        self._door.read_buffer[: len(data)] = data
        self.connection.buffer_updated(len(data))

    def go_on(self) -> bool:
        """Have more written if the system has taken what it had; tells whether it has."""
        if self._below.is_closing():
            return True
        if self._below.get_write_buffer_size():
            return False
        if self.connection is not None:
            self.connection.resume_writing()
        return True

    def say_goodbye(self) -> None:
        """Say that nothing more comes; once."""
        if not self._has_said_goodbye and not self._below.is_closing():
            self._has_said_goodbye = True
            self._below.write(bytes((_FRAME_CLOSE, len(_CLOSE_NORMAL))) + _CLOSE_NORMAL)

    # What the connection calls

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send lines, each as a message."""
        below = self._below
        if below.is_closing() or self._has_said_goodbye:
            return
        data = bytes(data)
        make = _frames_cached if len(data) <= CACHED_BYTES_MAX else _frames
        below.write(make(data, self._frame))
        if below.get_write_buffer_size() > UNSENT_BYTES_MAX and self.connection is not None:
            self.connection.pause_writing()
            self._door.hold(self)

    def writelines(self, list_of_data: Any) -> None:
        """Send several pieces as one."""
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        """Say that nothing more comes; the client closes."""
        self.say_goodbye()

    def can_write_eof(self) -> bool:
        """Whether our direction can be closed alone."""
        return True

    def get_write_buffer_size(self) -> int:
        """How much the system has not taken yet."""
        return self._below.get_write_buffer_size()

    def pause_reading(self) -> None:
        """Take no more messages for now; what aiohttp has of them is bounded."""
        self._may_read.clear()

    def resume_reading(self) -> None:
        """Take more messages."""
        self._may_read.set()

    async def wait_may_read(self) -> None:
        """Wait until messages are to be taken."""
        await self._may_read.wait()

    def is_closing(self) -> bool:
        """Whether the connection is closed, or is being."""
        return self._below.is_closing()

    def close(self) -> None:
        """Close, once everything is out."""
        self._may_read.set()
        self._below.close()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._may_read.set()
        self._below.abort()


async def _read(response: web.WebSocketResponse, transport: WebSocketTransport) -> None:
    """Take messages until the client closes, or breaks the protocol."""
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


def _frames(data: bytes, first: int) -> bytes:
    """Make a message of each line."""
    frames = []
    for line in data.split(b"\n"):
        text = line.removesuffix(b"\r")
        if not text:
            continue
        if first == _FRAME_TEXT:
            text = _as_utf8(text)
        size = len(text)
        if size < 126:
            head = bytes((first, size))
        elif size < 1 << 16:
            head = struct.pack("!BBH", first, 126, size)
        else:
            head = struct.pack("!BBQ", first, 127, size)
        frames.append(head)
        frames.append(text)
    return b"".join(frames)


_frames_cached = functools.lru_cache(maxsize=256)(_frames)
"""Frames of what goes to many are made once for all of them."""


def _as_utf8(line: bytes) -> bytes:
    """Put a replacement character for whatever is not UTF-8: browsers would hang up on it."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return line.decode("utf-8", "replace").encode()
    return line


def _is_address(text: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            socket.inet_pton(family, text)
            return True
    return False
