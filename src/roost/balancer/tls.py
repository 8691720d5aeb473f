"""A client's TLS connection, as an asyncio transport.

    socket <--> OpenSSL <--> TlsTransport <--> ClientConnection

OpenSSL reads and writes the socket itself, so that output is encrypted and handed to the system in
one call, and an idle connection holds no buffer. Only handshakes are expensive. They queue, and
each turn of the event loop takes a few steps, so that a crowd does not delay other clients.
"""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from cryptography.hazmat.bindings.openssl.binding import Binding
from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL

from roost.balancer.certificates import describe
from roost.balancer.clients import ClientConnection
from roost.balancer.engine.expiry_queue import ExpiryQueue

HANDSHAKES_A_TURN = 4
"""Handshake steps in one turn of the event loop: one with an RSA key takes about a millisecond."""
CIPHERTEXT_CHUNK = 16 * 1024
"""How much of a closing client's input is discarded at a time."""

_REASONS = {
    "wrong version number": "it does not speak TLS",
    "http request": "it speaks HTTP, not TLS",
    "packet length too long": "it does not speak TLS",
    "unsupported protocol": "it does not speak TLS 1.2 or later",
    "no shared cipher": "it has no cipher in common with us",
    "Unexpected EOF": "it hung up during the handshake",
    "sslv3 alert certificate unknown": "it does not accept our certificate",
    "ssl/tls alert certificate unknown": "it does not accept our certificate",
    "tlsv1 alert unknown ca": "it does not accept our certificate",
    "ssl/tls alert bad certificate": "it does not accept our certificate",
    "sslv3 alert bad certificate": "it does not accept our certificate",
}
"""OpenSSL's reasons in plain words."""

_write_record = Binding().lib.SSL_write
"""OpenSSL's own function. pyOpenSSL's `send` takes as long again in Python as encryption takes, for
each of some 50,000 writes a second; only what goes wrong is left to it."""


class HandshakeCallbacks(Protocol):
    """What a TLS connection needs of its listener."""

    @property
    def read_buffer(self) -> memoryview:
        """Shared by all connections."""

    def established(self, transport: "TlsTransport", certificate: str) -> ClientConnection:
        """Return the connection of a client whose handshake is done."""

    def failed(self, transport: "TlsTransport", reason: str) -> None:
        """Note that a handshake has failed, and that the connection is closed."""


class HandshakeQueue:
    """Connections whose handshake is not done; they take turns, and each has a time-out."""

    def __init__(self, timeout_s: float) -> None:
        self.ongoing: ExpiryQueue[TlsTransport] = ExpiryQueue(timeout_s)
        self._queue: deque[TlsTransport] = deque()
        self._is_scheduled = False

    def step_soon(self, transport: "TlsTransport") -> None:
        """Have a handshake take a step in its turn."""
        self._queue.append(transport)
        self._schedule()

    def sweep(self, now: float) -> None:
        """Fail the handshakes that take too long."""
        for transport in self.ongoing.expired(now):
            transport.fail("it took too long")

    def _schedule(self) -> None:
        if self._queue and not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._is_scheduled = False
        for _ in range(min(HANDSHAKES_A_TURN, len(self._queue))):
            self._queue.popleft().step()
        self._schedule()


