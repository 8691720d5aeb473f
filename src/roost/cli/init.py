"""`roost init`: the files of a cluster whose processes run on several machines.

Each process gets a directory that holds all it needs and names nothing outside itself, so that it
can be copied to its machine and started there:

    DIR/n1/config.toml  ca.pem  node-n1.pem  node-n1-key.pem      roost node --config ...
    DIR/b1/config.toml  ca.pem  balancer-b1.pem ...               roost balancer --config ...
           clients.pem  clients-key.pem                           what clients are shown
    DIR/operator/config.toml ...                          roost drain n1 --config ...
    DIR/authority/      the authority's key: keep it, and keep it to yourself

Processes on the same host take ports one after the other, beginning with the one given.
"""

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from roost.cli.cluster import (
    NODES_MAX,
    ClusterDirectory,
    ClusterFile,
    ensure_certificates,
    ensure_door_files,
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
from roost.cli.errors import UsageError
from roost.ops import clock

_COMMENT = "Made by `roost init`. Paths count from this file's directory."


class InitConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Who is where."""

    nodes: tuple[str, ...]
    """NAME=HOST of each node, as the others reach it."""
    balancers: tuple[str, ...]
    """NAME=HOST of each balancer, as nodes and clients reach it."""
    data: Path
    port: int
    http_port: int
    trunk_port: int
    mesh_port: int
    tls_port: int = 6697


def init(config: InitConfig) -> None:
    """Write the files of a new cluster.

    Raises:
        UsageError: names or hosts do not fit, or the directory cannot be used.
    """
    from roost.wire import format_address

    nodes, balancers = _hosts("--node", config.nodes), _hosts("--balancer", config.balancers)
    if len(nodes) > NODES_MAX:
        raise UsageError(f"--node: a cluster has up to {NODES_MAX} nodes, not {len(nodes)}")
    both = [name for name in nodes if name in balancers]
    if both:
        raise UsageError(f"{both[0]} cannot be both a node and a balancer")
    for name in (OPERATOR, "authority"):
        if name in nodes or name in balancers:
            raise UsageError(f"{name} is what another directory is called: choose another name")
    with ClusterDirectory(config.data) as directory:
        if (directory.path / "cluster.toml").exists():
            raise UsageError(f"there is a cluster in {config.data} already")
        cluster = directory.make(tuple(nodes))
        roles: dict[str, tuple[str, tuple[str, ...]]]
        roles = {name: ("node", (host,)) for name, host in nodes.items()}
        roles |= {name: ("balancer", (host,)) for name, host in balancers.items()}
        roles[OPERATOR] = ("operator", ())
        now = clock.utc_now()
        made = ensure_certificates(directory, cluster.cluster, roles, now)
        ports = _Ports(config)
        trunks: list[str] = []
        for name, host in balancers.items():
            trunk = (host, ports.next("trunk", host))
            trunks.append(format_address(trunk))
            values = balancer_values(
                cluster=cluster.cluster,
                name=name,
                credentials=_copy_authority(made[name]),
                host=host,
                port=ports.next("port", host),
                trunk=trunk,
                http=("127.0.0.1", ports.next("http", host)),
                tls_port=ports.next("tls", host),
                tls=_names(ensure_door_files(directory, cluster.cluster, name, (host,), now)),
            )
            directory.write_text(f"{name}/{CONFIG_FILE}", config_text(values, {}, _COMMENT))
        meshes = {name: (host, ports.next("mesh", host)) for name, host in nodes.items()}
        for name, host in nodes.items():
            values = node_values(
                cluster=cluster.cluster,
                name=name,
                members=cluster.members,
                credentials=_copy_authority(made[name]),
                data=Path(DATA_FOLDER),
                balancers=trunks,
            )
            values["mesh_host"], values["mesh_port"] = meshes[name]
            values["neighbours"] = {
                peer: format_address(mesh) for peer, mesh in meshes.items() if peer != name
            }
            values["http_host"], values["http_port"] = "127.0.0.1", ports.next("http", host)
            directory.write_text(f"{name}/{CONFIG_FILE}", config_text(values, {}, _COMMENT))
        values = operator_values(
            cluster=cluster.cluster,
            credentials=_copy_authority(made[OPERATOR]),
            balancers=trunks,
        )
        directory.write_text(f"{OPERATOR}/{CONFIG_FILE}", config_text(values, {}, _COMMENT))
        print(_next_steps(directory.path, cluster, tuple(balancers)))


class _Ports:
    """Hands out ports, on each host one after the other."""

    def __init__(self, config: InitConfig) -> None:
        self._first = {
            "port": config.port,
            "tls": config.tls_port,
            "http": config.http_port,
            "trunk": config.trunk_port,
            "mesh": config.mesh_port,
        }
        self._given: Counter[tuple[str, str]] = Counter()

    def next(self, kind: str, host: str) -> int:
        """Give the next port of a kind on a host."""
        number = self._given[kind, host]
        self._given[kind, host] += 1
        return self._first[kind] + number


def _hosts(flag: str, words: Sequence[str]) -> dict[str, str]:
    from roost.wire.identity import NAME_HINT, is_valid_name

    hosts: dict[str, str] = {}
    for word in words:
        name, _, host = word.partition("=")
        if not name or not host:
            raise UsageError(f"{flag} {word}: it must be NAME=HOST")
        if not is_valid_name(name):
            raise UsageError(f"{flag} {word}: a name is {NAME_HINT}")
        if name in hosts:
            raise UsageError(f"{flag} {word}: there is another {name}")
        hosts[name] = host
    return hosts


def _copy_authority(credentials: Mapping[str, Path]) -> dict[str, Path]:
    """Put the authority's certificate beside a process's own; gives names without directories."""
    target = credentials["certificate"].with_name(credentials["authority"].name)
    try:
        shutil.copyfile(credentials["authority"], target)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
    return _names(credentials)


def _names(files: Mapping[str, Path]) -> dict[str, Path]:
    """Give names without directories."""
    return {kind: Path(path.name) for kind, path in files.items()}


def _next_steps(path: Path, cluster: ClusterFile, balancers: Sequence[str]) -> str:
    lines = [
        f"Made {cluster.cluster} in {path}. Copy each directory to its machine, then there:",
        *(f"  roost balancer --config {name}/{CONFIG_FILE}" for name in balancers),
        *(f"  roost node --config {name}/{CONFIG_FILE} --is-founding" for name in cluster.members),
        "Operators' commands need a directory of their own, wherever they are given:",
        f"  roost drain NODE --config {OPERATOR}/{CONFIG_FILE}",
        "Leave --is-founding out at every later start, above all after a disk was lost.",
    ]
    return "\n".join(lines)
