"""Listeners: how clients get in, and what comes before the first line.

    plain    socket --> [PROXY header] ----------------------> ClientConnection
    TLS      socket --> [PROXY header] --> handshake ---------> ClientConnection
    unix     socket ------------------------------------------> ClientConnection

A PROXY header is only read from networks that the operator has named; from anybody else it is an
IRC line, or a failed handshake. A connection counts against the limits as soon as its address is
known, which is before its handshake.
"""

import asyncio
import contextlib
import errno
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import structlog

from roost.balancer.certificates import ClientCertificate
from roost.balancer.client_poll import ClientPoll
from roost.balancer.clients import ClientConnection
from roost.balancer.config import ClientLimits
from roost.balancer.engine.client_info import (
    LOCALHOST,
    ClientInfo,
    TrustedProxies,
    plain_address,
)
from roost.balancer.engine.expiry_queue import ExpiryQueue
from roost.balancer.engine.proxy_header import HEADER_BYTES_MAX, ProxyHeaderError, parse_header
from roost.balancer.frontend import LOG_INTERVAL_S, Frontend
from roost.balancer.scheduling import FlushScheduler
from roost.balancer.sockets import BACKLOG, listening_sockets
from roost.balancer.tls import HandshakeQueue, TlsTransport
from roost.balancer.transport import PlainTransport
from roost.ops.throttling import ThrottledLog
from roost.wire import format_address

ACCEPTS_A_TURN = 64
"""Connections accepted in one turn of the event loop, so that a crowd does not delay others."""
SCARCE_S = 1.0
"""How long to accept nobody after the system ran out of files or memory."""
_SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

Sockets: TypeAlias = Sequence[socket.socket]

_logger = structlog.get_logger()


class Listeners:
    """What all listeners share: trusted proxies, and connections that are no clients yet."""

    def __init__(
        self,
        frontend: Frontend,
        scheduler: FlushScheduler,
        limits: ClientLimits,
        proxy_from: Sequence[str],
        poll: ClientPoll,
    ) -> None:
        self.poll = poll
        self.frontend = frontend
        self.scheduler = scheduler
        self.proxies = TrustedProxies(proxy_from)
        self.handshakes = HandshakeQueue(limits.handshake_s)
        self.handshakes_max = limits.handshakes_max
        self._headers: ExpiryQueue[_HeaderReader] = ExpiryQueue(limits.handshake_s)
        self._malformed = ThrottledLog(_logger.warning, "proxy-header-refused", LOG_INTERVAL_S)
        self._tls_refused = ThrottledLog(_logger.warning, "tls-refused", LOG_INTERVAL_S)

    def sweep(self, now: float) -> None:
        """Close connections whose header or handshake takes too long."""
        self.handshakes.sweep(now)
        for reader in self._headers.expired(now):
            reader.refuse("no complete PROXY header came in time")

    def read_header(self, sock: socket.socket, address: str, accept: "Accept") -> None:
        """Read a proxy's header, then `accept` the connection."""
        self._headers.add(_HeaderReader(self, sock, address, accept), self.scheduler.now)

    def header_done(self, reader: "_HeaderReader") -> None:
        """Note that a header is complete."""
        self._headers.discard(reader)

    def header_refused(self, reader: "_HeaderReader", address: str, reason: str) -> None:
        """Log that a proxy sent something else than a header."""
        self._headers.discard(reader)
        self._malformed.log(self.scheduler.now, address=address, reason=reason)

    def tls_refused(self, address: str, reason: str) -> None:
        """Log a handshake that failed or was not begun."""
        self._tls_refused.log(self.scheduler.now, address=address, reason=reason)


Accept: TypeAlias = Callable[[socket.socket, ClientInfo], None]
"""Takes over a connection, with what is known of the client."""


