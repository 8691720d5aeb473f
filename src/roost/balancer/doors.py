"""The doors that clients come in by, and what happens before they are clients.

    plain    socket -----------------------------------------> ClientConnection
    TLS      socket --> [PROXY header] --> handshake ---------> ClientConnection
    proxied  socket --> PROXY header -------------------------> ClientConnection
    unix     socket ------------------------------------------> ClientConnection

A header is only read from networks that the operator has named. Whoever else sends one is taken at
its word as an IRC client, or as one that does not speak TLS. A connection counts against the limits
as soon as it is known from where it comes, which is before its handshake.
"""

import asyncio
import contextlib
import errno
import ipaddress
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import structlog

from roost.balancer.certificates import ClientCertificate
from roost.balancer.clients import ClientConnection
from roost.balancer.engine.admission import Network, plain_address
from roost.balancer.engine.arrivals import LOCALHOST, Arrival
from roost.balancer.engine.proxy_header import HEADER_BYTES_MAX, ProxyHeaderError, parse_header
from roost.balancer.listeners import BACKLOG, LOG_INTERVAL_S, ClientDesk, Turns, listening_sockets
from roost.balancer.tls import Handshakes, TlsTransport
from roost.ops.throttling import ThrottledLog
from roost.wire import format_address

ACCEPTS_A_TURN = 64
"""Connections taken in one turn of the loop, so that a crowd does not stop those who talk."""

SCARCE_S = 1.0
"""How long nobody is accepted when the system has no file or memory left for it."""
_SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

Sockets: TypeAlias = Sequence[socket.socket]

_logger = structlog.get_logger()


class Doors:
    """What all doors share: who may come in, and who is on the threshold."""

    def __init__(
        self,
        desk: ClientDesk,
        turns: Turns,
        *,
        proxy_from: Sequence[str],
        handshake_s: float,
        handshakes_max: int,
    ) -> None:
        self.desk = desk
        self.turns = turns
        self.proxies: tuple[Network, ...] = tuple(map(ipaddress.ip_network, proxy_from))
        self.handshakes = Handshakes(handshake_s)
        self.handshakes_max = handshakes_max
        self._header_s = handshake_s
        self._waiting: dict[_HeaderReader, float] = {}
        self._malformed = ThrottledLog(_logger.warning, "proxy-header-refused", LOG_INTERVAL_S)
        self._tls_refused = ThrottledLog(_logger.warning, "tls-refused", LOG_INTERVAL_S)

    def is_proxy(self, address: str) -> bool:
        """Tell whether an address may speak for others."""
        if not self.proxies:
            return False
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(ip in network for network in self.proxies)

    def sweep(self, now: float) -> None:
        """End what has taken too long."""
        self.handshakes.sweep(now)
        for reader, until in list(self._waiting.items()):
            if until > now:
                break
            reader.refuse("no whole PROXY header came in time")

    def read_header(self, sock: socket.socket, address: str, go_on: "GoOn") -> None:
        """Read a proxy's header, then `go_on`."""
        reader = _HeaderReader(self, sock, address, go_on)
        self._waiting[reader] = self.turns.now + self._header_s

    def header_done(self, reader: "_HeaderReader") -> None:
        """A header has come."""
        self._waiting.pop(reader, None)

    def header_refused(self, reader: "_HeaderReader", address: str, reason: str) -> None:
        """What came is no header."""
        self._waiting.pop(reader, None)
        self._malformed.log(self.turns.now, address=address, reason=reason)

    def tls_refused(self, address: str, reason: str) -> None:
        """A handshake has failed."""
        self._tls_refused.log(self.turns.now, address=address, reason=reason)


GoOn: TypeAlias = Callable[[socket.socket, Arrival], None]
"""Takes a socket, and who is there as far as is known."""


