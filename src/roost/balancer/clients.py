"""Clients' sockets: bytes to lines, and outboxes to writes.

    socket --> shared buffer --> lines --> received(...)     the rest of a line --> LineBuffer
    outbox --> one write a turn --> socket         the rest, and what it does not take, stays

There is no task and no timer per client. What a client does not read waits in its outbox, as
references to bytes that all clients share, up to a limit; then the client is disconnected.
"""

import asyncio
from typing import Protocol, cast

from roost.balancer.engine.client_info import ClientInfo
from roost.balancer.engine.outbox import WRITE_BYTES_MAX, take_write
from roost.balancer.engine.sessions import Session
from roost.irc.framing import LineBuffer

READ_BYTES = 16 * 1024
"""One read: limits the lines that a client can send in a turn, and is plenty for most."""


class ConnectionCallbacks(Protocol):
    """What a connection needs of the frontend."""

    @property
    def read_buffer(self) -> memoryview:
        """Shared by all connections: emptied within the call that fills it."""

    @property
    def line_bytes_max(self) -> int:
        """The longest line, including its end."""

    @property
    def unread_bytes_max(self) -> int:
        """The most output that may wait for a client."""

    def join(self, pieces: list[bytes]) -> bytes:
        """Join pieces for one write; the list must not be changed afterwards."""

    def writable(self, connection: "ClientConnection") -> None:
        """Have `flush` called, because the client reads again."""

    def opened(self, connection: "ClientConnection") -> Session | None:
        """Open a client's session; return None if the client is refused, and tell it why."""

    def received(self, connection: "ClientConnection", lines: list[bytes | None]) -> None:
        """Pass on a client's lines; None stands for one that was too long."""

    def overflowed(self, connection: "ClientConnection") -> None:
        """Disconnect a client that leaves too much unread."""

    def finishing(self, connection: "ClientConnection") -> None:
        """Limit the time that a connection takes to close."""

    def closed(self, connection: "ClientConnection", reason: str) -> None:
        """Close the session of a connection that is closed."""


class ClientConnection(asyncio.BufferedProtocol):
    """One client's socket; it is the session's `Client`."""

    __slots__ = (
        "_callbacks",
        "_counted",
        "_held_bytes",
        "_is_finishing",
        "_is_write_paused",
        "_transport",
        "_unfinished",
        "info",
        "is_admitted",
        "is_dirty",
        "pieces",
        "session",
    )

    def __init__(
        self,
        callbacks: ConnectionCallbacks,
        info: ClientInfo,
        *,
        is_admitted: bool = False,
    ) -> None:
        self._callbacks = callbacks
        self._transport: asyncio.Transport | None = None
        self._unfinished: LineBuffer | None = None
        """Has the beginning of a line; None between lines, as it is for nearly all clients."""
        self._is_write_paused = False
        self._is_finishing = False
        self._counted = 0
        """How many of the pieces are in `_held_bytes`."""
        self._held_bytes = 0
        self.pieces: list[bytes] = []
        self.is_dirty = False
        self.session: Session | None = None
        self.info = info
        self.is_admitted = is_admitted
        """Whether the connection has been counted."""

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.session = self._callbacks.opened(self)

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._callbacks.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self.session is None or self._is_finishing:
            return
        buffer = self._unfinished or LineBuffer(self._callbacks.line_bytes_max)
        lines = buffer.feed(bytes(self._callbacks.read_buffer[:nbytes]))
        self._unfinished = buffer if buffer.is_unfinished else None
        if lines:
            self._callbacks.received(self, lines)

    def pause_writing(self) -> None:
        """Keep output in the outbox, because the system's buffers are full."""
        self._is_write_paused = True

    def resume_writing(self) -> None:
        """Go on with the outbox, because the client reads again."""
        self._is_write_paused = False
        if self.pieces and not self._is_finishing:
            self._callbacks.writable(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.pieces.clear()
        self._is_finishing = True
        self._transport = None
        self._callbacks.closed(self, _describe(exc))

    # What the session calls

    def pause_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def finish(self, last: bytes) -> None:
        """Write the outbox and then `last`, and close; the client may linger to read it."""
        transport = self._transport
        if self._is_finishing or transport is None:
            return
        self._is_finishing = True
        self.pieces.append(last)
        data = b"".join(self.pieces)
        self.pieces.clear()
        if transport.is_closing():
            # It has hung up, but does not take what is left for it.
            self._callbacks.finishing(self)
            return
        if data:
            transport.write(data)
        # Closing a socket with unread input resets it, and the client would lose its last lines.
        # So only our direction is closed, and input is ignored until the client closes too.
        transport.write_eof()
        transport.resume_reading()
        self._callbacks.finishing(self)

    # What the frontend calls

    @property
    def unread_bytes(self) -> int:
        """How much output waits for the client."""
        buffered = 0 if self._transport is None else self._transport.get_write_buffer_size()
        return self._held_bytes + buffered

    def flush(self) -> int:
        """Write as much of the outbox as one write may have, if the socket takes it."""
        self.is_dirty = False
        transport = self._transport
        if transport is None or self._is_finishing or transport.is_closing():
            self.pieces.clear()
            self._counted = self._held_bytes = 0
            return 0
        pieces = self.pieces
        if pieces and not self._counted and not self._is_write_paused:
            # Nothing is left of earlier turns: the whole outbox is one write, as a rule.
            data = pieces[0] if len(pieces) == 1 else self._callbacks.join(pieces)
            if len(data) <= WRITE_BYTES_MAX:
                # The joiner keeps the list.
                self.pieces = []
                transport.write(data)
                return len(data)
            self._count_held()
        written = self._write(transport)
        while self.pieces:
            self._count_held()
            if self.unread_bytes <= self._callbacks.unread_bytes_max:
                self.is_dirty = not self._is_write_paused
                break
            if self._is_write_paused:
                self._callbacks.overflowed(self)
                break
            # It is not the client's fault yet, so the system gets as much as it takes.
            written += self._write(transport)
        return written

    def cut_off(self, last: bytes) -> None:
        """Drop the outbox, try to send `last`, and close."""
        self.pieces.clear()
        self._held_bytes = self._counted = 0
        self.finish(last)

    def close(self) -> None:
        """Write what the system has not taken yet, and close."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self, transport: asyncio.Transport) -> int:
        """Write once, unless the system's buffers are full; return how many bytes."""
        pieces = self.pieces
        if not pieces or self._is_write_paused:
            return 0
        before = len(pieces)
        data = take_write(pieces)
        self._counted -= before - len(pieces)
        self._held_bytes -= len(data)
        if self._counted <= 0:
            self._counted = self._held_bytes = 0
        transport.write(data)
        return len(data)

    def _count_held(self) -> None:
        pieces = self.pieces
        for index in range(self._counted, len(pieces)):
            self._held_bytes += len(pieces[index])
        self._counted = len(pieces)


def _describe(error: Exception | None) -> str:
    """Return the reason that others see when a client's connection is gone."""
    if error is None:
        return "Connection closed"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "Connection lost"
