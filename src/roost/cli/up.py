"""`roost up`: a whole cluster on this machine, each of its parts a process of its own.

    up  --starts-->  balancer b1 ...      ends first: it tells the clients
        --starts-->  node n1, n2, n3 ...  end one by one, so that each can hand over what it leads

The supervisor does nothing else: it holds no connection and knows no chat.
"""

import asyncio
import os
import shlex
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import structlog

from roost.cli.cluster import (
    NODES_MAX,
    ClusterDirectory,
    ClusterFile,
    ensure_certificates,
    ensure_door_files,
    fingerprint_of,
)
from roost.cli.deployment import (
    CONFIG_FILE,
    DATA_FOLDER,
    OPERATOR,
    balancer_values,
    config_text,
    node_values,
    operator_values,
)
from roost.cli.errors import CommandError, UnreachableError, UsageError
from roost.cli.orphans import end_orphans
from roost.cli.ports import choose_ports
from roost.cli.status import DEFAULT_DATA, RUN_FILE, Cluster, RunFile, fetch_all
from roost.cli.supervisor import Child, Supervisor
from roost.ops import clock
from roost.ops.logging import Level, configure

POLL_S = 0.05
"""Between two looks at whether the nodes are ready."""
IMPATIENCE_S = 5.0
"""After so long without being ready, say what is missing, and again each time."""
BALANCER_STOP_S = 1.2
NODES_STOP_S = 1.4
"""Together with the end of the supervisor itself, less than the 3 s that Ctrl-C may take."""

TLS_PORT = 6697
"""IRC's port for TLS (RFC 7194)."""
DOOR = "tls"
"""The folder of the certificate that clients are shown."""

_WHOLE = ("ready", "draining")
"""States of a node that lacks nothing; one that was drained stays so when it starts again."""
_COMMENT = "Made by `roost up` at each start. Change keys in a file for its --config instead."

_logger = structlog.get_logger(__name__)

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class UpConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What `roost up` can be told."""

    nodes: Annotated[int, msgspec.Meta(ge=1, le=NODES_MAX)] | None = None
    """Default: what the data directory has, or 3."""
    balancers: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    data: Path = DEFAULT_DATA
    host: str = "127.0.0.1"
    """Where clients and browsers are expected; a process talks to the others on loopback."""
    port: Port = 6667
    """For clients; 0 is any free one. Further balancers take the ports after it."""
    tls_port: Port | None = None
    """For clients by TLS, in the same way. Default: 6697, or any free one if `port` is."""
    certificate: Path | None = None
    """What clients are shown, a PEM file; without it the cluster makes one."""
    key: Path | None = None
    """The certificate's key."""
    http_port: Port = 8080
    restart: bool = True
    """Start a process again when it dies."""
    log_level: Level = "info"
    balancer: dict[str, Any] = {}
    """Keys of every balancer's own configuration."""
    node: dict[str, Any] = {}
    """Keys of every node's own configuration."""

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together: give both or neither")

    @property
    def first_tls_port(self) -> int:
        """Where the first balancer expects clients by TLS."""
        if self.tls_port is None:
            return TLS_PORT if self.port else 0
        return self.tls_port


def up(config: UpConfig) -> None:
    """Run a cluster until a signal ends it.

    Raises:
        CommandError: it cannot run.
    """
    configure("up", level=config.log_level)
    with ClusterDirectory(config.data) as directory:
        cluster = directory.open(config.nodes)
        balancers = [f"b{number}" for number in range(1, config.balancers + 1)]
        end_orphans(directory.path / name / CONFIG_FILE for name in (*balancers, *cluster.members))
        deployment = _Deployment(config, directory, cluster, balancers)
        asyncio.run(_Run(config, directory, cluster, deployment).run())


