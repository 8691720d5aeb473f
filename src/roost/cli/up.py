"""`roost up`: a whole cluster on this machine, in one process per balancer and node.

    up  --starts-->  balancer b1 ...      stops first and tells its clients
        --starts-->  node n1, n2, n3 ...  stop one by one, so that each can hand over leadership

The supervisor does nothing else: it holds no client connection and no chat state.
"""

import asyncio
import importlib.util
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from roost.cli.cluster import (
    CONFIG_FILE,
    DATA_FOLDER,
    OPERATOR,
    RUN_FILE,
    ClusterDirectory,
    ClusterFile,
    fingerprint_of,
)
from roost.cli.console import Console, open_console
from roost.cli.deployment import Deployment
from roost.cli.errors import CommandError, UnreachableError, UsageError
from roost.cli.flags import UpConfig
from roost.cli.growing import Growth
from roost.cli.local_etcd import MEMBERS, LocalEtcd
from roost.cli.orphans import end_orphans
from roost.cli.ports import choose_ports, former_port, free_or_any
from roost.cli.renew import renew_joined
from roost.cli.status import Cluster, RunFile, fetch_all
from roost.cli.supervisor import Child, Supervisor
from roost.cli.welcome import Access, Hints, TlsAccess, program_name, ready_text
from roost.ops import clock
from roost.ops.service import ServiceManager

POLL_S = 0.05
"""Between two checks whether the nodes are ready."""
IMPATIENCE_S = 5.0
"""How often to say what is missing while the cluster is not ready."""
RENEWAL_S = 3600.0
"""Between two looks at the certificates. A laptop that sleeps is awake for an hour each day."""
BALANCER_STOP_S = 1.2
NODES_STOP_S = 1.4
ETCD_STOP_S = 0.3
"""Together less than the 3 s that Ctrl-C may take, with time left for the supervisor itself."""

LOOPBACK = "127.0.0.1"
TLS_FOLDER = "tls"
"""The directory of the certificate that clients see."""

_WHOLE = ("ready", "draining")
"""States of a node that lacks nothing. A drained node is still drained after a restart."""
_COMMENT = (
    "Written by `roost up` at each start. To change keys, give it a file of your own (--config)."
)

_logger = structlog.get_logger(__name__)


def up(config: UpConfig) -> None:
    """Run a cluster until a signal ends it.

    Raises:
        CommandError: it cannot run.
    """
    with (
        ClusterDirectory(config.data) as directory,
        open_console(directory.path, config.log_level, are_logs_shown=config.logs) as console,
    ):
        cluster = directory.open(config.nodes)
        balancers = [f"b{number}" for number in range(1, config.balancers + 1)]
        end_orphans(directory.path / name / CONFIG_FILE for name in (*balancers, *cluster.local))
        etcd = LocalEtcd(directory.path) if config.log == "etcd" else None
        _check_history(config)
        access, deployment = _deploy(config, directory, cluster, balancers, etcd)

        def renew() -> None:
            deployment.renew()
            renew_joined(directory, cluster.cluster, (*balancers, *cluster.local))

        run = _Run(config, directory, cluster, balancers, access, renew, console, etcd)
        asyncio.run(run.run())


def _check_history(config: UpConfig) -> None:
    """Say at once what every node would die of."""
    if config.history != "sqlite" and importlib.util.find_spec("asyncpg") is None:
        raise UsageError(
            "--history postgresql://... needs a library: pip install 'roost[postgresql]'"
        )


class _Ports(NamedTuple):
    """Where a balancer listens."""

    port: int
    tls_port: int
    http_port: int
    trunk_port: int


def _choose_ports(config: UpConfig, names: Sequence[str], path: Path) -> list[_Ports]:
    """Choose the balancers' ports; each uses those that follow its predecessor's.

    Their ports for nodes stay the same if possible, since nodes that joined have them in their
    files.
    """
    former = {name: former_port(path / name / CONFIG_FILE, "trunk_port") for name in names}
    wanted = []
    for i in range(len(names)):
        wanted += [
            (config.host, config.port and config.port + i, "--port"),
            (config.host, config.first_tls_port and config.first_tls_port + i, "--tls-port"),
            (config.host, config.http_port and config.http_port + i, "--http-port"),
            (LOOPBACK, free_or_any(LOOPBACK, former.get(names[i], 0)), "--host"),
        ]
    ports = choose_ports(wanted)
    return [_Ports(*ports[start : start + 4]) for start in range(0, len(ports), 4)]


