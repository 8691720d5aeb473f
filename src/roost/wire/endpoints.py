"""How connections come about: listening for peers, and dialling one.

    serve    TCP -> TLS handshake (a task, bounded in time and number) -> admitted? -> factory
    connect  the same from the other side

Who is refused leaves one line in the log and no other trace.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import cast

import structlog

from roost.wire.address import format_address
from roost.wire.connection import FramedConnection, HandlerFactory, Limits
from roost.wire.errors import RefusedPeerError
from roost.wire.identity import Admission, Identity
from roost.wire.tls import describe_failure

_logger = structlog.get_logger()


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
    """Accepts connections, one TLS handshake task each, until its task group ends."""

    def __init__(
        self,
        context: ssl.SSLContext,
        factory: HandlerFactory,
        admission: Admission,
        limits: Limits,
        handshakes: asyncio.TaskGroup,
    ) -> None:
        self._context = context
        self._factory = factory
        self._admission = admission
        self._limits = limits
        self._group = handshakes
        self._handshakes: dict[asyncio.Task[None], None] = {}
        self._connections: dict[FramedConnection, None] = {}
        self._refusals = RefusalLog(limits.refusal_log_s)
        self.port = 0
        """The port that was chosen, when a free one was asked for."""

    def accept(self, transport: asyncio.Transport) -> None:
        """Start the handshake on a new TCP connection."""
        if len(self._handshakes) >= self._limits.handshakes_max:
            self._refuse(
                format_address(transport.get_extra_info("peername")),
                f"{self._limits.handshakes_max} handshakes are under way already",
            )
            transport.abort()
            return
        task = self._group.create_task(self._shake_hands(transport))
        self._handshakes[task] = None
        task.add_done_callback(self._forget_handshake)

    def stop(self) -> None:
        """Drop everything that was accepted."""
        for task in list(self._handshakes):
            task.cancel()
        for connection in list(self._connections):
            connection.abort("this process is stopping")

    def _forget_handshake(self, task: asyncio.Task[None]) -> None:
        del self._handshakes[task]

    async def _shake_hands(self, raw: asyncio.Transport) -> None:
        address = format_address(raw.get_extra_info("peername"))
        connection = _ListenedConnection(
            self._factory, self._admission, self._limits, self._connections
        )
        try:
            transport = await connection.loop.start_tls(
                raw,
                connection,
                self._context,
                server_side=True,
                ssl_handshake_timeout=self._limits.handshake_s,
                ssl_shutdown_timeout=1.0,
            )
        except (OSError, ssl.SSLError) as error:
            self._refuse(address, describe_failure(error))
            raw.abort()
            return
        except BaseException:
            raw.abort()
            raise
        if transport is None:
            return
        connection.connection_made(transport)
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

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that serves it."""
        return self._loop

    @property
    def shown_identity(self) -> Identity | None:
        """Who the certificate names, admitted or not."""
        return self._peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be known to the listener while it lasts."""
        if not self._is_lost:
            self._siblings[self] = None
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Be forgotten."""
        self._siblings.pop(self, None)
        super().connection_lost(exc)


class _Accepting(asyncio.Protocol):
    """Holds a fresh TCP connection still until its handshake starts."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        accepted = cast("asyncio.Transport", transport)
        accepted.pause_reading()
        self._listener.accept(accepted)


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
    async with asyncio.TaskGroup() as handshakes:
        listener = Listener(context, factory, admission, limits or Limits(), handshakes)
        server = await loop.create_server(lambda: _Accepting(listener), host, port)
        listener.port = server.sockets[0].getsockname()[1]
        try:
            yield listener
        finally:
            server.close()
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
            ssl_shutdown_timeout=1.0,
        )
    except ssl.SSLError as error:
        raise RefusedPeerError(describe_failure(error)) from error
    if connection.refusal:
        raise RefusedPeerError(connection.refusal)
    return connection