class _Deployment:
    """The ports, certificates and configuration files of one run."""

    def __init__(
        self,
        config: UpConfig,
        directory: ClusterDirectory,
        cluster: ClusterFile,
        balancers: Sequence[str],
    ) -> None:
        host, count = config.host, len(balancers)
        wanted = [
            *((host, config.port and config.port + i, "--port") for i in range(count)),
            *(
                (host, config.http_port and config.http_port + i, "--http-port")
                for i in range(count)
            ),
            *(("127.0.0.1", 0, "--host") for _ in range(count)),
            *(
                (host, config.first_tls_port and config.first_tls_port + i, "--tls-port")
                for i in range(count)
            ),
        ]
        ports = choose_ports(wanted)
        self.balancers = tuple(balancers)
        self.addresses = tuple(_join(host, port) for port in ports[:count])
        self.urls = tuple(f"http://{_join(host, port)}" for port in ports[count : 2 * count])
        trunks = tuple(f"127.0.0.1:{port}" for port in ports[2 * count : 3 * count])
        self.tls_addresses = tuple(_join(host, port) for port in ports[3 * count :])
        roles = dict.fromkeys(balancers, ("balancer", ())) | dict.fromkeys(
            cluster.members, ("node", ())
        )
        roles[OPERATOR] = ("operator", ())
        files = ensure_certificates(directory, cluster.cluster, roles, clock.utc_now())
        self.authority = directory.path / "authority" / "ca.pem" if config.key is None else None
        """What clients have to trust; None when the operator has brought a certificate."""
        self.tls = _door_files(config, directory, cluster.cluster)
        for number, name in enumerate(balancers):
            values = balancer_values(
                cluster=cluster.cluster,
                name=name,
                credentials=files[name],
                host=host,
                port=ports[number],
                trunk=("127.0.0.1", ports[2 * count + number]),
                http=(host, ports[count + number]),
                tls_port=ports[3 * count + number],
                tls=self.tls,
            )
            text = config_text(values, config.balancer, _COMMENT)
            directory.write_text(f"{name}/{CONFIG_FILE}", text)
        for name in cluster.members:
            values = node_values(
                cluster=cluster.cluster,
                name=name,
                members=cluster.members,
                credentials=files[name],
                data=directory.path / name / DATA_FOLDER,
                balancers=trunks,
            )
            text = config_text(values, config.node, _COMMENT)
            directory.write_text(f"{name}/{CONFIG_FILE}", text)
        values = operator_values(
            cluster=cluster.cluster, credentials=files[OPERATOR], balancers=trunks
        )
        directory.write_text(f"{OPERATOR}/{CONFIG_FILE}", config_text(values, {}, _COMMENT))


def _door_files(config: UpConfig, directory: ClusterDirectory, cluster: str) -> dict[str, Path]:
    """Give the files of what clients are shown: the operator's, or ones that we make."""
    if config.certificate is not None and config.key is not None:
        return {"certificate": config.certificate, "key": config.key}
    host = connectable(config.host)
    names = tuple(dict.fromkeys((socket.gethostname(), host)))
    return ensure_door_files(directory, cluster, DOOR, names, clock.utc_now())


