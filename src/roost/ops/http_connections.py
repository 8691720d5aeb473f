"""Bounds the HTTP connections of a process: how many in all, and how many from one address.

    accept --> counted, or closed --> TLS --> Connection --> aiohttp's protocol

A connection without a request is closed by aiohttp, see `http.KEEPALIVE_S`. One that becomes the
WebSocket of a chat client is handed over to those who count clients.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine

import structlog

from roost.chat.admission import address_key
from roost.ops import clock
from roost.ops.throttling import ThrottledLog

CONNECTIONS_MAX = 200
"""Probes, metrics, and people who look at the page."""
PER_ADDRESS_MAX = 50
"""Several people's browsers behind one router."""
HANDSHAKE_S = 10.0
"""How long a TLS handshake may take: several round trips on the slowest network."""
LOG_INTERVAL_S = 1.0
RETRY_S = 0.5
"""Before connections are accepted again after an error."""
END_OF_REQUEST = b"\r\n\r\n"
"""The end of a request without a body."""

_logger = structlog.get_logger()


class HttpConnections:
    """Counts the HTTP connections of a process, over all its ports."""

    def __init__(
        self,
        *,
        total_max: int = CONNECTIONS_MAX,
        per_address_max: int = PER_ADDRESS_MAX,
        exempt: tuple[str, ...] = (),
    ) -> None:
        """Count towards both limits; the `exempt` networks only towards `total_max`."""
        self.total = 0
        self._total_max = total_max
        self._per_address_max = per_address_max
        self._exempt = exempt
        self._counts: dict[str, int] = {}
        self._open: dict[asyncio.Protocol, Connection] = {}
        """By aiohttp's protocol."""
        self._refused = ThrottledLog(_logger.warning, "http-refused", LOG_INTERVAL_S)

    def admit(self, address: str) -> bool:
        """Count a connection, or log that it is refused."""
        key = address_key(address, self._exempt)
        count = self._counts.get(key, 0) if key else 0
        if self.total >= self._total_max or count >= self._per_address_max:
            self._refused.log(clock.monotonic(), address=address, connections=self.total)
            return False
        self.total += 1
        if key:
            self._counts[key] = count + 1
        return True

    def release(self, address: str) -> None:
        """Count an admitted connection as closed."""
        self.total -= 1
        key = address_key(address, self._exempt)
        if key:
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key]

    def hand_over(self, protocol: asyncio.Protocol, watch: Callable[[bytes], bool]) -> None:
        """Stop counting a connection, because somebody else counts it from now on.

        `watch` sees all data from now on; what it returns False for goes no further. If data came
        before the answer to the request, it is called with that, too.
        """
        connection = self._open.get(protocol)
        if connection is not None:
            connection.uncount()
            connection.watched_by(watch)

    async def accept(
        self,
        listening: socket.socket,
        make: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
        run: Callable[[Coroutine[None, None, None]], None],
    ) -> None:
        """Accept connections until cancelled.

        `make` makes the protocols that speak HTTP. `run` runs what must not delay others.
        """
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, peer = await loop.sock_accept(listening)
            except OSError as error:
                # Too few descriptors, most likely; the connection waits in the backlog.
                self._refused.log(clock.monotonic(), reason=error.strerror)
                await asyncio.sleep(RETRY_S)
                continue
            address = peer[0] if isinstance(peer, tuple) else ""
            if self.admit(address):
                accepted.setblocking(False)
                run(self._open_connection(accepted, Connection(self, make(), address), tls))
            else:
                accepted.close()

    async def _open_connection(
        self, accepted: socket.socket, connection: "Connection", tls: ssl.SSLContext | None
    ) -> None:
        timeout_s = None if tls is None else HANDSHAKE_S
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection, accepted, ssl=tls, ssl_handshake_timeout=timeout_s
            )
        except (OSError, EOFError):
            # The client broke off, or does not speak TLS.
            pass
        finally:
            if not connection.has_begun:
                accepted.close()
                connection.uncount()

    def begun(self, protocol: asyncio.Protocol, connection: "Connection") -> None:
        self._open[protocol] = connection

    def ended(self, protocol: asyncio.Protocol) -> None:
        self._open.pop(protocol, None)


class Connection(asyncio.Protocol):
    """A counted connection, which passes everything on to aiohttp's protocol."""

    def __init__(self, counter: HttpConnections, inner: asyncio.Protocol, address: str) -> None:
        self._counter = counter
        self._inner = inner
        self._address = address
        self._is_counted = True
        self.has_begun = False
        self._last = b""
        """The last bytes before `_watch` was set."""
        self._watch: Callable[[bytes], bool] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.has_begun = True
        self._counter.begun(self._inner, self)
        self._inner.connection_made(transport)

    def uncount(self) -> None:
        """Stop counting the connection, if that was not done."""
        if self._is_counted:
            self._is_counted = False
            self._counter.release(self._address)

    def connection_lost(self, error: Exception | None) -> None:
        self.uncount()
        self._counter.ended(self._inner)
        self._inner.connection_lost(error)

    def watched_by(self, watch: Callable[[bytes], bool]) -> None:
        """See `HttpConnections.hand_over`."""
        self._watch = watch
        if self._last != END_OF_REQUEST:
            watch(self._last)

    def data_received(self, data: bytes) -> None:
        if self._watch is None:
            self._last = (self._last + data)[-len(END_OF_REQUEST) :]
        elif not self._watch(data):
            return
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
