"""Connections that carry frames between authenticated processes.

    transport -- shared buffer --> FrameBuffer --> handler.on_frame(body), one call per frame
    send(body) --> queue -- once per loop turn --> one write

The side that listens or dials supplies a factory. It is called for each connection whose peer is
admitted, and returns the connection's handler: no other peer's bytes reach a handler. Frames that
a peer does not read are queued up to a limit, above which the connection is dropped. There is no
task and no timer per connection.
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
from roost.wire.tls import describe_failure, peer_identity, peer_key_hash

_logger = structlog.get_logger()

READ_BYTES = 256 * 1024
"""One read, as much as the event loop takes from a socket."""
_read_buffer = memoryview(bytearray(READ_BYTES))
"""Shared by all connections of the process: it is emptied within the call that fills it. Otherwise
the TLS layer would allocate an object of this size for each read."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much a peer may cost."""

    frame_bytes_max: int = FRAME_BYTES_MAX
    unsent_bytes_max: int = 64 * 1024 * 1024
    """Some seconds of a trunk's traffic at full load; a new link serves a peer better that is
    further behind."""
    write_bytes_max: int = 1024 * 1024
    """Joined into one write; the layers below would only copy more again."""
    handshake_s: float = 5.0
    """A TLS handshake takes milliseconds, or a few round trips on a bad network."""
    handshakes_max: int = 64
    """TLS handshakes in progress at once; a cluster has fewer processes."""


class Handler(Protocol):
    """What a connection calls; a handler's exception is an error of the program."""

    def on_frame(self, body: bytes) -> None:
        """Take a frame's body."""

    def on_closed(self, reason: str) -> None:
        """Note the end of the connection; this is called once, and last."""


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
        """The identity in the peer's certificate."""
        assert self._peer is not None, "the connection is not open yet"
        return self._peer

    @property
    def shown_identity(self) -> Identity | None:
        """The identity in the peer's certificate, admitted or not; None before the handshake."""
        return self._peer

    @property
    def peer_key(self) -> str:
        """The SHA-256 hash of the peer's public key, in hexadecimal."""
        assert self._transport is not None, "the connection is not open yet"
        return peer_key_hash(self._transport.get_extra_info("ssl_object"))

    @property
    def is_closing(self) -> bool:
        """Whether `close` or `abort` was called, or the connection is lost."""
        return self._is_closing

    @property
    def unsent_bytes(self) -> int:
        """The size of the frames queued here; the system's buffers are not counted."""
        return self._unsent_bytes

    # Sending

    def send(self, body: bytes) -> None:
        """Queue a frame; all frames of one turn of the loop leave together.

        A connection that is closing sends nothing. A body above the limit, or a peer that leaves
        too much unread, ends the connection.
        """
        self._add(body)
        if self._queue and not self._is_flush_due and not self._is_paused:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    def send_now(self, bodies: Iterable[bytes]) -> None:
        """Send frames, and those that are queued, without waiting for the end of the turn."""
        for body in bodies:
            self._add(body)
        if not self._is_closing:
            self._flush()

    def _add(self, body: bytes) -> None:
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

    def send_many(self, bodies: Iterable[bytes]) -> None:
        for body in bodies:
            self.send(body)

    def close(self, reason: str = "closed by this side") -> None:
        """Send the queued frames, then close; accept no more frames from the peer."""
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
        """Drop a connection whose set-up was cancelled, and report its loss.

        uvloop closes such a transport without reporting the loss. It reports a later write as an
        error of the program.
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
        """Identify the peer, and give an admitted one a handler."""
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
        return _read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Pass the stream's complete frames to the handler."""
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
        return False  # the transport closes itself

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the loss to the handler, once."""
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