def _deploy(
    config: UpConfig,
    directory: ClusterDirectory,
    cluster: ClusterFile,
    balancers: Sequence[str],
    etcd: LocalEtcd | None,
) -> tuple[Access, Deployment]:
    """Write the certificates and configuration files of one run."""
    ports = _choose_ports(config, balancers, directory.path)
    deployment = Deployment(
        directory,
        cluster,
        dict.fromkeys(balancers, ()),
        dict.fromkeys(cluster.local, ()),
        comment=_COMMENT,
        is_portable=False,
    )
    certificate, authority = config.certificate, None
    tls: dict[str, Path] = {}
    if certificate is None:
        hosts = dict.fromkeys((socket.gethostname(), connectable(config.host)))
        tls = deployment.ensure_listener_files(TLS_FOLDER, *hosts)
        certificate, authority = tls["certificate"], directory.path / "authority" / "ca.pem"
    for name, own in zip(balancers, ports, strict=True):
        values = {**own._asdict(), "trunk_host": LOOPBACK, "tls": tls}
        deployment.write(name, values, config.values_of("balancer"))
    trunks = tuple(f"{LOOPBACK}:{own.trunk_port}" for own in ports)
    for name in cluster.local:
        values = {
            "members": cluster.members,
            "data": directory.path / name / DATA_FOLDER,
            "balancers": trunks,
            "log": {} if etcd is None else {"engine": "etcd", "endpoints": etcd.endpoints},
            "history": config.history_values,
        }
        deployment.write(name, values, config.values_of("node"))
    deployment.write(OPERATOR, {"balancers": trunks})
    access = Access(
        addresses=tuple(_join(config.host, own.port) for own in ports),
        tls=TlsAccess(
            tuple(_join(config.host, own.tls_port) for own in ports),
            fingerprint_of(certificate),
            authority,
        ),
        urls=tuple(f"http://{_join(config.host, own.http_port)}" for own in ports),
    )
    return access, deployment


