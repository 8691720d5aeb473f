"""Accept connections from peers, and dial peers.

    serve    TCP -> TLS handshake (a task, bounded in time and number) -> admitted? -> factory
    connect  the same from the other side

A refused peer causes one line in the log and nothing else.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

import structlog

from roost.ops import clock
from roost.ops.throttling import ThrottledLog
from roost.wire.address import format_address
from roost.wire.connection import FramedConnection, HandlerFactory, Limits
from roost.wire.errors import RefusedPeerError
from roost.wire.identity import Admission, Identity
from roost.wire.tls import describe_failure

_logger = structlog.get_logger()

_ACCEPT_PAUSE_S = 0.1
"""The pause after accepting failed for lack of a resource."""
_BACKLOG = 128
"""Connections that the system accepts ahead of us; a cluster's peers are few."""
REFUSAL_LOG_S = 10.0
"""Between two log lines about refused peers of one host, so that no peer can fill the log."""
_SHUTDOWN_S = 1.0
"""How long a closing connection waits for the peer to close its side of TLS."""


RECENT_S = 60.0
"""How long a refusal is recent: longer than a refused peer waits before it tries again."""
RECENT_MAX = 8
"""Recent refusals that are kept; more would not be read."""


class RefusalLog:
    """Logs that peers were refused, at most once per host in `REFUSAL_LOG_S`; knows the recent."""

    def __init__(self) -> None:
        self._recent: dict[str, tuple[float, str]] = {}
        self._log = ThrottledLog(_logger.warning, "peer-refused", REFUSAL_LOG_S)

    def refused(self, address: str, reason: str, peer: Identity | None = None) -> None:
        """Log a refusal, with the identity in the peer's certificate if it is known."""
        host = address.rpartition(":")[0]
        shown = {"peer": peer.uri} if peer is not None else {}
        now = clock.monotonic()
        self._log.log(now, host, address=address, reason=reason, **shown)
        name = _name_of(address, peer)
        self._recent.pop(name, None)
        self._recent[name] = (now, reason)
        if len(self._recent) > RECENT_MAX:
            del self._recent[next(iter(self._recent))]

    def accepted(self, address: str, peer: Identity) -> None:
        """Forget the refusals of a peer that is welcome now."""
        for name in (_name_of(address, peer), _name_of(address, None)):
            self._recent.pop(name, None)

    def recent(self) -> list[str]:
        """Return which peers were refused lately, and why."""
        since = clock.monotonic() - RECENT_S
        return [
            f"{name} is refused: {why}" for name, (at, why) in self._recent.items() if at >= since
        ]


def _name_of(address: str, peer: Identity | None) -> str:
    return peer.name if peer is not None else address.rpartition(":")[0]


class Listener:
    """Accepts connections; each TLS handshake is a task."""

    def __init__(
        self,
        server: socket.socket,
        context: ssl.SSLContext,
        factory: HandlerFactory,
        admission: Admission,
        limits: Limits,
        refusals: RefusalLog,
    ) -> None:
        self._server = server
        self._context = context
        self._factory = factory
        self._admission = admission
        self._limits = limits
        self._handshakes: dict[asyncio.Task[None], None] = {}
        self._connections: dict[FramedConnection, None] = {}
        self._refusals = refusals
        self.port: int = server.getsockname()[1]
        """The port that is listened on, also when any free one was asked for."""

    @property
    def handshake_count(self) -> int:
        """How many handshakes are in progress."""
        return len(self._handshakes)

    async def accept(self, tasks: asyncio.TaskGroup) -> None:
        """Accept connections until cancelled."""
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
                self._refusals.refused(address, f"{limit} handshakes are under way already")
                continue
            task = tasks.create_task(self._shake_hands(accepted, address))
            self._handshakes[task] = None
            task.add_done_callback(self._handshakes.pop)

    def stop(self) -> None:
        """Drop all accepted connections."""
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
        except asyncio.CancelledError:
            connection.abandon("this process is stopping")
            raise
        except OSError as error:
            self._refusals.refused(address, describe_failure(error))
            return
        if connection.refusal:
            self._refusals.refused(address, connection.refusal, connection.shown_identity)


class _ListenedConnection(FramedConnection):
    """A connection that its listener drops when it stops."""

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
        self._siblings[self] = None
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
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
    refusals: RefusalLog | None = None,
) -> AsyncIterator[Listener]:
    """Accept connections while the context lasts, and drop them at its end.

    `refusals` is told of the peers that are refused.

    A peer whose certificate is missing, foreign or expired, or whose identity is not admitted,
    never reaches the factory.

    Raises:
        OSError: the address cannot be listened on.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, name = found[0][0], found[0][4]
    with socket.create_server(name, family=family, backlog=_BACKLOG) as server:
        server.setblocking(False)
        listener = Listener(
            server, context, factory, admission, limits or Limits(), refusals or RefusalLog()
        )
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
    """Dial a peer. It may still refuse us afterwards: only its first frame shows that it did not.

    Raises:
        RefusedPeerError: the handshake failed, or the peer is not admitted.
        OSError: the peer cannot be reached.
    """
    limits = limits or Limits()
    loop = asyncio.get_running_loop()
    connection = FramedConnection(factory, admission, limits)
    try:
        await loop.create_connection(
            lambda: connection,
            host,
            port,
            ssl=context,
            ssl_handshake_timeout=limits.handshake_s,
            ssl_shutdown_timeout=_SHUTDOWN_S,
        )
    except asyncio.CancelledError:
        connection.abandon("the dial was cancelled")
        raise
    except ssl.SSLError as error:
        raise RefusedPeerError(describe_failure(error)) from error
    if connection.refusal:
        raise RefusedPeerError(connection.refusal)
    return connection
