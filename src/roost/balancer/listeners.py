"""Where clients come in: the sockets, and the desk that every connection is dealt with at."""

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

import structlog

from roost.balancer.clients import READ_BYTES, ClientConnection, Joiner
from roost.balancer.config import ClientLimits
from roost.balancer.engine.admission import Doorkeeper
from roost.balancer.engine.exchange import Exchange
from roost.balancer.engine.sessions import Session
from roost.ops.throttling import ThrottledLog
from roost.wire import format_address

_logger = structlog.get_logger()

BACKLOG = 1024
"""Connections that the system accepts for us while we are busy: a crowd that reconnects."""
OWN_FILES = 256
"""File descriptors kept for trunks, HTTP, logs and libraries."""
LOG_INTERVAL_S = 1.0
"""Between two log lines about clients that are turned away, so that a crowd cannot fill a disk."""


class Turns(Protocol):
    """The loop's turns, as whoever composes the balancer drives them."""

    @property
    def now(self) -> float:
        """The time, not older than a sweep."""

    def touch(self) -> None:
        """Something was given to the exchange: finish this turn."""


class ClientDesk:
    """Lets clients in, passes on what they say, and sees them off."""

    def __init__(self, limits: ClientLimits, exchange: Exchange, turns: Turns) -> None:
        self._limits = limits
        self._exchange = exchange
        self._turns = turns
        self._doorkeeper = Doorkeeper(
            total_max=files_allow(limits.connections_max),
            per_address_max=limits.connections_per_address_max,
            exempt=limits.exempt_networks,
            burst=limits.connects_burst,
            per_s=limits.connects_per_s,
        )
        self._lingering: dict[ClientConnection, float] = {}
        """Connections that are being closed, and until when they may linger."""
        self._turned_away = ThrottledLog(_logger.warning, "client-turned-away", LOG_INTERVAL_S)
        self._cut_off = ThrottledLog(_logger.warning, "client-cut-off", LOG_INTERVAL_S)
        self.read_buffer = memoryview(bytearray(READ_BYTES))
        self.line_bytes_max = limits.line_bytes_max
        self.unread_bytes_max = limits.unread_bytes_max
        self.join = Joiner().join

    @property
    def turned_away(self) -> int:
        """How many connections were not let in."""
        return self._turned_away.count

    @property
    def cut_off(self) -> int:
        """How many clients were cut off because they did not read."""
        return self._cut_off.count

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return self._doorkeeper.total

    @property
    def connections_max(self) -> int:
        """How many clients may be connected; less than configured if the system allows less."""
        return self._doorkeeper.total_max

    # What doors call

    def admit(self, address: str) -> str:
        """Count a connection in; gives the reason when it may not come in, which is logged."""
        refusal = self._doorkeeper.enter(address, self._turns.now)
        if refusal:
            self._turned_away.log(self._turns.now, address=address, reason=refusal)
        return refusal

    def dismiss(self, address: str) -> None:
        """Count a connection out that was admitted, and never became a client's."""
        self._doorkeeper.leave(address)

    # What connections call

    def opened(self, connection: ClientConnection) -> Session | None:
        """Let a client in; None when it may not come in, and has been told."""
        arrival = connection.arrival
        if not connection.is_admitted:
            refusal = self.admit(arrival.address)
            if refusal:
                connection.finish(f"ERROR :Closing link: {refusal}\r\n".encode())
                return None
            connection.is_admitted = True
        session = self._exchange.client_connected(
            connection,
            arrival.address,
            self._turns.now,
            is_secure=arrival.is_secure,
            certificate=arrival.certificate,
        )
        self._turns.touch()
        return session

    def spoke(self, connection: ClientConnection, lines: list[bytes | None]) -> None:
        """A client has sent lines."""
        if connection.session is not None:
            self._exchange.client_spoke(connection.session, lines, self._turns.now)
            self._turns.touch()

    def unread(self, connection: ClientConnection) -> None:
        """A client leaves too much unread: cut it off, and tell it if it still listens."""
        limit = self.unread_bytes_max
        self._cut_off.log(
            self._turns.now,
            address=connection.arrival.address,
            unread_bytes=connection.unread_bytes,
        )
        text = f"ERROR :Closing link: SendQ exceeded ({limit} bytes unread)\r\n"
        connection.cut_off(text.encode())
        if connection.session is not None:
            self._exchange.client_lost(connection.session, "SendQ exceeded", self._turns.now)

    def finishing(self, connection: ClientConnection) -> None:
        """The connection is being closed and may linger only so long."""
        self._lingering[connection] = self._turns.now + self._limits.linger_s

    def closed(self, connection: ClientConnection, reason: str) -> None:
        """The connection is gone."""
        self._lingering.pop(connection, None)
        if connection.is_admitted:
            self._doorkeeper.leave(connection.arrival.address)
        if connection.session is not None:
            self._exchange.client_lost(connection.session, reason, self._turns.now)
            self._turns.touch()

    # What the balancer calls

    def sweep(self, now: float) -> None:
        """Drop the connections that have lingered long enough."""
        for connection, until in list(self._lingering.items()):
            if until > now:
                break
            connection.abort()

    def close_lingering(self) -> None:
        """Close what still lingers; the system sends on what it has taken."""
        for connection in list(self._lingering):
            connection.close()