class _Run:
    """One run of a cluster."""

    def __init__(
        self,
        config: UpConfig,
        directory: ClusterDirectory,
        cluster: ClusterFile,
        balancers: Sequence[str],
        access: Access,
        renew: Callable[[], None],
        console: Console,
        etcd: LocalEtcd | None,
    ) -> None:
        self._console = console
        self._config = config
        self._directory = directory
        self._access = access
        self._renew = renew
        self._balancers = [self._child("balancer", name, is_node=False) for name in balancers]
        self._nodes = [self._child("node", name, is_node=True) for name in cluster.local]
        self._growth = Growth(directory, cluster, self._nodes, console)
        self._etcd = [] if etcd is None else _etcd_children(etcd)
        self._supervisor = Supervisor(
            [*self._etcd, *self._balancers, *self._nodes],
            is_restarting=config.restart,
            output=console.log_fd,
            tell=console.tell,
        )
        self._stop = asyncio.Event()
        self._problem: CommandError | None = None

    async def run(self) -> None:
        """Start all processes, announce the cluster when it is ready, and stop it when asked to."""
        self._watch_signals()
        run_file = RunFile(os.getpid(), self._access.addresses, self._access.urls)
        path = self._directory.write_text(RUN_FILE, msgspec.json.encode(run_file).decode() + "\n")
        try:
            async with asyncio.TaskGroup() as tasks:
                children = tasks.create_task(self._supervisor.run())
                announcing = tasks.create_task(self._announce())
                renewing = tasks.create_task(keep_renewed(self._renew, asyncio.sleep))
                shrinking = tasks.create_task(self._growth.follow(self._look, self._supervisor))
                stopping = tasks.create_task(self._stop.wait())
                await asyncio.wait((children, stopping), return_when=asyncio.FIRST_COMPLETED)
                announcing.cancel()
                renewing.cancel()
                shrinking.cancel()
                if not stopping.done():
                    self._problem = CommandError("every process has ended")
                    stopping.cancel()
                await self._stop_in_order()
        finally:
            self._supervisor.kill_nowait()
            path.unlink(missing_ok=True)
        if self._problem is not None:
            raise self._problem

    def _child(self, command: str, name: str, *, is_node: bool) -> Child:
        config = self._directory.path / name / CONFIG_FILE

        def command_line() -> list[str]:
            line = [sys.executable, "-m", "roost.cli", command, "--config", str(config)]
            line += ["--parent", str(os.getpid()), "--log-level", self._config.log_level]
            if is_node and self._directory.is_founding(self._growth.cluster, name):
                line.append("--is-founding")
            return line

        return Child(name, command_line)

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()

        def receive() -> None:
            if self._stop.is_set():
                self._supervisor.kill_nowait()
            self._stop.set()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, receive)

    async def _announce(self) -> None:
        """Wait until the cluster is complete, and print how to reach it."""
        patience = clock.monotonic() + IMPATIENCE_S
        while True:
            await asyncio.sleep(POLL_S)
            for child in self._supervisor.children:
                if UsageError.exit_code in child.exit_codes:
                    why = self._console.explain_end()
                    self._problem = UsageError(f"{child.name} cannot start: {why}")
                    self._stop.set()
                    return
            seen = await asyncio.to_thread(self._look)
            missing = self._missing(seen)
            try:
                if not missing and not await self._growth.take_in():
                    break
            except UnreachableError as error:
                missing = [str(error)]
            except CommandError as error:
                self._problem = error
                self._stop.set()
                return
            self._console.progress(missing)
            if clock.monotonic() > patience:
                patience = clock.monotonic() + IMPATIENCE_S
                _logger.warning("not-ready-yet", waiting_for="; ".join(missing))
        grown = self._growth.complete()
        self._console.clear()
        if grown:
            print(grown, flush=True)
        nodes = seen.nodes if seen is not None else ()
        hints = Hints(
            program=program_name(Path(sys.argv[0])),
            data=self._config.data,
            victim=next(((node.name, node.pid) for node in nodes), None),
            log=self._console.log_path,
        )
        print(ready_text(self._access, hints), flush=True)
        ServiceManager(os.environ).ready()

    def _look(self) -> Cluster | None:
        try:
            return fetch_all(self._access.urls)
        except UnreachableError:
            return None

    def _missing(self, seen: Cluster | None) -> list[str]:
        if seen is None or len(seen.balancers) < len(self._balancers):
            return ["the balancer does not answer yet"]
        nodes = {node.name: node for node in seen.nodes}
        missing = []
        for name in self._growth.expected(seen.members):
            if name not in nodes:
                missing.append(f"{name} has not announced itself")
            elif nodes[name].state not in _WHOLE:
                why = nodes[name].reason
                missing.append(f"{name} is {nodes[name].state}" + (f" ({why})" if why else ""))
        return missing

    async def _stop_in_order(self) -> None:
        _logger.info("stopping")
        ServiceManager(os.environ).stopping()
        # Balancers first, so that they can tell their clients.
        await asyncio.gather(
            *(self._supervisor.stop(child, BALANCER_STOP_S) for child in self._balancers)
        )
        for child in self._nodes:
            # One by one, so that each can hand over its leadership.
            await self._supervisor.stop(child, NODES_STOP_S / max(1, len(self._nodes)))
        # Last, because nodes give up their duties there.
        await asyncio.gather(*(self._supervisor.stop(child, ETCD_STOP_S) for child in self._etcd))
        await self._supervisor.kill_leftovers()
        _logger.info("stopped")


def _etcd_children(etcd: LocalEtcd) -> list[Child]:
    return [Child(name, partial(etcd.command_line, name)) for name in MEMBERS]


async def keep_renewed(
    renew: Callable[[], None], sleep: Callable[[float], Awaitable[None]]
) -> None:
    """Renew certificates in time, for ever."""
    while True:
        await sleep(RENEWAL_S)
        try:
            await asyncio.to_thread(renew)
        except UsageError as error:
            _logger.error("certificates-not-renewed", reason=str(error))


def connectable(host: str) -> str:
    """Return a host that clients can connect to: loopback for a wildcard."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104


def _join(host: str, port: int) -> str:
    host = connectable(host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
