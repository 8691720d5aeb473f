"""How the nodes of `roost up` become more, and fewer.

    --nodes 5 on a cluster of three    n4 and n5 are *joining*: started, and added through the log
                                       once the others are ready
    roost members remove n2            the cluster says that n2 does not belong: it is stopped for
                                       good

`cluster.toml` has which nodes run on this machine; who belongs to the cluster is in its log.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import structlog

from roost.chat.commands.administration import AddNode, ShowNodes
from roost.cli.administer import administer
from roost.cli.cluster import ClusterDirectory, ClusterFile, without
from roost.cli.console import Console
from roost.cli.drain import load_operator
from roost.cli.flags import OperatorFlags
from roost.cli.status import Cluster
from roost.cli.supervisor import Child, Supervisor

LOOPBACK = "127.0.0.1"
LOOK_S = 5.0
"""Between two looks at which nodes belong to the cluster."""
REMOVED_S = 5.0
"""How long a removed node goes on: several times what the log needs to do without it."""
STOP_S = 15.0
"""How long a removed node may take to hand over its clients."""

_logger = structlog.get_logger(__name__)


class Growth:
    """The nodes of one run, as they become more and fewer."""

    def __init__(
        self,
        directory: ClusterDirectory,
        cluster: ClusterFile,
        nodes: Sequence[Child],
        console: Console,
    ) -> None:
        self.cluster = cluster
        """What `cluster.toml` says."""
        self._directory = directory
        self._nodes = {child.name: child for child in nodes}
        self._console = console
        self._added: list[str] | None = None
        """The nodes that were added in this run; None before the cluster was asked."""
        for name in cluster.joining:
            # One that does not belong yet would be refused, and try again later and later.
            self._nodes[name].released = asyncio.Event()

    def expected(self, members: Sequence[str]) -> list[str]:
        """Return the nodes that must be ready now; `members` as in `removed_nodes`."""
        gone = removed_nodes(self.cluster, members)
        joining = self.cluster.joining if self._added is None else ()
        return [name for name in self.cluster.local if name not in (*gone, *joining)]

    async def take_in(self) -> bool:
        """Add joining nodes and start them, unless that is done; return whether there were any.

        Raises:
            CommandError: the cluster refuses.
            UnreachableError: it does not answer.
        """
        if self._added is not None or not self.cluster.joining:
            return False
        path, joining = self._directory.path, self.cluster.joining
        self._added = await asyncio.to_thread(take_in, path, joining)
        for name in joining:
            released = self._nodes[name].released
            assert released is not None, "it was made at the start"
            released.set()
        return True

    def complete(self) -> str:
        """Note that all nodes are ready; return what people are told of new ones."""
        text = growth_text(self.cluster, self._added) if self._added else ""
        self._write(msgspec.structs.replace(self.cluster, is_founded=True, joining=()))
        return text

    async def follow(self, look: Callable[[], Cluster | None], supervisor: Supervisor) -> None:
        """Stop nodes that were removed from the cluster, for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            seen = await asyncio.to_thread(look)
            for name in removed_nodes(self.cluster, seen.members if seen else ()):
                # The others may need it until the log does without it.
                await asyncio.sleep(REMOVED_S)
                await supervisor.stop(self._nodes[name], STOP_S)
                self._write(without(self.cluster, name))
                _logger.warning("node-removed", node=name)
                self._console.tell(f"{name} was removed from the cluster. It is stopped for good.")

    def _write(self, cluster: ClusterFile) -> None:
        if cluster != self.cluster:
            self.cluster = cluster
            self._directory.write(cluster)


def removed_nodes(cluster: ClusterFile, members: Sequence[str]) -> list[str]:
    """Return the nodes here that do not belong any more; `members` is empty if unknown."""
    if not members:
        return []
    return [name for name in cluster.local if name not in members and name not in cluster.joining]


def take_in(data: Path, joining: Sequence[str]) -> list[str]:
    """Have the cluster add these nodes; return those that it did not have before.

    Raises:
        CommandError: it refuses, or does not answer.
    """
    from roost.protocol.nodes import decode_nodes
    from roost.wire.authority import key_hash, load_certificate

    operator = load_operator(OperatorFlags(data=data))
    where = (operator.cluster, operator.balancers, operator.credentials)
    known = [node.name for node in decode_nodes(administer(*where, ShowNodes())).nodes]
    added = [name for name in joining if name not in known]
    for name in added:
        key = key_hash(load_certificate(data / name / f"node-{name}.pem"))
        administer(*where, AddNode(name, LOOPBACK, key))
    return added


def growth_text(cluster: ClusterFile, added: Sequence[str]) -> str:
    """Return for people what `take_in` did."""
    names = " and ".join(filter(None, (", ".join(added[:-1]), added[-1])))
    before = len(cluster.local) - len(cluster.joining)
    had = "1 node" if before == 1 else f"{before} nodes"
    return f"Added {names} to the cluster, which had {had} here."