def files_allow(connections_max: int) -> int:
    """Have the system allow as many open files as it ever will; gives how many clients fit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return connections_max
    allowed = max(1, min(connections_max, soft - OWN_FILES))
    if allowed < connections_max:
        _logger.warning("few-open-files", open_files_max=soft, connections_max=allowed)
    return allowed


@contextlib.asynccontextmanager
async def listen(
    host: str, port: int, keepalive_s: int, make: Callable[[], ClientConnection]
) -> AsyncIterator[tuple[str, ...]]:
    """Accept clients while the context lasts; gives the addresses, host:port each.

    Raises:
        OSError: the address cannot be listened on; its text says which and why.
    """
    loop = asyncio.get_running_loop()
    async with (
        listening_sockets(host, port, keepalive_s) as sockets,
        contextlib.AsyncExitStack() as stack,
    ):
        for listening in sockets:
            server = await loop.create_server(make, sock=listening, backlog=BACKLOG)
            stack.callback(server.close)
        yield tuple(format_address(listening.getsockname()) for listening in sockets)


@contextlib.asynccontextmanager
async def listening_sockets(
    host: str, port: int, keepalive_s: int
) -> AsyncIterator[list[socket.socket]]:
    """Bind a socket for each of the host's addresses, which are closed with the context.

    Raises:
        OSError: the address cannot be listened on; its text says which and why.
    """
    with contextlib.ExitStack() as stack:
        sockets: list[socket.socket] = []
        for family, name in await _resolve(asyncio.get_running_loop(), host, port):
            if sockets:
                # All addresses of one host get the same port, also when any was asked for.
                name = (name[0], sockets[0].getsockname()[1], *name[2:])
            sockets.append(stack.enter_context(_listening_socket(family, name, keepalive_s)))
            if port == 0:
                break
        yield sockets


async def _resolve(
    loop: asyncio.AbstractEventLoop, host: str, port: int
) -> list[tuple[socket.AddressFamily, tuple[Any, ...]]]:
    try:
        found = await loop.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror as error:
        raise OSError(error.errno, f"cannot listen on {host!r}: {error.strerror}") from error
    return list(dict.fromkeys((family, name) for family, _, _, _, name in found))


def _listening_socket(
    family: socket.AddressFamily, name: tuple[Any, ...], keepalive_s: int
) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # What is set here, accepted sockets inherit.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
            if hasattr(socket, option):
                listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), keepalive_s)
        listening.bind(name)
    except OSError as error:
        listening.close()
        text = f"cannot listen on {format_address(name)}: {os.strerror(error.errno or 0)}"
        raise OSError(error.errno, text) from error
    return listening