class _HeaderReader:
    """Reads a proxy's header, and not a byte more, from a socket."""

    def __init__(
        self, listeners: Listeners, sock: socket.socket, address: str, accept: Accept
    ) -> None:
        self._listeners = listeners
        self._socket = sock
        self._address = address
        self._accept_client = accept
        self._data = b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock, self._readable)

    def _readable(self) -> None:
        try:
            self._take()
        except BlockingIOError:
            return
        except OSError as error:
            self.refuse(error.strerror or str(error))
        except ProxyHeaderError as error:
            self.refuse(str(error))

    def _take(self) -> None:
        """Read what there is of the header, and accept the client once it is complete.

        Raises:
            OSError: The socket does not work.
            ProxyHeaderError: This is no header.
        """
        seen = self._socket.recv(HEADER_BYTES_MAX, socket.MSG_PEEK)
        if not seen:
            raise ProxyHeaderError("it hung up before its PROXY header was complete")
        header = parse_header(self._data + seen)
        taken = len(seen) if header is None else header.size - len(self._data)
        self._data += self._socket.recv(taken)
        if header is not None:
            self._loop.remove_reader(self._socket)
            self._listeners.header_done(self)
            address = header.address or self._address
            self._accept_client(self._socket, ClientInfo(address, header.is_secure))

    def refuse(self, reason: str) -> None:
        """Close the connection, and say why in the log."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self._listeners.header_refused(self, self._address, reason)


class _Acceptor:
    """Accepts connections from listening sockets."""

    def __init__(self, listeners: Listeners, sockets: Sockets, accept: Accept) -> None:
        self._listeners = listeners
        self._sockets = sockets
        self._accept_client = accept
        self._is_closed = False
        self._loop = asyncio.get_running_loop()
        for listening in sockets:
            listening.listen(BACKLOG)
            self._loop.add_reader(listening, self._accept, listening)

    def close(self) -> None:
        """Stop accepting."""
        self._is_closed = True
        for listening in self._sockets:
            self._loop.remove_reader(listening)

    def _resume(self, listening: socket.socket) -> None:
        if not self._is_closed:
            self._loop.add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTS_A_TURN):
            try:
                sock, name = listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                # The client is gone already, or the system has no files left for the moment.
                if error.errno in _SCARCE:
                    self._loop.remove_reader(listening)
                    self._loop.call_later(SCARCE_S, self._resume, listening)
                return
            sock.setblocking(False)
            address = plain_address(str(name[0])) if isinstance(name, tuple) else LOCALHOST
            if address in self._listeners.proxies:
                self._listeners.read_header(sock, address, self._accept_client)
            else:
                self._accept_client(sock, ClientInfo(address, is_secure=address == LOCALHOST))


class PlainListener:
    """Accepts clients that speak plain text."""

    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners

    def accept(self, sock: socket.socket, info: ClientInfo) -> None:
        connection = ClientConnection(self._listeners.frontend, info)
        PlainTransport(sock, info.address, self._listeners.poll).open(connection)


class TlsListener:
    """Accepts clients that speak TLS."""

    def __init__(self, listeners: Listeners, certificate: ClientCertificate) -> None:
        self._listeners = listeners
        self._certificate = certificate

    @property
    def read_buffer(self) -> memoryview:
        """Shared by all connections."""
        return self._listeners.frontend.read_buffer

    @property
    def poll(self) -> ClientPoll:
        """Says when there is something to read."""
        return self._listeners.poll

    def accept(self, sock: socket.socket, info: ClientInfo) -> None:
        """Begin a handshake."""
        listeners = self._listeners
        if len(listeners.handshakes.ongoing) >= listeners.handshakes_max:
            listeners.tls_refused(
                info.address, f"{listeners.handshakes_max} handshakes are under way"
            )
            sock.close()
            return
        if listeners.frontend.admit(info.address):
            sock.close()
            return
        transport = TlsTransport(
            sock, self._certificate.context, info.address, self, listeners.handshakes
        )
        listeners.handshakes.ongoing.add(transport, listeners.scheduler.now)

    def established(self, transport: TlsTransport, certificate: str) -> ClientConnection:
        """Return the connection of a client whose handshake is done."""
        info = ClientInfo(transport.address, is_secure=True, certificate=certificate)
        return ClientConnection(self._listeners.frontend, info, is_admitted=True)

    def failed(self, transport: TlsTransport, reason: str) -> None:
        """Note that a handshake has failed."""
        self._listeners.frontend.release(transport.address)
        self._listeners.tls_refused(transport.address, reason)


@contextlib.asynccontextmanager
async def open_tls(
    listeners: Listeners, certificate: ClientCertificate, host: str, port: int, keepalive_s: int
) -> AsyncIterator[tuple[str, ...]]:
    """Accept TLS clients while the context lasts; yield the addresses, host:port each.

    Raises:
        OSError: The address cannot be listened on.
    """
    async with listening_sockets(host, port, keepalive_s) as sockets:
        accept = TlsListener(listeners, certificate).accept
        with contextlib.closing(_Acceptor(listeners, sockets, accept)):
            yield tuple(format_address(one.getsockname()) for one in sockets)


@contextlib.asynccontextmanager
async def open_plain(
    listeners: Listeners, host: str, port: int, keepalive_s: int
) -> AsyncIterator[tuple[str, ...]]:
    """Accept plain clients while the context lasts; yield the addresses, host:port each.

    Raises:
        OSError: The address cannot be listened on; the text says why.
    """
    async with listening_sockets(host, port, keepalive_s) as sockets:
        accept = PlainListener(listeners).accept
        with contextlib.closing(_Acceptor(listeners, sockets, accept)):
            yield tuple(format_address(one.getsockname()) for one in sockets)


@contextlib.asynccontextmanager
async def open_unix(listeners: Listeners, path: Path, mode: int) -> AsyncIterator[str]:
    """Accept clients of this machine while the context lasts; yield the path.

    Replace a socket that a process left behind, but nothing else.

    Raises:
        OSError: The path cannot be listened on; the text says why.
    """
    with _unix_socket(path, mode) as listening:
        accept = PlainListener(listeners).accept
        with contextlib.closing(_Acceptor(listeners, [listening], accept)):
            yield str(path)


@contextlib.contextmanager
def _unix_socket(path: Path, mode: int) -> Iterator[socket.socket]:
    """Bind a socket; in the end remove its file, unless another process has replaced it."""
    with _bind_unix(path, mode) as listening:
        made = path.stat()
        try:
            yield listening
        finally:
            with contextlib.suppress(OSError):
                if os.path.samestat(path.stat(), made):
                    path.unlink()


def _bind_unix(path: Path, mode: int) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        _clear_stale(path)
        # Nobody may connect before the permissions are set.
        before = os.umask(0o777 & ~mode)
        try:
            listening.bind(str(path))
        finally:
            os.umask(before)
        path.chmod(mode)
    except OSError as error:
        listening.close()
        why = error.strerror or str(error)
        raise OSError(error.errno, f"cannot listen on {path}: {why}") from error
    return listening


def _clear_stale(path: Path) -> None:
    """Remove a socket that nobody listens on any more.

    Raises:
        OSError: Something else is there, or another process listens.
    """
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(0, "something else is there")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise FileExistsError(0, "another process listens there")
