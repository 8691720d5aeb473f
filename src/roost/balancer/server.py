"""One balancer: listeners, trunks and HTTP around the exchange.

    sockets, trunks --> Exchange --> one frame of lines per node,
                                     one write per client that has something to read

Output leaves at the end of the event loop's turn (`turns.py`).
"""

import asyncio
import contextlib
import os
import random
import secrets
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from roost import compiled
from roost.balancer import trunks
from roost.balancer.certificates import ClientCertificate
from roost.balancer.client_poll import ClientPoll
from roost.balancer.config import Config
from roost.balancer.engine import ticking
from roost.balancer.engine.exchange import Exchange
from roost.balancer.engine.observer import Observer
from roost.balancer.engine.statistics import (
    Statistics,
    best_report,
    node_statistics,
    other_balancers,
    problems_of,
)
from roost.balancer.engine.ticking import tick_interval_s
from roost.balancer.frontend import Frontend
from roost.balancer.http import make_status_application
from roost.balancer.listeners import Listeners, open_plain, open_tls, open_unix
from roost.balancer.turns import Turns
from roost.balancer.websocket import WebSocketListener
from roost.instant import Instant
from roost.ops import clock, http
from roost.ops.expiry import describe_end
from roost.ops.files import replace_file
from roost.ops.http_connections import HttpConnections
from roost.ops.pulse import EARLY, LATE
from roost.ops.tuning import tune_process
from roost.protocol.orders import Answer, RenewOrder
from roost.protocol.trunk import BalancerReport
from roost.wire import CertificateWatch, Identity, format_address

_logger = structlog.get_logger()

OBSERVE_S = 1.0
"""Between two looks at itself for the live page."""
RUN_BYTES = 12
"""Random bytes that name a run: two runs never have the same."""


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """Where a running balancer listens, host:port each; the content of the run file."""

    name: str
    pid: int
    address: str
    """For clients."""
    addresses: tuple[str, ...]
    """For clients; several if the host has several."""
    http_address: str
    trunk_address: str
    tls_addresses: tuple[str, ...] = ()
    """For clients over TLS."""
    certificate: str = ""
    """SHA-256 of the certificate that these are shown, in lower-case hexadecimal."""
    unix_socket: str = ""
    https_address: str = ""


