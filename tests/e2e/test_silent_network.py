"""A node's network goes silent: no connection is closed, all packets are lost."""

from pathlib import Path

import pytest

from roost.cli.status import Cluster as Status
from support.background_load import BackgroundLoad
from support.namespaces import NamespacedCluster, require_namespaces

SILENT_PAUSE_MS_MAX = 2000.0


@pytest.mark.timeout(180)
def test_a_silent_node_costs_a_pause_and_takes_its_clients_back_afterwards(tmp_path: Path) -> None:
    require_namespaces()
    with (
        NamespacedCluster(tmp_path / "data") as cluster,
        BackgroundLoad(cluster, clients=90, rooms=9, rate=60) as load,
    ):
        leader = cluster.leader()
        follower = next(name for name in ("n1", "n2", "n3") if name != leader)
        for what, name in (("a follower", follower), ("the leader", cluster.leader())):
            cluster.wait_for(lambda status, name=name: sessions(status, name) >= 20, "even nodes")  # type: ignore[misc]
            with load.measured(f"{what} goes silent", pause_ms_max=SILENT_PAUSE_MS_MAX):
                cluster.silence(name)
                cluster.wait_for(lambda status, name=name: is_lost(status, name), "lost node")  # type: ignore[misc]
                load.wait_said(120)
            with load.measured(f"{what} is back", pause_ms_max=SILENT_PAUSE_MS_MAX):
                cluster.unsilence(name)
                cluster.wait_ready_nodes()
                load.wait_said(60)
        cluster.wait_for(lambda status: sessions(status, leader) >= 20, "even nodes")


def sessions(status: Status, name: str) -> int:
    return next(node.sessions for node in status.nodes if node.name == name)


def is_lost(status: Status, name: str) -> bool:
    node = next(node for node in status.nodes if node.name == name)
    return node.state == "down" and not node.sessions
