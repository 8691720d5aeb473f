"""How connections come about: listening for peers, and dialling one.

    serve    TCP -> TLS handshake (a task, bounded in time and number) -> admitted? -> factory
    connect  the same from the other side

Who is refused leaves one line in the log and no other trace.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

import structlog

from roost.wire.address import format_address
from roost.wire.connection import FramedConnection, HandlerFactory, Limits
from roost.wire.errors import RefusedPeerError
from roost.wire.identity import Admission, Identity
from roost.wire.tls import describe_failure

_logger = structlog.get_logger()

_ACCEPT_PAUSE_S = 0.1
"""After accepting failed for want of a resource, this long nobody is accepted."""
_BACKLOG = 128
"""Connections that the system holds for us; a cluster's peers are few."""
_SHUTDOWN_S = 1.0
"""How long a closing connection waits for the peer's farewell."""


class RefusalLog:
    """Says that somebody was refused: once per address and while, so that nobody fills the log."""

    _ADDRESSES_MAX = 1000

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._said: dict[str, float] = {}

    def refused(self, address: str, reason: str, now: float, *, peer: Identity | None) -> bool:
        """Log it, unless that was done for this host lately; tells whether it was."""
        host = address.rpartition(":")[0]
        if now - self._said.get(host, float("-inf")) < self._interval_s:
            return False
        self._said.pop(host, None)
        self._said[host] = now
        if len(self._said) > self._ADDRESSES_MAX:
            del self._said[next(iter(self._said))]
        claimed = {"peer": peer.uri} if peer is not None else {}
        _logger.warning("peer-refused", address=address, reason=reason, **claimed)
        return True


class Listener:
    """Accepts connections, one TLS handshake task each."""

    def __init__(
        self,
        server: socket.socket,
        context: ssl.SSLContext,
        factory: HandlerFactory,
        admission: Admission,
        limits: Limits,
    ) -> None:
        self._server = server
        self._context = context
        self._factory = factory
        self._admission = admission
        self._limits = limits
        self._handshakes: dict[asyncio.Task[None], None] = {}
        self._connections: dict[FramedConnection, None] = {}
        self._refusals = RefusalLog(limits.refusal_log_s)
        self.port: int = server.getsockname()[1]
        """The port that was chosen, when a free one was asked for."""

    @property
    def handshake_count(self) -> int:
        """How many handshakes are under way."""
        return len(self._handshakes)

    async def accept(self, tasks: asyncio.TaskGroup) -> None:
        """Accept for ever."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, name = await loop.sock_accept(self._server)
            except OSError as error:
                # Out of file descriptors, say: what is connected must go on undisturbed.
                _logger.error("accept-failed", port=self.port, reason=describe_failure(error))
                await asyncio.sleep(_ACCEPT_PAUSE_S)
                continue
            address = format_address(name)
            if len(self._handshakes) >= self._limits.handshakes_max:
                accepted.close()
                limit = self._limits.handshakes_max
                self._refuse(address, f"{limit} handshakes are under way already")
                continue
            task = tasks.create_task(self._shake_hands(accepted, address))
            self._handshakes[task] = None
            task.add_done_callback(self._handshakes.pop)

    def stop(self) -> None:
        """Drop everything that was accepted."""
        for task in list(self._handshakes):
            task.cancel()
        for connection in list(self._connections):
            connection.abort("this process is stopping")

    async def _shake_hands(self, accepted: socket.socket, address: str) -> None:
        loop = asyncio.get_running_loop()
        connection = _ListenedConnection(
            self._factory, self._admission, self._limits, self._connections
        )
        try:
            await loop.connect_accepted_socket(
                lambda: connection,
                accepted,
                ssl=self._context,
                ssl_handshake_timeout=self._limits.handshake_s,
                ssl_shutdown_timeout=_SHUTDOWN_S,
            )
        except OSError as error:
            self._refuse(address, describe_failure(error))
            return
        if connection.refusal:
            self._refuse(address, connection.refusal, connection.shown_identity)

    def _refuse(self, address: str, reason: str, peer: Identity | None = None) -> None:
        now = asyncio.get_running_loop().time()
        self._refusals.refused(address, reason, now, peer=peer)


class _ListenedConnection(FramedConnection):
    """A connection that its listener can drop when it stops."""

    def __init__(
        self,
        factory: HandlerFactory,
        admission: Admission,
        limits: Limits,
        siblings: dict[FramedConnection, None],
    ) -> None:
        super().__init__(factory, admission, limits)
        self._siblings = siblings

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be known to the listener while it lasts."""
        self._siblings[self] = None
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Be forgotten."""
        self._siblings.pop(self, None)
        super().connection_lost(exc)


@contextlib.asynccontextmanager
async def serve(
    host: str,
    port: int,
    context: ssl.SSLContext,
    factory: HandlerFactory,
    admission: Admission,
    limits: Limits | None = None,
) -> AsyncIterator[Listener]:
    """Accept connections while the context lasts; then drop those that were accepted.

    A peer whose certificate is missing, foreign or expired, or whose identity is not admitted, is
    refused with one line in the log and never reaches the factory.

    Raises:
        OSError: the address cannot be listened on.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, name = found[0][0], found[0][4]
    with socket.create_server(name, family=family, backlog=_BACKLOG) as server:
        server.setblocking(False)
        listener = Listener(server, context, factory, admission, limits or Limits())
        async with asyncio.TaskGroup() as tasks:
            accepting = tasks.create_task(listener.accept(tasks))
            try:
                yield listener
            finally:
                accepting.cancel()
                listener.stop()


async def connect(
    host: str,
    port: int,
    context: ssl.SSLContext,
    factory: HandlerFactory,
    admission: Admission,
    limits: Limits | None = None,
) -> FramedConnection:
    """Dial a peer. It may still turn us down afterwards: wait for its first frame.

    Raises:
        RefusedPeerError: the handshake failed, or the peer is not who we want to talk to.
        OSError: nobody could be reached, `TimeoutError` included.
    """
    limits = limits or Limits()
    loop = asyncio.get_running_loop()
    try:
        _, connection = await loop.create_connection(
            lambda: FramedConnection(factory, admission, limits),
            host,
            port,
            ssl=context,
            ssl_handshake_timeout=limits.handshake_s,
            ssl_shutdown_timeout=_SHUTDOWN_S,
        )
    except ssl.SSLError as error:
        raise RefusedPeerError(describe_failure(error)) from error
    if connection.refusal:
        raise RefusedPeerError(connection.refusal)
    return connection