class _HeaderReader:
    """Takes a proxy's header, and not a byte more, from a socket."""

    def __init__(self, doors: Doors, sock: socket.socket, address: str, go_on: GoOn) -> None:
        self._doors = doors
        self._socket = sock
        self._address = address
        self._go_on = go_on
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
        """Take what there is of the header, and go on once it is whole.

        Raises:
            OSError: the socket does not work.
            ProxyHeaderError: what came is no header.
        """
        seen = self._socket.recv(HEADER_BYTES_MAX, socket.MSG_PEEK)
        if not seen:
            raise ProxyHeaderError("it hung up before its PROXY header was whole")
        header = parse_header(self._data + seen)
        taken = len(seen) if header is None else header.size - len(self._data)
        self._data += self._socket.recv(taken)
        if header is not None:
            self._loop.remove_reader(self._socket)
            self._doors.header_done(self)
            address = header.address or self._address
            self._go_on(self._socket, Arrival(address, header.is_secure))

    def refuse(self, reason: str) -> None:
        """Close the connection, and say why in the log."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self._doors.header_refused(self, self._address, reason)


class _Acceptor:
    """Accepts from listening sockets, and passes each connection on."""

    def __init__(self, doors: Doors, sockets: Sockets, go_on: GoOn) -> None:
        self._doors = doors
        self._sockets = sockets
        self._go_on = go_on
        self._is_closed = False
        self._loop = asyncio.get_running_loop()
        for listening in sockets:
            listening.listen(BACKLOG)
            self._loop.add_reader(listening, self._accept, listening)

    def close(self) -> None:
        """Accept no more."""
        self._is_closed = True
        for listening in self._sockets:
            self._loop.remove_reader(listening)

    def _go_on_accepting(self, listening: socket.socket) -> None:
        if not self._is_closed:
            self._loop.add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTS_A_TURN):
            try:
                sock, name = listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                # The client is gone already; or there are no files left, and some time is.
                if error.errno in _SCARCE:
                    self._loop.remove_reader(listening)
                    self._loop.call_later(SCARCE_S, self._go_on_accepting, listening)
                return
            sock.setblocking(False)
            address = plain_address(str(name[0])) if isinstance(name, tuple) else LOCALHOST
            if self._doors.is_proxy(address):
                self._doors.read_header(sock, address, self._go_on)
            else:
                self._go_on(sock, Arrival(address, is_secure=address == LOCALHOST))


class PlainDoor:
    """Makes clients of sockets that speak plain text."""

    def __init__(self, doors: Doors, tasks: asyncio.TaskGroup) -> None:
        self._doors = doors
        self._tasks = tasks

    def go_on(self, sock: socket.socket, arrival: Arrival) -> None:
        """Let a client in."""
        self._tasks.create_task(self._connect(sock, arrival))

    async def _connect(self, sock: socket.socket, arrival: Arrival) -> None:
        desk = self._doors.desk
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: ClientConnection(desk, arrival), sock
            )
        except OSError:
            sock.close()


class TlsDoor:
    """Makes clients of sockets that speak TLS."""

    def __init__(self, doors: Doors, certificate: ClientCertificate) -> None:
        self._doors = doors
        self._certificate = certificate

    @property
    def read_buffer(self) -> memoryview:
        """The desk's, which all connections share."""
        return self._doors.desk.read_buffer

    def go_on(self, sock: socket.socket, arrival: Arrival) -> None:
        """Begin a handshake."""
        doors = self._doors
        if len(doors.handshakes) >= doors.handshakes_max:
            doors.tls_refused(arrival.address, f"{doors.handshakes_max} handshakes are under way")
            sock.close()
            return
        if doors.desk.admit(arrival.address):
            sock.close()
            return
        transport = TlsTransport(
            sock, self._certificate.context, arrival.address, self, doors.handshakes
        )
        doors.handshakes.begin(transport, doors.turns.now)

    def established(self, transport: TlsTransport, certificate: str) -> ClientConnection:
        """A handshake is done: give the client's connection."""
        arrival = Arrival(transport.address, is_secure=True, certificate=certificate)
        return ClientConnection(self._doors.desk, arrival, is_admitted=True)

    def failed(self, transport: TlsTransport, reason: str) -> None:
        """A handshake has failed."""
        self._doors.desk.dismiss(transport.address)
        self._doors.tls_refused(transport.address, reason)


@contextlib.asynccontextmanager
async def open_tls(
    doors: Doors, certificate: ClientCertificate, host: str, port: int, keepalive_s: int
) -> AsyncIterator[tuple[str, ...]]:
    """Accept TLS clients while the context lasts; gives the addresses, host:port each.

    Raises:
        OSError: the address cannot be listened on.
    """
    async with listening_sockets(host, port, keepalive_s) as sockets:
        acceptor = _Acceptor(doors, sockets, TlsDoor(doors, certificate).go_on)
        try:
            yield tuple(format_address(one.getsockname()) for one in sockets)
        finally:
            acceptor.close()


@contextlib.asynccontextmanager
async def open_proxied(
    doors: Doors, host: str, port: int, keepalive_s: int
) -> AsyncIterator[tuple[str, ...]]:
    """Accept plain clients, some of which come through proxies; gives the addresses.

    Raises:
        OSError: the address cannot be listened on.
    """
    async with (
        listening_sockets(host, port, keepalive_s) as sockets,
        asyncio.TaskGroup() as tasks,
    ):
        acceptor = _Acceptor(doors, sockets, PlainDoor(doors, tasks).go_on)
        try:
            yield tuple(format_address(one.getsockname()) for one in sockets)
        finally:
            acceptor.close()


@contextlib.asynccontextmanager
async def open_unix(doors: Doors, path: Path, mode: int) -> AsyncIterator[str]:
    """Accept clients of this machine while the context lasts; gives the path.

    A socket that a process left behind is replaced, one that somebody listens on is not, nor
    is anything else.

    Raises:
        OSError: the path cannot be listened on; its text says why.
    """
    with _unix_socket(path, mode) as listening:
        async with asyncio.TaskGroup() as tasks:
            acceptor = _Acceptor(doors, [listening], PlainDoor(doors, tasks).go_on)
            try:
                yield str(path)
            finally:
                acceptor.close()


@contextlib.contextmanager
def _unix_socket(path: Path, mode: int) -> Iterator[socket.socket]:
    """Bind a socket, and remove its file in the end unless it is somebody else's by then."""
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
        # Nobody may connect before the permissions are what they should be.
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
        OSError: something else is there, or somebody listens.
    """
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(0, "there is something else")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise FileExistsError(0, "another process listens there")
