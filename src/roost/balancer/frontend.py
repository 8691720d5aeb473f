"""The clients' side of a balancer: admits connections, and passes on what clients say."""

import contextlib
import resource

import structlog

from roost.balancer.clients import READ_BYTES, ClientConnection
from roost.balancer.config import ClientLimits
from roost.balancer.engine.admission import ConnectionLimiter
from roost.balancer.engine.exchange import Exchange
from roost.balancer.engine.expiry_queue import ExpiryQueue
from roost.balancer.engine.outbox import Joiner
from roost.balancer.engine.sessions import Session
from roost.balancer.scheduling import FlushScheduler
from roost.ops.throttling import ThrottledLog

_logger = structlog.get_logger()

OWN_FILES = 256
"""File descriptors kept for trunks, logs and libraries."""
LOG_INTERVAL_S = 1.0
"""Between two log events about rejected clients, so that a crowd cannot fill a disk."""


class Frontend:
    """Connects clients' sockets with the exchange."""

    def __init__(self, limits: ClientLimits, exchange: Exchange, scheduler: FlushScheduler) -> None:
        self._exchange = exchange
        self._scheduler = scheduler
        self.limiter = ConnectionLimiter(
            total_max=limit_connections(limits.connections_max, limits.http_connections_max),
            per_address_max=limits.connections_per_address_max,
            exempt=limits.exempt_networks,
            burst=limits.connects_burst,
            per_s=limits.connects_per_s,
        )
        self._lingering: ExpiryQueue[ClientConnection] = ExpiryQueue(limits.linger_s)
        """Connections that are being closed."""
        self.turned_away = ThrottledLog(_logger.warning, "client-turned-away", LOG_INTERVAL_S)
        self.cut_off = ThrottledLog(_logger.warning, "client-cut-off", LOG_INTERVAL_S)
        self.read_buffer = memoryview(bytearray(READ_BYTES))
        self.line_bytes_max = limits.line_bytes_max
        self.unread_bytes_max = limits.unread_bytes_max
        self.join = Joiner().join

    # What listeners call

    def admit(self, address: str) -> str:
        """Count a connection, or log and return why it is refused."""
        refusal = self.limiter.admit(address, self._scheduler.now)
        if refusal:
            self.turned_away.log(self._scheduler.now, address=address, reason=refusal)
        return refusal

    def release(self, address: str) -> None:
        """Count an admitted connection as closed, if it never got a `ClientConnection`."""
        self.limiter.release(address)

    # What connections call

    def opened(self, connection: ClientConnection) -> Session | None:
        """Open a client's session; return None if the client is refused, and tell it why."""
        info = connection.info
        if not connection.is_admitted:
            refusal = self.admit(info.address)
            if refusal:
                connection.finish(f"ERROR :Closing link: {refusal}\r\n".encode())
                return None
            connection.is_admitted = True
        session = self._exchange.client_connected(connection, info, self._scheduler.now)
        self._scheduler.schedule_flush()
        return session

    def received(self, connection: ClientConnection, lines: list[bytes | None]) -> None:
        """Pass on a client's lines."""
        if connection.session is not None:
            self._exchange.client_spoke(connection.session, lines, self._scheduler.now)
            self._scheduler.schedule_flush()

    def writable(self, connection: ClientConnection) -> None:
        """Write to a client that reads again, in a turn."""
        self._exchange.relay.mark(connection)
        self._scheduler.schedule_flush()

    def overflowed(self, connection: ClientConnection) -> None:
        """Disconnect a client that leaves too much unread."""
        limit = self.unread_bytes_max
        self.cut_off.log(
            self._scheduler.now,
            address=connection.info.address,
            unread_bytes=connection.unread_bytes,
        )
        text = f"ERROR :Closing link: SendQ exceeded ({limit} bytes unread)\r\n"
        connection.cut_off(text.encode())
        if connection.session is not None:
            self._exchange.client_lost(connection.session, "SendQ exceeded", self._scheduler.now)

    def finishing(self, connection: ClientConnection) -> None:
        """Limit the time that a connection takes to close."""
        self._lingering.add(connection, self._scheduler.now)

    def closed(self, connection: ClientConnection, reason: str) -> None:
        """Close the session of a connection that is closed."""
        self._lingering.discard(connection)
        if connection.is_admitted:
            self.limiter.release(connection.info.address)
        if connection.session is not None:
            self._exchange.client_lost(connection.session, reason, self._scheduler.now)
            self._scheduler.schedule_flush()

    # What the balancer calls

    def sweep(self, now: float) -> None:
        """Drop the connections that have lingered for too long."""
        for connection in self._lingering.expired(now):
            connection.abort()

    def close_lingering(self) -> None:
        """Close the connections that still linger; the system sends on what it has taken."""
        for connection in self._lingering:
            connection.close()


def limit_connections(connections_max: int, http_connections_max: int) -> int:
    """Raise the limit of open files as far as possible, and return how many clients it allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return connections_max
    allowed = max(1, min(connections_max, soft - OWN_FILES - http_connections_max))
    if allowed < connections_max:
        _logger.warning("few-open-files", open_files_max=soft, connections_max=allowed)
    return allowed
