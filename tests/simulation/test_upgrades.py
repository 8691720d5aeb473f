"""Clusters that are upgraded from the release before, whose real code runs, under faults."""

import os

import pytest

from roost.chat.versions import VERSION
from support.simulation.cluster import Faults
from support.simulation.node import CURRENT
from support.simulation.same_run import EVERYTHING
from support.simulation.upgrading import FORMER, UpgradingCluster

SEEDS = int(os.environ.get("ROOST_SIMULATION_SEEDS", "1"))
FIRST_SEED = int(os.environ.get("ROOST_SIMULATION_FIRST_SEED", "1"))
SCENARIOS = {
    "calm": Faults(),
    "loss": Faults(loss=0.02, moves=4.0),
    "crashes": Faults(crashes=0.5, moves=1.0),
    "partitions": Faults(partitions=0.4, stalls=0.5),
    "disks": Faults(disk_losses=0.2, disk_rollbacks=0.1, loss=0.005),
    "everything": EVERYTHING,
}


def seeds() -> list[int]:
    return list(range(FIRST_SEED, FIRST_SEED + SEEDS))


@pytest.mark.parametrize("seed", seeds())
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_promises_hold_while_a_cluster_is_upgraded(scenario: str, seed: int) -> None:
    cluster = UpgradingCluster(
        seed,
        faults=SCENARIOS[scenario],
        balancers=1 + seed % 2,
        snapshot_entries=60,
        retained_entries=40,
    )
    cluster.wait_ready()
    cluster.start_people()
    cluster.world.run(1.0)
    cluster.start_faults()
    while len(cluster.upgraded) < len(cluster.names):
        cluster.world.run(cluster.world.random.uniform(0.3, 2.5))
        assert set(cluster.versions()) <= {1}
        cluster.upgrade_some()
    cluster.world.run(6.0)
    cluster.stop_faults()
    cluster.settle()
    assert cluster.versions() == [VERSION] * len(cluster.names)


def calm(seed: int) -> UpgradingCluster:
    cluster = UpgradingCluster(seed, snapshot_entries=60, retained_entries=40)
    cluster.wait_ready()
    cluster.start_people()
    cluster.world.run(1.0)
    return cluster


def test_a_node_of_the_release_before_is_kept_out_once_the_version_has_been_raised() -> None:
    cluster = calm(1)
    cluster.upgrade()
    # Its disk is new: on the old one that release would not start.
    cluster.install("n2", FORMER, is_disk_lost=True)
    cluster.world.run(5.0)
    (balancer,) = cluster.balancers
    node = balancer.exchange.pool.find("n2")
    assert node is not None
    status = balancer.exchange.pool.status(node, cluster.world.now)
    assert status.state == "outdated"
    assert "the cluster is at version 2, and this node speaks up to 1" in status.reason
    assert not node.sessions
    assert cluster.nodes["n2"].position == 0
    cluster.install("n2", CURRENT, is_disk_lost=True)
    cluster.wait_ready()
    cluster.settle()


def test_the_version_waits_for_a_node_that_is_held_back() -> None:
    cluster = calm(2)
    cluster.hold_back("n3", 1)
    for name in cluster.names:
        cluster.install(name, CURRENT)
        cluster.wait_ready()
    cluster.world.run(3.0)
    assert cluster.versions() == [1, 1, 1]
    # All can still go back.
    cluster.install("n1", FORMER)
    cluster.wait_ready()
    cluster.install("n1", CURRENT)
    cluster.hold_back("n3", VERSION)
    cluster.install("n3", CURRENT)
    cluster.wait_ready()
    cluster.settle()
    assert cluster.versions() == [VERSION] * 3
