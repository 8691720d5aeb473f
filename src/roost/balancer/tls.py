"""A client's TLS connection, shaped like the loop's own transports.

    socket <--> OpenSSL <--> TlsTransport <--> ClientConnection

OpenSSL reads and writes the socket itself, so what a client is sent is encrypted and handed to the
system in one call, and an idle connection holds no buffer. Handshakes are the only dear part: all
that wait for one take turns, a few in each turn of the loop, so that a crowd that comes back does
not stop those who talk.
"""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL

from roost.balancer.certificates import describe
from roost.balancer.clients import ClientConnection

HANDSHAKES_A_TURN = 4
"""Steps of handshakes in one turn of the loop: a step with an RSA key takes about a millisecond."""
CIPHERTEXT_CHUNK = 16 * 1024
"""What is thrown away of a closing client's last words, at once."""

_PLAIN_WORDS = {
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
"""OpenSSL's reasons, in words that say what to look at."""


class Host(Protocol):
    """What a TLS connection needs of its door."""

    @property
    def read_buffer(self) -> memoryview:
        """Shared by all connections."""

    def established(self, transport: "TlsTransport", certificate: str) -> ClientConnection:
        """A handshake is done: give the client's connection."""

    def failed(self, transport: "TlsTransport", reason: str) -> None:
        """A handshake has failed, and the connection is gone."""


class Handshakes:
    """Those whose handshake is not done: who takes the next step, and who takes too long."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: dict[TlsTransport, float] = {}
        self._due: deque[TlsTransport] = deque()
        self._is_turn_due = False

    def __len__(self) -> int:
        return len(self._until)

    def begin(self, transport: "TlsTransport", now: float) -> None:
        """Watch over a handshake."""
        self._until[transport] = now + self._seconds

    def end(self, transport: "TlsTransport") -> None:
        """It is done, or has failed."""
        self._until.pop(transport, None)

    def step_soon(self, transport: "TlsTransport") -> None:
        """Have it take a step in its turn."""
        self._due.append(transport)
        self._call()

    def sweep(self, now: float) -> None:
        """End those that have taken too long."""
        for transport, until in list(self._until.items()):
            if until > now:
                break
            transport.fail("it took too long")

    def _call(self) -> None:
        if self._due and not self._is_turn_due:
            self._is_turn_due = True
            asyncio.get_running_loop().call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._is_turn_due = False
        for _ in range(min(HANDSHAKES_A_TURN, len(self._due))):
            self._due.popleft().step()
        self._call()


class TlsTransport(asyncio.Transport):
    """One TLS connection, from its handshake on.

    What the socket does not take at once is kept here, and the protocol told to pause; it is never
    more than one write of the protocol's.
    """

    def __init__(
        self,
        sock: socket.socket,
        context: SSL.Context,
        address: str,
        host: Host,
        handshakes: Handshakes,
    ) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._host = host
        self._handshakes = handshakes
        self.address = address
        """Where the client is."""
        self._tls = SSL.Connection(context, sock)
        self._tls.set_accept_state()
        self._protocol: ClientConnection | None = None
        self._backlog = bytearray()
        self._is_reading = False
        self._is_writing = False
        """Whether the loop tells us when the socket can be written."""
        self._is_closing = False
        self._is_ending = False
        """Nothing more is written: our direction closes once the backlog is out."""
        self._has_ended = False
        self._is_lost = False
        self._watch(self._handshake_ready)

    # The handshake

    def step(self) -> None:
        """Go on with the handshake."""
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
            self.fail(_PLAIN_WORDS.get(reason, reason))
        else:
            self._established()

    def fail(self, reason: str) -> None:
        """End a handshake that cannot succeed."""
        if not self._is_lost and self._protocol is None:
            self._is_lost = self._is_closing = True
            self._drop()
            self._handshakes.end(self)
            self._host.failed(self, reason)

    def _handshake_ready(self) -> None:
        self._unwatch()
        self._handshakes.step_soon(self)

    def _handshake_writable(self) -> None:
        self._loop.remove_writer(self._socket)
        self._handshakes.step_soon(self)

    def _established(self) -> None:
        self._handshakes.end(self)
        certificate = self._tls.get_peer_certificate(as_cryptography=True)
        fingerprint = "" if certificate is None else certificate.fingerprint(hashes.SHA256()).hex()
        self._protocol = self._host.established(self, fingerprint)
        self._watch(self._readable)
        self._protocol.connection_made(self)

    # Reading

    def _readable(self) -> None:
        protocol = self._protocol
        assert protocol is not None, "there is one as soon as the handshake is done"
        if self._has_ended:
            self._discard()
            return
        try:
            # The buffer holds a whole record, so nothing stays behind in OpenSSL.
            count = self._tls.recv_into(self._host.read_buffer)
        except (SSL.WantReadError, SSL.WantWriteError):
            return
        except SSL.ZeroReturnError:
            protocol.eof_received()
            self.close()
        except SSL.Error as error:
            self._break(error)
        else:
            protocol.buffer_updated(count)

    def _discard(self) -> None:
        """Throw away what a client still says after our last word."""
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
        """Take nothing more from the socket for now."""
        self._unwatch()

    def resume_reading(self) -> None:
        """Take more from the socket."""
        self._watch(self._readable)

    def is_reading(self) -> bool:
        """Whether the socket is read."""
        return self._is_reading

    # Writing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send; what the socket does not take is kept."""
        if self._is_closing or self._is_ending or not data:
            return
        if self._backlog:
            self._backlog += data
            return
        sent = self._send(data)
        if sent < len(data) and not self._is_closing:
            self._backlog += memoryview(data)[sent:]
            self._await_socket()
            assert self._protocol is not None, "only a protocol writes"
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        """Encrypt and send several pieces as one."""
        self.write(b"".join(list_of_data))

    def _send(self, data: bytes | bytearray | memoryview) -> int:
        """Send as much as the socket takes; gives how much that was."""
        sent = 0
        try:
            sent = self._tls.send(data)
            while sent < len(data):
                # OpenSSL takes one record at a time.
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
        """How much the socket has not taken yet."""
        return len(self._backlog)

    def can_write_eof(self) -> bool:
        """Whether our direction can be closed alone."""
        return True

    def write_eof(self) -> None:
        """Close our direction, once everything is out."""
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
        """Whether the connection is closed, or is being."""
        return self._is_closing

    def close(self) -> None:
        """Close, once everything is out."""
        if self._is_closing:
            return
        self._is_closing = True
        self._unwatch()
        if not self._backlog:
            self._close_now(None)

    def abort(self) -> None:
        """Drop the connection at once."""
        self._is_closing = True
        self._backlog.clear()
        self._close_now(None)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Give the socket, or the peer's address."""
        match name:
            case "socket":
                return self._socket
            case "peername":
                return (self.address, 0)
            case _:
                return default

    def _break(self, error: SSL.Error) -> None:
        """The connection does not work any more."""
        if self._is_lost:
            return
        self._is_closing = True
        self._backlog.clear()
        number = error.args[0] if isinstance(error, SSL.SysCallError) else None
        if number == -1:
            # It hung up without saying good-bye, as most do.
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
            # Not within a call of the protocol's own.
            self._loop.call_soon(protocol.connection_lost, error)

    def _drop(self) -> None:
        self._unwatch()
        self._loop.remove_writer(self._socket)
        self._is_writing = False
        self._socket.close()