class Balancer:
    """A balancer with its sockets."""

    def __init__(self, config: Config, read_clock: Callable[[], Instant] = clock.now) -> None:
        self._config = config
        self._read_clock = read_clock
        self._sweep_wake: asyncio.Future[None] | None = None
        self._ripe_at = float("inf")
        self._is_calm = False
        """Nothing but probes is to be sent before the next sweep."""
        run = secrets.token_hex(RUN_BYTES)
        self._exchange = Exchange(config.exchange(), run, _note, random.random)
        poll = ClientPoll()
        turns = Turns(self._exchange, poll, lambda: read_clock().monotonic, self._turn_ended)
        self._turns = turns
        self._observe_at = turns.now
        self._frontend = Frontend(config.clients, self._exchange, turns)
        self._listeners = Listeners(self._frontend, turns, config.clients, config.proxy_from, poll)
        self._http = HttpConnections(
            total_max=config.clients.http_connections_max,
            per_address_max=config.clients.http_connections_per_address_max,
            exempt=(*config.clients.exempt_networks, *config.proxy_from),
        )
        self._websockets = WebSocketListener(
            self._listeners, self._http, config.websocket_origins, config.clients.keepalive_s
        )
        self._certificate: ClientCertificate | None = None
        """For clients."""
        self._watch: CertificateWatch | None = None
        """For nodes."""
        self._trunks = trunks.TrunkListener(self._exchange, turns, config.name, self._renew)
        self._observer = Observer()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._listening = asyncio.Event()
        self._are_clients_closed = False
        """The balancer is stopping, and every client was told."""
        self._are_detaches_confirmed = asyncio.Event()
        """The nodes know that the clients are gone."""
        self._addresses: Addresses | None = None

    async def run(self) -> None:
        """Serve until `stop` is called.

        Raises:
            OSError: An address cannot be listened on, or the run file cannot be written.
            CredentialsError: The certificate or key cannot be used.
        """
        self._loop = asyncio.get_running_loop()
        self._turns.start(self._loop)
        failure: OSError | None = None
        async with contextlib.AsyncExitStack() as stack, contextlib.AsyncExitStack() as accepting:
            stack.callback(self._turns.stop)
            # An error must not cross the listeners' task groups, which would wrap it.
            try:
                self._addresses = await self._listen(stack, accepting)
            except OSError as error:
                failure = error
            else:
                tune_process()
                self._listening.set()
                await self._serve(accepting)
        if failure is not None:
            raise failure

    async def _listen(
        self, stack: contextlib.AsyncExitStack, accepting: contextlib.AsyncExitStack
    ) -> Addresses:
        """Open everything; clients last, when the rest is ready for them."""
        config = self._config
        identity = Identity(config.cluster, "balancer", config.name)
        watch = self._watch = CertificateWatch(config.credentials, identity, clock.utc_now)
        if config.tls.certificate is not None:
            self._certificate = ClientCertificate(config.tls, clock.utc_now)
        application = make_status_application(
            self.statistics, self._activity, self._websockets.serve
        )
        http_port = await stack.enter_async_context(
            http.serve(application, config.http_host, config.http_port, connections=self._http)
        )
        https_address = await self._listen_https(stack)
        trunk_address = await stack.enter_async_context(
            trunks.listen(
                self._trunks,
                watch.server,
                config.cluster,
                config.trunk_host,
                config.trunk_port,
            )
        )
        found = Addresses(
            name=config.name,
            pid=os.getpid(),
            http_address=format_address((config.http_host, http_port)),
            trunk_address=trunk_address,
            https_address=https_address,
            **await self._open_listeners(accepting),
        )
        if config.run_file is not None:
            try:
                replace_file(config.run_file, msgspec.json.encode(found) + b"\n")
            except OSError as error:
                text = f"cannot write {config.run_file}: {error.strerror}"
                raise OSError(error.errno, text) from error
        more = {
            "tls": ", ".join(found.tls_addresses),
            "https": found.https_address,
            "unix": found.unix_socket,
        }
        _logger.info(
            "listening",
            clients=", ".join(found.addresses),
            http=found.http_address,
            trunks=trunk_address,
            code=compiled.describe(),
            **{name: where for name, where in more.items() if where},
        )
        return found

    async def _listen_https(self, stack: contextlib.AsyncExitStack) -> str:
        """Serve HTTP over TLS if configured; return the address."""
        config, certificate = self._config, self._certificate
        if config.https_port is None or certificate is None:
            return ""
        application = make_status_application(
            self.statistics, self._activity, self._websockets.serve
        )
        port = await stack.enter_async_context(
            http.serve(application, config.host, config.https_port, certificate.https, self._http)
        )
        return format_address((config.host, port))

    async def _open_listeners(self, accepting: contextlib.AsyncExitStack) -> dict[str, Any]:
        """Accept clients; return the fields of `Addresses` that say where."""
        config, shared = self._config, self._listeners
        accepting.enter_context(self._websockets.opened())
        keepalive_s = config.clients.keepalive_s
        addresses = await accepting.enter_async_context(
            open_plain(shared, config.host, config.port, keepalive_s)
        )
        found: dict[str, Any] = {"address": addresses[0], "addresses": addresses}
        port = config.tls_port_or_default
        if port is not None and self._certificate is not None:
            found["tls_addresses"] = await accepting.enter_async_context(
                open_tls(shared, self._certificate, config.host, port, keepalive_s)
            )
            found["certificate"] = self._certificate.fingerprint
        if config.unix_socket is not None:
            mode = int(config.unix_socket_mode, 8)
            found["unix_socket"] = await accepting.enter_async_context(
                open_unix(shared, config.unix_socket, mode)
            )
        return found

    def reload(self) -> None:
        """Reload the certificates."""
        for certificate in (self._certificate, self._watch):
            if certificate is not None:
                certificate.reload()

    def _renew(self, order: RenewOrder) -> Answer:
        """Use a renewed certificate; connections that there are go on with the old one."""
        if not order.is_for_clients:
            assert self._watch is not None, "set before orders come"
            return Answer(
                problem=self._watch.take(order.certificate), certificate_days=self._watch.days
            )
        if self._certificate is None:
            return Answer(problem=f"{self._config.name} has no certificate for clients")
        authority = self._config.credentials.authority
        problem = self._certificate.take(order.certificate, authority)
        return Answer(problem=problem, certificate_days=self._certificate.days)

    def _certificate_days(self) -> dict[str, int]:
        watched = {"cluster": self._watch, "clients": self._certificate}
        return {kind: one.days for kind, one in watched.items() if one is not None}

    async def _serve(self, accepting: contextlib.AsyncExitStack) -> None:
        async with asyncio.TaskGroup() as tasks:
            sweeping = tasks.create_task(self._keep_sweeping())
            await self._stopping.wait()
            await accepting.aclose()
            await self._close_clients()
            sweeping.cancel()

    def stop(self) -> None:
        """End `run` in order: accept no clients, close all, and tell the nodes."""
        self._stopping.set()

    async def wait_started(self) -> None:
        """Wait until everything listens."""
        await self._listening.wait()

    def describe(self) -> str:
        """Return one line about the balancer's state."""
        exchange = self._exchange
        ready = exchange.pool.ready_count(self._turns.read_clock())
        return f"{len(exchange.sessions)} clients, {ready} nodes ready"

    async def wait_listening(self) -> Addresses:
        """Wait until everything listens; return the addresses."""
        await self._listening.wait()
        assert self._addresses is not None, "set before everything listens"
        return self._addresses

    async def _close_clients(self) -> None:
        _logger.info("stopping", sessions=len(self._exchange.sessions))
        self._exchange.stop(self._turns.read_clock())
        self._are_clients_closed = True
        self._turns.schedule_flush()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._config.stop_s):
                await self._are_detaches_confirmed.wait()
        unconfirmed = self._exchange.detaching_count
        if unconfirmed:
            _logger.warning("stopped-unconfirmed", sessions=unconfirmed)
        self._frontend.close_lingering()
        self._trunks.close()
        # One turn of the event loop, for what was just written.
        await asyncio.sleep(0)
        if self._config.run_file is not None:
            self._config.run_file.unlink(missing_ok=True)

    # Turns of the event loop

    def _turn_ended(self) -> None:
        """Do what waits for the end of a turn."""
        if self._are_clients_closed and not self._exchange.detaching_count:
            self._are_detaches_confirmed.set()
        if self._is_calm and (self._turns.now >= self._ripe_at or self._exchange.needs_ticks):
            self._wake_sweep()

    def sweep(self) -> None:
        """Do what is due; `run` calls this several times a second."""
        now = self._turns.read_clock()
        self._exchange.tick(now)
        self._frontend.sweep(now)
        self._listeners.sweep(now)
        self._websockets.sweep()
        for certificate in (self._watch, self._certificate):
            if certificate is not None:
                certificate.check(now)
        self._trunks.sweep(now)
        self._turns.schedule_flush()

    async def _keep_sweeping(self) -> None:
        assert self._loop is not None, "it runs"
        while True:
            wait_s = self._sweep()
            planned = self._turns.now + wait_s
            self._sweep_wake = self._loop.create_future()
            timer = self._loop.call_later(wait_s, self._wake_sweep)
            await self._sweep_wake
            timer.cancel()
            self._turns.stalls.expected(planned, self._turns.read_clock())

    def _wake_sweep(self) -> None:
        self._is_calm = False
        if self._sweep_wake is not None and not self._sweep_wake.done():
            self._sweep_wake.set_result(None)

    def _sweep(self) -> float:
        """Do what is due; return the time until the next sweep in seconds."""
        self.sweep()
        if self._turns.now >= self._observe_at:
            self._observe_at = self._turns.now + OBSERVE_S
            self._observe()
        interval_s = tick_interval_s(self._exchange, self._turns.now)
        self._is_calm = interval_s > ticking.TICK_S and not self._websockets.has_paused
        if not self._is_calm:
            interval_s = ticking.TICK_S
        # While it is calm, the sweep comes with whatever wakes the process, if that is about then.
        self._ripe_at = self._turns.now + interval_s * EARLY
        return interval_s * (LATE if self._is_calm else 1.0)

    def statistics(self) -> Statistics:
        """Return what `/status.json` and the metrics show."""
        now = self._turns.read_clock()
        exchange = self._exchange
        counters = exchange.counters
        nodes_ready = exchange.pool.ready_count(now)
        days = self._certificate_days()
        described = [describe_end(f"its {kind}", left) for kind, left in days.items()]
        ends = [end for end in described if end]
        report = best_report(exchange.pool, now)
        return Statistics(
            cluster=self._config.cluster,
            name=self._config.name,
            pid=os.getpid(),
            address=self._addresses.address if self._addresses is not None else "",
            sessions=len(exchange.sessions),
            waiting=exchange.waiting_count,
            departing=exchange.detaching_count,
            connections=self._frontend.limiter.total,
            connections_max=self._frontend.limiter.total_max,
            sessions_opened=counters.sessions,
            sessions_rebound=counters.rebound,
            sessions_moved=counters.moved,
            lines=counters.lines,
            deliveries=exchange.relay.deliveries,
            turned_away=self._frontend.turned_away.count,
            cut_off=self._frontend.cut_off.count,
            nodes_ready=nodes_ready,
            stalls=self._turns.stalls.statistics(now),
            problems=(*problems_of(exchange, now), *self._trunks.refusals.recent(), *ends),
            certificate_days=days,
            is_ready=bool(nodes_ready and exchange.ids.incarnation),
            nodes=node_statistics(exchange.pool, now),
            members=self._trunks.registry.names,
            version=exchange.pool.version,
            others=other_balancers(report, self._config.name),
            rooms=() if report is None else report.rooms,
        )

    def _activity(self) -> dict[str, Any]:
        """Return what the live page shows beside the present state."""
        statistics, addresses = self.statistics(), self._addresses
        return {
            "time_ms": self._read_clock().wall_ms,
            **self._observer.to_json(),
            "rooms": [msgspec.structs.asdict(room) for room in statistics.rooms],
            "others": [msgspec.structs.asdict(other) for other in statistics.others],
            "connect": {
                "plain": [] if addresses is None else list(addresses.addresses),
                "tls": [] if addresses is None else list(addresses.tls_addresses),
                "certificate": "" if addresses is None else addresses.certificate,
            },
        }

    def _observe(self) -> None:
        """Note what has happened, and tell the nodes how this balancer is."""
        statistics, addresses = self.statistics(), self._addresses
        self._observer.observe(statistics, self._read_clock().wall_ms)
        rates = self._observer.rates
        report = BalancerReport(
            name=statistics.name,
            address=statistics.address,
            http_address=addresses.http_address if addresses is not None else "",
            sessions=statistics.sessions,
            waiting=statistics.waiting,
            lines=rates.lines,
            deliveries=rates.deliveries,
        )
        self._exchange.tell(report, self._turns.now)


def _note(level: str, event: str, /, **fields: object) -> None:
    getattr(_logger, level)(event, **fields)
