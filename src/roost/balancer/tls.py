"""A client's TLS connection, as an asyncio transport.

    socket <--> OpenSSL <--> TlsTransport <--> ClientConnection      see `transport.py`

OpenSSL reads and writes the socket itself, so that output is encrypted and handed to the system in
one call, and an idle connection holds no buffer. Only handshakes are expensive. They queue, and
each turn of the event loop takes a few steps, so that a crowd does not delay other clients.
"""

import asyncio
import contextlib
import os
import socket
from collections import deque
from typing import Protocol

from cryptography.hazmat.bindings.openssl.binding import Binding
from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL

from roost.balancer.certificates import describe
from roost.balancer.client_poll import ClientPoll
from roost.balancer.clients import ClientConnection
from roost.balancer.engine.expiry_queue import ExpiryQueue
from roost.balancer.transport import SocketTransport

HANDSHAKES_A_TURN = 4
"""Handshake steps in one turn of the event loop: one with an RSA key takes about a millisecond."""

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

    @property
    def poll(self) -> ClientPoll:
        """Says when there is something to read."""

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


class TlsTransport(SocketTransport):
    """One TLS connection, from its handshake on."""

    __slots__ = ("_callbacks", "_handle", "_handshakes", "_is_waiting", "_socket", "_tls")

    def __init__(
        self,
        sock: socket.socket,
        context: SSL.Context,
        address: str,
        callbacks: HandshakeCallbacks,
        handshakes: HandshakeQueue,
    ) -> None:
        super().__init__(sock.fileno(), address, callbacks.poll)
        self._socket = sock
        """OpenSSL uses it, too."""
        self._callbacks = callbacks
        self._handshakes = handshakes
        self._tls = SSL.Connection(context, sock)
        self._tls.set_accept_state()
        self._handle = self._tls._ssl  # noqa: SLF001
        """OpenSSL's connection, which `_tls` owns."""
        self._is_waiting = False
        """Whether the handshake waits for the client, which may be read at once: see `_await`."""
        self._await()

    # The handshake

    def step(self) -> None:
        """Take the next step of the handshake."""
        if self._is_lost:
            return
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            self._await()
        except SSL.WantWriteError:
            self._is_writing = True
            asyncio.get_running_loop().add_writer(self._file, self._handshake_writable)
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

    def _await(self) -> None:
        """Wait for the client's part of the handshake; this waits for no batch of lines."""
        self._is_waiting = True
        asyncio.get_running_loop().add_reader(self._file, self._handshake_ready)

    def _handshake_ready(self) -> None:
        self._stop_waiting()
        self._handshakes.step_soon(self)

    def _stop_waiting(self) -> None:
        self._is_waiting = False
        asyncio.get_running_loop().remove_reader(self._file)

    def _handshake_writable(self) -> None:
        self._stop_writing()
        self._handshakes.step_soon(self)

    def _established(self) -> None:
        self._handshakes.ongoing.discard(self)
        certificate = self._tls.get_peer_certificate(as_cryptography=True)
        fingerprint = "" if certificate is None else certificate.fingerprint(hashes.SHA256()).hex()
        self._protocol = self._callbacks.established(self, fingerprint)
        self.resume_reading()
        self._protocol.connection_made(self)

    def _drop(self) -> None:
        if self._is_waiting:
            self._stop_waiting()
        super()._drop()

    # What it does differently

    def _receive(self) -> int:
        try:
            # The buffer holds a whole record, so that nothing is left in OpenSSL.
            return self._tls.recv_into(self._callbacks.read_buffer)
        except (SSL.WantReadError, SSL.WantWriteError):
            pass
        except SSL.ZeroReturnError:
            self.close()
        except SSL.Error as error:
            self._break_tls(error)
        return 0

    def _send(self, data: bytes | bytearray | memoryview) -> int:
        if type(data) is bytes:
            sent: int = _write_record(self._handle, data, len(data))
            if sent == len(data):
                return sent
            if sent > 0:
                # OpenSSL sends one record at a time.
                with memoryview(data) as view, view[sent:] as rest:
                    return sent + self._send_slowly(rest)
            try:
                self._tls._raise_ssl_error(self._handle, sent)  # noqa: SLF001
            except (SSL.WantReadError, SSL.WantWriteError):
                pass
            except SSL.Error as error:
                self._break_tls(error)
            return 0
        return self._send_slowly(data)

    def _send_slowly(self, data: bytes | bytearray | memoryview) -> int:
        """Do the same as `_send` for any kind and length of data."""
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
            self._break_tls(error)
        return sent

    def _close_file(self) -> None:
        self._socket.close()

    def _say_goodbye(self) -> None:
        with contextlib.suppress(SSL.Error):
            self._tls.shutdown()

    def _break_tls(self, error: SSL.Error) -> None:
        number = error.args[0] if isinstance(error, SSL.SysCallError) else None
        if number == -1:
            # It hung up without a close_notify alert, as most clients do.
            self._break(None)
        elif isinstance(number, int):
            self._break(OSError(number, os.strerror(number)))
        else:
            self._break(OSError(None, f"TLS failed: {describe(error)}"))