class TlsTransport(asyncio.Transport):
    """One TLS connection, from its handshake on.

    If the socket does not take all of a write, the rest is kept here and the protocol is paused; so
    there is never more to keep.
    """

    __slots__ = (
        "_backlog",
        "_callbacks",
        "_handle",
        "_handshakes",
        "_has_ended",
        "_is_closing",
        "_is_ending",
        "_is_lost",
        "_is_reading",
        "_is_writing",
        "_loop",
        "_protocol",
        "_socket",
        "_tls",
        "address",
    )

    def __init__(
        self,
        sock: socket.socket,
        context: SSL.Context,
        address: str,
        callbacks: HandshakeCallbacks,
        handshakes: HandshakeQueue,
    ) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._callbacks = callbacks
        self._handshakes = handshakes
        self.address = address
        """The client's."""
        self._tls = SSL.Connection(context, sock)
        self._tls.set_accept_state()
        self._handle = self._tls._ssl  # noqa: SLF001
        """OpenSSL's connection, which `_tls` owns."""
        self._protocol: ClientConnection | None = None
        self._backlog = bytearray()
        self._is_reading = False
        self._is_writing = False
        """Whether the event loop watches for the socket to become writable."""
        self._is_closing = False
        self._is_ending = False
        """Whether our direction closes once the backlog is written."""
        self._has_ended = False
        self._is_lost = False
        self._watch(self._handshake_ready)

    # The handshake

    def step(self) -> None:
        """Take the next step of the handshake."""
        if self._is_lost:
            return
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            self._watch(self._handshake_ready)
        except SSL.WantWriteError:
            self._loop.add_writer(self._socket, self._handshake_writable)
        except SSL.Error as error:
            reason = describe(error)
            self.fail(_REASONS.get(reason, reason))
        else:
            self._established()

    def fail(self, reason: str) -> None:
        """End a handshake that cannot succeed, and close the connection."""
        if not self._is_lost and self._protocol is None:
            self._is_lost = self._is_closing = True
            self._drop()
            self._handshakes.ongoing.discard(self)
            self._callbacks.failed(self, reason)

    def _handshake_ready(self) -> None:
        self._unwatch()
        self._handshakes.step_soon(self)

    def _handshake_writable(self) -> None:
        self._loop.remove_writer(self._socket)
        self._handshakes.step_soon(self)

    def _established(self) -> None:
        self._handshakes.ongoing.discard(self)
        certificate = self._tls.get_peer_certificate(as_cryptography=True)
        fingerprint = "" if certificate is None else certificate.fingerprint(hashes.SHA256()).hex()
        self._protocol = self._callbacks.established(self, fingerprint)
        self._watch(self._readable)
        self._protocol.connection_made(self)

    # Reading

    def _readable(self) -> None:
        protocol = self._protocol
        assert protocol is not None, "set when the handshake is done"
        if self._has_ended:
            self._discard()
            return
        try:
            # The buffer holds a whole record, so that nothing is left in OpenSSL.
            count = self._tls.recv_into(self._callbacks.read_buffer)
        except (SSL.WantReadError, SSL.WantWriteError):
            return
        except SSL.ZeroReturnError:
            self.close()
        except SSL.Error as error:
            self._break(error)
        else:
            protocol.buffer_updated(count)

    def _discard(self) -> None:
        """Discard what a client sends after our last line."""
        try:
            if self._socket.recv(CIPHERTEXT_CHUNK):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.abort()

    def _watch(self, callback: Callable[[], None]) -> None:
        if not self._is_reading and not self._is_lost:
            self._is_reading = True
            self._loop.add_reader(self._socket, callback)

    def _unwatch(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._socket)

    def pause_reading(self) -> None:
        self._unwatch()

    def resume_reading(self) -> None:
        self._watch(self._readable)

    # Writing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send data; keep what the socket does not take."""
        if self._is_closing or self._is_ending or not data:
            return
        if self._backlog:
            self._backlog += data
            return
        sent = self._send_bytes(data) if type(data) is bytes else self._send(data)
        if sent < len(data) and not self._is_closing:
            self._backlog += memoryview(data)[sent:]
            self._await_socket()
            assert self._protocol is not None, "only a protocol writes"
            self._protocol.pause_writing()

    def _send_bytes(self, data: bytes) -> int:
        """Do the same as `_send`, sooner."""
        sent: int = _write_record(self._handle, data, len(data))
        if sent == len(data):
            return sent
        if sent > 0:
            # OpenSSL sends one record at a time.
            with memoryview(data) as view, view[sent:] as rest:
                return sent + self._send(rest)
        try:
            self._tls._raise_ssl_error(self._handle, sent)  # noqa: SLF001
        except (SSL.WantReadError, SSL.WantWriteError):
            pass
        except SSL.Error as error:
            self._break(error)
        return 0

    def _send(self, data: bytes | bytearray | memoryview) -> int:
        """Send as much as the socket takes; return how many bytes that is."""
        sent = 0
        try:
            sent = self._tls.send(data)
            while sent < len(data):
                # OpenSSL sends one record at a time.
                with memoryview(data) as view, view[sent:] as rest:
                    sent += self._tls.send(rest)
        except (SSL.WantReadError, SSL.WantWriteError):
            pass
        except SSL.Error as error:
            self._break(error)
        return sent

    def _await_socket(self) -> None:
        if not self._is_writing:
            self._is_writing = True
            self._loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        sent = self._send(self._backlog)
        if self._is_lost:
            return
        del self._backlog[:sent]
        if self._backlog:
            return
        self._is_writing = False
        self._loop.remove_writer(self._socket)
        if self._is_ending:
            self._end()
        elif self._is_closing:
            self._close_now(None)
        elif self._protocol is not None:
            self._protocol.resume_writing()

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
        with contextlib.suppress(SSL.Error):
            self._tls.shutdown()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
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
        self._unwatch()
        if not self._backlog:
            self._close_now(None)

    def abort(self) -> None:
        self._is_closing = True
        self._backlog.clear()
        self._close_now(None)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the socket, or the peer's address."""
        match name:
            case "socket":
                return self._socket
            case "peername":
                return (self.address, 0)
            case _:
                return default

    def _break(self, error: SSL.Error) -> None:
        """Close the connection after an error."""
        if self._is_lost:
            return
        self._is_closing = True
        self._backlog.clear()
        number = error.args[0] if isinstance(error, SSL.SysCallError) else None
        if number == -1:
            # It hung up without a close_notify alert, as most clients do.
            self._close_now(None)
        elif isinstance(number, int):
            self._close_now(OSError(number, os.strerror(number)))
        else:
            self._close_now(OSError(None, f"TLS failed: {describe(error)}"))

    def _close_now(self, error: Exception | None) -> None:
        if self._is_lost:
            return
        self._is_lost = True
        if not self._has_ended:
            with contextlib.suppress(SSL.Error):
                self._tls.shutdown()
        self._drop()
        protocol = self._protocol
        if protocol is not None:
            # Not within a call that the protocol made.
            self._loop.call_soon(protocol.connection_lost, error)

    def _drop(self) -> None:
        self._unwatch()
        self._loop.remove_writer(self._socket)
        self._is_writing = False
        self._socket.close()
