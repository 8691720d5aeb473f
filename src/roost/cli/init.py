"""`roost init`: the files of a cluster whose processes run on several machines.

Each process gets a directory that contains all it needs, to be copied to its machine:

    DIR/n1/config.toml  ca.pem  node-n1.pem  node-n1-key.pem      roost node --config ...
    DIR/b1/config.toml  ca.pem  balancer-b1.pem ...               roost balancer --config ...
           clients.pem  clients-key.pem                           the certificate that clients see
    DIR/operator/config.toml ...                                  roost drain n1 --config ...
    DIR/authority/                                                the authority's key, a secret

Processes on the same host use consecutive ports, beginning with the given one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from roost.cli.cluster import (
    CLUSTER_FILE,
    CONFIG_FILE,
    DATA_FOLDER,
    NODES_MAX,
    OPERATOR,
    ClusterDirectory,
    ClusterFile,
)
from roost.cli.deployment import Deployment
from roost.cli.errors import UsageError
from roost.cli.flags import InitFlags

_COMMENT = "Written by `roost init`. Paths are relative to the directory of this file."


def init(flags: InitFlags) -> None:
    """Write the files of a new cluster.

    Raises:
        UsageError: a name or host is not valid, or the directory cannot be used.
    """
    here = [f"n{number}=127.0.0.1" for number in range(1, flags.local_nodes + 1)]
    nodes = parse_hosts("--node", flags.nodes or here)
    balancers = parse_hosts("--balancer", flags.balancers)
    _check_names(nodes, balancers)
    with ClusterDirectory(flags.data) as directory:
        if (directory.path / CLUSTER_FILE).exists():
            raise UsageError(f"{flags.data} already contains a cluster")
        cluster = directory.make(tuple(nodes))
        deployment = Deployment(
            directory,
            cluster,
            {name: (host,) for name, host in balancers.items()},
            {name: (host,) for name, host in nodes.items()},
            comment=_COMMENT,
            is_portable=True,
        )
        _write(deployment, nodes, balancers, _Ports(flags))
        print(_next_steps(directory.path, cluster, tuple(balancers)))


def _check_names(nodes: Mapping[str, str], balancers: Mapping[str, str]) -> None:
    if len(nodes) > NODES_MAX:
        raise UsageError(f"--node: a cluster has up to {NODES_MAX} nodes, not {len(nodes)}")
    both = [name for name in nodes if name in balancers]
    if both:
        raise UsageError(f"{both[0]} cannot be both a node and a balancer")
    for name in (OPERATOR, "authority"):
        if name in nodes or name in balancers:
            raise UsageError(f"{name} is the name of another directory: choose another one")


def _write(
    deployment: Deployment, nodes: Mapping[str, str], balancers: Mapping[str, str], ports: "_Ports"
) -> None:
    from roost.wire import format_address

    chosen = {
        name: ports.take(host, "port", "tls_port", "trunk_port", "http_port")
        for name, host in balancers.items()
    }
    for name, host in balancers.items():
        values = {
            **chosen[name],
            "host": host,
            "trunk_host": host,
            "http_host": "127.0.0.1",
            "tls": deployment.ensure_listener_files(name, host),
        }
        deployment.write(name, values)
    trunks = [format_address((balancers[name], chosen[name]["trunk_port"])) for name in balancers]
    chosen = {name: ports.take(host, "mesh_port", "http_port") for name, host in nodes.items()}
    meshes = {name: format_address((nodes[name], chosen[name]["mesh_port"])) for name in nodes}
    for name, host in nodes.items():
        values = {
            **chosen[name],
            "members": tuple(nodes),
            "data": Path(DATA_FOLDER),
            "balancers": trunks,
            "mesh_host": host,
            "neighbours": {peer: mesh for peer, mesh in meshes.items() if peer != name},
            "http_host": "127.0.0.1",
        }
        deployment.write(name, values)
    deployment.write(OPERATOR, {"balancers": trunks})


class _Ports:
    """Assigns consecutive ports on each host."""

    def __init__(self, flags: InitFlags) -> None:
        self._flags = flags
        self._taken: Counter[tuple[str, str]] = Counter()

    def take(self, host: str, *keys: str) -> dict[str, int]:
        """Return the next port on a host for each key, such as `http_port`."""
        ports = {key: getattr(self._flags, key) + self._taken[key, host] for key in keys}
        self._taken.update((key, host) for key in keys)
        return ports


def parse_hosts(flag: str, words: Sequence[str]) -> dict[str, str]:
    """Parse NAME=HOST words; `flag` names them in errors.

    Raises:
        UsageError: one of them is not valid, or a name comes twice.
    """
    from roost.wire.identity import NAME_HINT, is_valid_name

    hosts: dict[str, str] = {}
    for word in words:
        name, _, host = word.partition("=")
        if not name or not host:
            raise UsageError(f"{flag} {word}: it must be NAME=HOST")
        if not is_valid_name(name):
            raise UsageError(f"{flag} {word}: a name is {NAME_HINT}")
        if name in hosts:
            raise UsageError(f"{flag} {word}: the name {name} is taken")
        hosts[name] = host
    return hosts


def _next_steps(path: Path, cluster: ClusterFile, balancers: Sequence[str]) -> str:
    lines = [
        f"Created {cluster.cluster} in {path}.",
        "Copy each directory to its machine and start its process there:",
        *(f"  roost balancer --config {name}/{CONFIG_FILE}" for name in balancers),
        *(f"  roost node --config {name}/{CONFIG_FILE} --is-founding" for name in cluster.members),
        "Operators need a directory of their own:",
        f"  roost drain NODE --config {OPERATOR}/{CONFIG_FILE}",
        "Omit --is-founding at every later start, above all after a disk was lost.",
    ]
    return "\n".join(lines)
