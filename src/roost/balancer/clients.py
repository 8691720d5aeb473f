"""Clients' sockets: bytes to lines, and outboxes to writes.

    socket --> shared buffer --> LineBuffer --> Desk.spoke(...)
    outbox --> one write a turn --> socket         what it does not take stays in the outbox

There is no task and no timer per client. A client that does not read keeps its output waiting
here, as references to bytes that are shared with all others, up to a limit; then it is cut off.
"""

import asyncio
from typing import Protocol, cast

from roost.balancer.engine.admission import plain_address
from roost.balancer.engine.arrivals import Arrival
from roost.balancer.engine.sessions import Session
from roost.irc.framing import LineBuffer

READ_BYTES = 16 * 1024
"""One read: bounds the lines that one client can bring in a turn, and is plenty for any other."""
WRITE_BYTES_MAX = 256 * 1024
"""Joined into one write at most."""
_NOBODY = Arrival("")


class Desk(Protocol):
    """What a connection needs of whoever composes the balancer."""

    @property
    def read_buffer(self) -> memoryview:
        """Shared by all connections: it is emptied within the call that fills it."""

    @property
    def line_bytes_max(self) -> int:
        """The longest line, its end included."""

    @property
    def unread_bytes_max(self) -> int:
        """The most output that may wait for a client."""

    def join(self, pieces: list[bytes]) -> bytes:
        """Join what goes to a client in one write; the list must not be changed any more."""

    def opened(self, connection: "ClientConnection") -> Session | None:
        """Let a client in; None when it may not come in, and has been told."""

    def spoke(self, connection: "ClientConnection", lines: list[bytes | None]) -> None:
        """A client has sent lines."""

    def unread(self, connection: "ClientConnection") -> None:
        """A client leaves too much unread; the connection is to be cut off."""

    def finishing(self, connection: "ClientConnection") -> None:
        """The connection is being closed and may linger only so long."""

    def closed(self, connection: "ClientConnection", reason: str) -> None:
        """The connection is gone."""


class ClientConnection(asyncio.BufferedProtocol):
    """One client's socket; it is the session's `Client`."""

    __slots__ = (
        "_counted",
        "_desk",
        "_held_bytes",
        "_is_finishing",
        "_is_write_paused",
        "_lines",
        "_transport",
        "arrival",
        "is_admitted",
        "is_dirty",
        "pieces",
        "session",
    )

    def __init__(
        self, desk: Desk, arrival: Arrival | None = None, *, is_admitted: bool = False
    ) -> None:
        """Serve a client; a door that knows nothing of it yet gives no `arrival`."""
        self._desk = desk
        self._transport: asyncio.Transport | None = None
        self._lines = LineBuffer(desk.line_bytes_max)
        self._is_write_paused = False
        self._is_finishing = False
        self._counted = 0
        """How many of the pieces are in `_held_bytes`."""
        self._held_bytes = 0
        self.pieces: list[bytes] = []
        self.is_dirty = False
        self.session: Session | None = None
        self.arrival = arrival or _NOBODY
        """Who the client is."""
        self.is_admitted = is_admitted
        """Whether the desk has counted it in."""

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast("asyncio.Transport", transport)
        if self.arrival is _NOBODY:
            peer = transport.get_extra_info("peername")
            # A client that is gone already has no peer name any more.
            self.arrival = Arrival(plain_address(str(peer[0])) if peer else "")
        self.session = self._desk.opened(self)

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Say where the next bytes go."""
        return self._desk.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes have come."""
        if self.session is None or self._is_finishing:
            return
        lines = self._lines.feed(bytes(self._desk.read_buffer[:nbytes]))
        if lines:
            self._desk.spoke(self, lines)

    def eof_received(self) -> bool:
        """Let the transport close: a client that says nothing any more is gone."""
        return False

    def pause_writing(self) -> None:
        """The system's buffers are full: what follows stays in the outbox."""
        self._is_write_paused = True

    def resume_writing(self) -> None:
        """The client reads again."""
        self._is_write_paused = False
        self._counted = self._held_bytes = 0
        transport = self._transport
        if transport is not None and not self._is_finishing and not transport.is_closing():
            self._write_in_parts(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self.pieces.clear()
        self._is_finishing = True
        self._transport = None
        self._desk.closed(self, _describe(exc))

    # What the session calls

    def pause_reading(self) -> None:
        """Take nothing more from the socket for now."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take more from the socket."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def finish(self, last: bytes) -> None:
        """Write what waits and then `last`, and close; the client may linger to read it."""
        transport = self._transport
        if self._is_finishing or transport is None:
            return
        self._is_finishing = True
        self.pieces.append(last)
        data = b"".join(self.pieces)
        self.pieces.clear()
        if transport.is_closing():
            return
        if data:
            transport.write(data)
        # To close a socket with unread input in it would take the last lines from the client: so
        # only our direction is closed, and what still comes is thrown away until it closes too.
        transport.write_eof()
        transport.resume_reading()
        self._desk.finishing(self)

    # What the desk calls

    @property
    def unread_bytes(self) -> int:
        """How much output waits for the client."""
        buffered = 0 if self._transport is None else self._transport.get_write_buffer_size()
        return self._held_bytes + buffered

    def flush(self) -> None:
        """Write what waits, as far as the socket takes it."""
        self.is_dirty = False
        transport = self._transport
        if transport is None or self._is_finishing or transport.is_closing():
            self.pieces.clear()
            return
        pieces = self.pieces
        if pieces and not self._is_write_paused:
            data = self._desk.join(pieces)
            if len(data) <= WRITE_BYTES_MAX:
                # The list is the desk's now.
                self.pieces = []
                transport.write(data)
                return
        self._write_in_parts(transport)

    def cut_off(self, last: bytes) -> None:
        """Drop what waits, try to say why, and close."""
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

    def _write_in_parts(self, transport: asyncio.Transport) -> None:
        """Write what waits until the system's buffers are full, and count what is left."""
        while self.pieces and not self._is_write_paused:
            transport.write(_take(self.pieces))
        if self.pieces:
            self._count_held()

    def _count_held(self) -> None:
        pieces = self.pieces
        for index in range(self._counted, len(pieces)):
            self._held_bytes += len(pieces[index])
        self._counted = len(pieces)
        if self.unread_bytes > self._desk.unread_bytes_max:
            self._desk.unread(self)


class Joiner:
    """Makes one write's bytes of pieces.

    Most members of a room get the same, and one after the other: it is joined once for them.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._data = b""

    def join(self, pieces: list[bytes]) -> bytes:
        """Join pieces, which must not be changed any more."""
        if len(pieces) == 1:
            return pieces[0]
        if pieces != self._pieces:
            data = b"".join(pieces)
            if len(data) > WRITE_BYTES_MAX:
                return data
            self._pieces, self._data = pieces, data
        return self._data


def _take(pieces: list[bytes]) -> bytes:
    """Take out as many whole pieces as one write may have, at least one."""
    size = count = 0
    for piece in pieces:
        size += len(piece)
        if count and size > WRITE_BYTES_MAX:
            break
        count += 1
    data = b"".join(pieces[:count])
    del pieces[:count]
    return data


def _describe(error: Exception | None) -> str:
    """Say why a client's connection is gone, for the others."""
    if error is None:
        return "Connection closed"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "Connection lost"
