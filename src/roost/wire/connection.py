"""Connections that carry frames between authenticated processes.

    transport -- shared buffer --> FrameBuffer --> handler.on_frame(body), one call per frame
    send(body) --> queue -- once per loop turn --> one write

Whoever listens or dials gives a factory: it is called with a connection whose peer has shown an
admitted identity, and returns the handler of that connection. Nobody else's bytes reach a handler.
What a peer does not read is kept up to a limit; above it the link is dropped. There is no task and
no timer per connection.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias, cast

import msgspec
import structlog

from roost.protocol.framing import (
    FRAME_BYTES_MAX,
    HEADER_BYTES,
    FrameBuffer,
    FrameTooLongError,
    encode_header,
)
from roost.wire.address import format_address
from roost.wire.errors import RefusedPeerError
from roost.wire.identity import Admission, Identity
from roost.wire.tls import describe_failure, peer_identity

_logger = structlog.get_logger()

READ_BYTES = 256 * 1024
"""One read, as much as the event loop takes from a socket."""
_read_buffer = memoryview(bytearray(READ_BYTES))
"""Shared by all connections of the process: it is emptied within the call that fills it. Were the
TLS layer to make an object for each read, it would make one of this size."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a peer may cost."""

    frame_bytes_max: int = FRAME_BYTES_MAX
    unsent_bytes_max: int = 64 * 1024 * 1024
    """A trunk's traffic of some seconds at full load; a peer that is further behind is better
    served by a new link."""
    write_bytes_max: int = 1024 * 1024
    """Joined into one write; more would only be copied again by the layers below."""
    handshake_s: float = 5.0
    """A TLS handshake takes milliseconds, and a few round trips on a bad network."""
    handshakes_max: int = 64
    """TLS handshakes under way at once; a cluster's peers never come in larger numbers."""


class Handler(Protocol):
    """What a connection calls; exceptions of a handler are errors of the program."""

    def on_frame(self, body: bytes) -> None:
        """Take a frame's body."""

    def on_closed(self, reason: str) -> None:
        """The connection is gone; called once, and nothing is called after it."""


HandlerFactory: TypeAlias = Callable[["FramedConnection"], Handler]


class FramedConnection(asyncio.BufferedProtocol):
    """One connection to an authenticated peer."""

    def __init__(self, factory: HandlerFactory, admission: Admission, limits: Limits) -> None:
        self._factory = factory
        self._admission = admission
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._handler: Handler | None = None
        self._peer: Identity | None = None
        self._buffer = FrameBuffer(limits.frame_bytes_max)
        self._queue: list[bytes] = []
        self._unsent_bytes = 0
        self._is_flush_due = False
        self._is_paused = False
        self._is_closing = False
        self._is_lost = False
        self._reason = ""
        self.address = ""
        """The peer's address and port, for logs."""
        self.refusal = ""
        """Why the peer was not admitted; empty when it was."""

    @property
    def peer(self) -> Identity:
        """Who the other side is, by its certificate."""
        assert self._peer is not None, "the connection is not open yet"
        return self._peer

    @property
    def shown_identity(self) -> Identity | None:
        """Who the peer's certificate names, admitted or not; None before the handshake."""
        return self._peer

    @property
    def is_closing(self) -> bool:
        """Whether `close` or `abort` was called, or the connection is lost."""
        return self._is_closing

    @property
    def unsent_bytes(self) -> int:
        """How much waits here because the peer does not read; the system's buffers not counted."""
        return self._unsent_bytes

    # Sending

    def send(self, body: bytes) -> None:
        """Queue a frame; all frames of one loop turn leave together.

        Nothing happens on a connection that is closing. A peer that leaves too much unread, and a
        body above the limit, end the connection.
        """
        if self._is_closing:
            return
        if len(body) > self._limits.frame_bytes_max:
            _logger.error("frame-too-long", peer=self.peer.name, bytes=len(body))
            self.abort(f"a frame of {len(body)} bytes was to be sent")
            return
        self._queue.append(encode_header(body))
        self._queue.append(body)
        self._unsent_bytes += HEADER_BYTES + len(body)
        if self._unsent_bytes > self._limits.unsent_bytes_max:
            self.abort(f"it left more than {self._limits.unsent_bytes_max} bytes unread")
        elif not self._is_flush_due and not self._is_paused:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    def send_many(self, bodies: Iterable[bytes]) -> None:
        """Queue several frames."""
        for body in bodies:
            self.send(body)

    def close(self, reason: str = "closed by this side") -> None:
        """Send what is queued, then close; no more frames are taken from the peer."""
        if self._is_closing:
            return
        self._reason = reason
        self._is_closing = True
        self._is_paused = False
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self, reason: str = "dropped by this side") -> None:
        """Drop the connection at once."""
        if not self._is_closing:
            self._reason = reason
        self._is_closing = True
        self._queue.clear()
        self._unsent_bytes = 0
        if self._transport is not None and not self._is_lost:
            self._transport.abort()

    def abandon(self, reason: str) -> None:
        """Drop a connection whose set-up was cancelled: the loop need not report its loss.

        Nothing may be written to it: uvloop would report that as an error of the program.
        """
        self.abort(reason)
        self.connection_lost(None)

    def _flush(self) -> None:
        self._is_flush_due = False
        if self._transport is None or self._is_lost:
            return
        while self._queue and not self._is_paused:
            if self._unsent_bytes <= self._limits.write_bytes_max:
                data = b"".join(self._queue)
                self._queue.clear()
            else:
                data = self._take_some()
            self._unsent_bytes -= len(data)
            self._transport.write(data)

    def _take_some(self) -> bytes:
        count = 0
        size = 0
        for piece in self._queue:
            if count and size + len(piece) > self._limits.write_bytes_max:
                break
            count += 1
            size += len(piece)
        data = b"".join(self._queue[:count])
        del self._queue[:count]
        return data

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Find out who is there, and open for business if it is somebody admitted."""
        self._transport = cast("asyncio.Transport", transport)
        self.address = format_address(transport.get_extra_info("peername"))
        try:
            self._peer = peer_identity(transport.get_extra_info("ssl_object"))
            self.refusal = self._admission(self._peer)
        except RefusedPeerError as error:
            self.refusal = str(error)
        if self.refusal:
            self.abort(self.refusal)
            return
        self._handler = self._factory(self)

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Say where the next bytes go."""
        return _read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Cut frames out of the stream and pass them on."""
        if self._is_closing or self._handler is None:
            return
        try:
            bodies = self._buffer.feed(bytes(_read_buffer[:nbytes]))
        except FrameTooLongError as error:
            self.abort(str(error))
            return
        for body in bodies:
            self._handler.on_frame(body)
            if self.is_closing:
                return

    def eof_received(self) -> bool:
        """Let the transport close itself."""
        return False

    def pause_writing(self) -> None:
        """The system's buffers are full: keep what follows here."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Go on with what was kept."""
        self._is_paused = False
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the handler, once."""
        if self._is_lost:
            return
        self._is_lost = True
        if not self._is_closing:
            self._is_closing = True
            self._reason = describe_failure(exc) if exc else "it closed the connection"
        self._queue.clear()
        self._unsent_bytes = 0
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.on_closed(self._reason)
