"""A client's socket, as an asyncio transport.

    socket --> ClientPoll --> transport --> ClientConnection
    ClientConnection --> write: one call of the system, at once

What the socket does not take is kept, and the protocol is paused; so there is never more to keep.
Thousands of clients are idle at any time, so a plain connection is its file descriptor: a socket
object takes 100 bytes more.
"""

import asyncio
import contextlib
import os
import socket
from abc import abstractmethod
from typing import Any

from roost.balancer.client_poll import ClientPoll
from roost.balancer.clients import ClientConnection

DISCARD_BYTES = 16 * 1024
"""How much of a closing client's input is discarded at a time."""
_NOTHING: dict[str, Any] = {}
"""What `asyncio.Transport` keeps a dictionary for."""


class SocketTransport(asyncio.Transport):
    """What plain and TLS connections share."""

    __slots__ = (
        "_backlog",
        "_file",
        "_has_ended",
        "_is_closing",
        "_is_ending",
        "_is_lost",
        "_is_reading",
        "_is_writing",
        "_poll",
        "_protocol",
        "address",
    )

    def __init__(self, file: int, address: str, poll: ClientPoll) -> None:
        """`file` is the file descriptor of a socket that does not block."""
        super().__init__(_NOTHING)
        self._file = file
        self._poll = poll
        self.address = address
        """The client's."""
        self._protocol: ClientConnection | None = None
        self._backlog: bytes | bytearray = b""
        self._is_reading = False
        self._is_writing = False
        """Whether the event loop watches for the socket to become writable."""
        self._is_closing = False
        self._is_ending = False
        """Whether our direction closes once the backlog is written."""
        self._has_ended = False
        self._is_lost = False

    # What kinds of connections do differently

    @abstractmethod
    def _receive(self) -> int:
        """Read into the shared buffer; return how many bytes, 0 if nothing is to be done.

        The end of the client's direction, and errors, are dealt with.
        """

    @abstractmethod
    def _send(self, data: bytes | bytearray | memoryview) -> int:
        """Send as much as the socket takes; return how many bytes. Errors are dealt with."""

    @abstractmethod
    def _close_file(self) -> None:
        """Close the socket."""

    def _say_goodbye(self) -> None:
        """Tell the client that nothing more will come, if there is a way to."""

    # Reading

    def readable(self) -> None:
        """Read once, for `ClientPoll`."""
        if self._has_ended:
            self._discard()
            return
        count = self._receive()
        if count:
            assert self._protocol is not None, "set before the socket is read"
            self._protocol.buffer_updated(count)

    def _discard(self) -> None:
        """Discard what a client sends after our last line."""
        try:
            if os.read(self._file, DISCARD_BYTES):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.abort()

    def pause_reading(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._poll.unwatch(self._file)

    def resume_reading(self) -> None:
        if not self._is_reading and not self._is_lost:
            self._is_reading = True
            self._poll.watch(self._file, self)

    # Writing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send data; keep what the socket does not take."""
        if self._is_closing or self._is_ending or not data:
            return
        if self._backlog:
            self._backlog += data
            return
        sent = self._send(data)
        if sent < len(data) and not self._is_closing:
            self._backlog = bytearray(memoryview(data)[sent:])
            if not self._is_writing:
                self._is_writing = True
                asyncio.get_running_loop().add_writer(self._file, self._writable)
            assert self._protocol is not None, "only a protocol writes"
            self._protocol.pause_writing()

    def _writable(self) -> None:
        sent = self._send(self._backlog)
        if self._is_lost:
            return
        self._backlog = self._backlog[sent:]
        if self._backlog:
            return
        self._stop_writing()
        if self._is_ending:
            self._end()
        elif self._is_closing:
            self._close_now(None)
        elif self._protocol is not None:
            self._protocol.resume_writing()

    def _stop_writing(self) -> None:
        self._is_writing = False
        asyncio.get_running_loop().remove_writer(self._file)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the socket has not taken yet."""
        return len(self._backlog)

    def write_eof(self) -> None:
        """Close our direction once everything is written."""
        if not self._is_closing and not self._is_ending:
            self._is_ending = True
            if not self._backlog:
                self._end()

    def _end(self) -> None:
        self._has_ended = True
        self._say_goodbye()
        with contextlib.suppress(OSError):
            sock = socket.socket(fileno=self._file)
            try:
                sock.shutdown(socket.SHUT_WR)
            finally:
                sock.detach()
        self.resume_reading()

    # The end

    def is_closing(self) -> bool:
        """Return whether the connection is closed or closing."""
        return self._is_closing

    def close(self) -> None:
        """Close the connection once everything is written."""
        if self._is_closing:
            return
        self._is_closing = True
        self.pause_reading()
        if not self._backlog:
            self._close_now(None)

    def abort(self) -> None:
        self._is_closing = True
        self._backlog = b""
        self._close_now(None)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the peer's address."""
        return (self.address, 0) if name == "peername" else default

    def _break(self, error: OSError | None) -> None:
        """Close the connection after an error, or None if the client has hung up."""
        if not self._is_lost:
            self._is_closing = True
            self._backlog = b""
            self._close_now(error)

    def _close_now(self, error: OSError | None) -> None:
        if self._is_lost:
            return
        self._is_lost = True
        if not self._has_ended:
            self._say_goodbye()
        self._drop()
        protocol = self._protocol
        if protocol is not None:
            # Not within a call that the protocol made.
            asyncio.get_running_loop().call_soon(protocol.connection_lost, error)

    def _drop(self) -> None:
        self.pause_reading()
        if self._is_writing:
            self._stop_writing()
        self._close_file()


class PlainTransport(SocketTransport):
    """A connection in plain text."""

    __slots__ = ()

    def __init__(self, sock: socket.socket, address: str, poll: ClientPoll) -> None:
        """Take a socket over; it is not to be used any more."""
        super().__init__(sock.detach(), address, poll)

    def open(self, protocol: ClientConnection) -> None:
        """Begin to read for a protocol."""
        self._protocol = protocol
        self.resume_reading()
        protocol.connection_made(self)

    def _receive(self) -> int:
        assert self._protocol is not None, "set before the socket is read"
        try:
            count = os.readv(self._file, (self._protocol.get_buffer(-1),))
        except BlockingIOError:
            return 0
        except OSError as error:
            self._break(error)
            return 0
        if not count:
            self.close()
        return count

    def _send(self, data: bytes | bytearray | memoryview) -> int:
        try:
            return os.write(self._file, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._break(error)
            return 0

    def _close_file(self) -> None:
        os.close(self._file)