class _Run:
    """One run of a cluster."""

    def __init__(
        self,
        config: UpConfig,
        directory: ClusterDirectory,
        cluster: ClusterFile,
        deployment: _Deployment,
    ) -> None:
        self._config = config
        self._directory = directory
        self._cluster = cluster
        self._deployment = deployment
        self._balancers = [
            self._child("balancer", name, is_node=False) for name in deployment.balancers
        ]
        self._nodes = [self._child("node", name, is_node=True) for name in cluster.members]
        self._supervisor = Supervisor(
            [*self._balancers, *self._nodes], is_restarting=config.restart
        )
        self._stop = asyncio.Event()
        self._problem: CommandError | None = None

    async def run(self) -> None:
        """Start everything, say when it is ready, and end it when asked to."""
        self._watch_signals()
        run_file = RunFile(os.getpid(), self._deployment.addresses, self._deployment.urls)
        path = self._directory.write_text(RUN_FILE, msgspec.json.encode(run_file).decode() + "\n")
        try:
            async with asyncio.TaskGroup() as tasks:
                children = tasks.create_task(self._supervisor.run())
                announcing = tasks.create_task(self._announce())
                stopping = tasks.create_task(self._stop.wait())
                await asyncio.wait((children, stopping), return_when=asyncio.FIRST_COMPLETED)
                announcing.cancel()
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
            if is_node and self._directory.is_founding(self._cluster, name):
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
        """Wait until the cluster is whole, and say how to reach it."""
        patience = clock.monotonic() + IMPATIENCE_S
        while True:
            await asyncio.sleep(POLL_S)
            for child in self._supervisor.children:
                if UsageError.exit_code in child.exit_codes:
                    self._problem = UsageError(f"{child.name} cannot start (see above)")
                    self._stop.set()
                    return
            missing = self._missing(await asyncio.to_thread(self._look))
            if not missing:
                break
            if clock.monotonic() > patience:
                patience = clock.monotonic() + IMPATIENCE_S
                _logger.warning("not-ready-yet", waiting_for="; ".join(missing))
        if not self._cluster.is_founded:
            self._cluster = msgspec.structs.replace(self._cluster, is_founded=True)
            self._directory.write(self._cluster)
        command = status_command(Path(sys.argv[0]), self._config.data)
        deployment = self._deployment
        doors = TlsDoors(
            deployment.tls_addresses,
            fingerprint_of(deployment.tls["certificate"]),
            deployment.authority,
        )
        print(ready_text(deployment.addresses, doors, deployment.urls, command), flush=True)

    def _look(self) -> Cluster | None:
        try:
            return fetch_all(self._deployment.urls)
        except UnreachableError:
            return None

    def _missing(self, seen: Cluster | None) -> list[str]:
        if seen is None or len(seen.balancers) < len(self._balancers):
            return ["the balancer does not answer yet"]
        nodes = {node.name: node for node in seen.nodes}
        missing = []
        for name in self._cluster.members:
            if name not in nodes:
                missing.append(f"{name} has not announced itself")
            elif nodes[name].state not in _WHOLE:
                why = nodes[name].reason
                missing.append(f"{name} is {nodes[name].state}" + (f" ({why})" if why else ""))
        return missing

    async def _stop_in_order(self) -> None:
        _logger.info("stopping")
        # A balancer tells its clients; only then the nodes may go.
        await asyncio.gather(
            *(self._supervisor.stop(child, BALANCER_STOP_S) for child in self._balancers)
        )
        for child in self._nodes:
            # One after the other: each finds somebody to hand its leadership to, but the last.
            await self._supervisor.stop(child, NODES_STOP_S / len(self._nodes))
        await self._supervisor.kill_leftovers()
        _logger.info("stopped")


class TlsDoors(NamedTuple):
    """What people must know to come in by TLS."""

    addresses: tuple[str, ...]
    fingerprint: str
    """Of the certificate that they are shown."""
    authority: Path | None
    """The file to trust; None when they trust the certificate anyway."""


def ready_text(addresses: Sequence[str], tls: TlsDoors, urls: Sequence[str], command: str) -> str:
    """Say that the cluster is ready, and how to get in; `command` shows its status."""
    host, _, port = addresses[0].rpartition(":")
    others = f" (and at {', '.join(addresses[1:])})" if len(addresses) > 1 else ""
    return "\n".join(
        (
            f"Roost is ready at {addresses[0]}{others}",
            f"  irssi    irssi -c {host.strip('[]')} -p {port} -n NAME",
            f"  WeeChat  weechat 'irc://NAME@{addresses[0]}/#lobby'",
            f"  TLS      {', '.join(tls.addresses)}",
            *_trust_lines(tls),
            f"  status   {urls[0]}/ or {command}",
            "  Ctrl-C stops it.",
        )
    )


def status_command(program: Path, data: Path) -> str:
    """Give the command line that shows the status of a cluster in `data`."""
    words = [str(program) if program.name == "roost" else "roost", "status"]
    if data.absolute() != DEFAULT_DATA.absolute():
        words += ["--data", str(data)]
    return shlex.join(words)


def _trust_lines(tls: TlsDoors) -> list[str]:
    lines = [f"           certificate SHA-256 {tls.fingerprint}"]
    if tls.authority is not None:
        lines.append(f"           made here: have clients trust {tls.authority}")
    return lines


def connectable(host: str) -> str:
    """Give a host that can be connected to: a wildcard becomes loopback."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104


def _join(host: str, port: int) -> str:
    """Give an address that can be connected to."""
    host = connectable(host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
