"""Simulations of clusters whose log is in etcd, under the same checkers as the embedded log."""

import os

import msgspec
import pytest

from support.simulation.cluster import NO_FAULTS, Faults, SimulatedCluster
from support.simulation.etcd import EtcdFaults
from support.simulation.members import GrowingCluster

SEEDS = int(os.environ.get("ROOST_SIMULATION_SEEDS", "1"))
"""Seeds per scenario; set the variable higher for a longer hunt."""
FIRST_SEED = int(os.environ.get("ROOST_SIMULATION_FIRST_SEED", "1"))

NODES = Faults(
    loss=0.01,
    crashes=0.3,
    partitions=0.2,
    freezes=0.2,
    disk_losses=0.05,
    stalls=0.5,
    moves=2.0,
    drains=0.1,
    clock_jumps=0.2,
    balancer_crashes=0.1,
)
EVERYTHING = EtcdFaults(
    lost=0.01,
    late=0.05,
    elections=0.2,
    kills=0.2,
    freezes=0.2,
    cuts=0.2,
    outages=0.05,
    compactions=0.3,
    lost_leases=0.1,
    full=0.05,
)
SCENARIOS = {
    "calm": (NO_FAULTS, EtcdFaults()),
    "unknown": (NO_FAULTS, EtcdFaults(lost=0.1, late=0.3)),
    "elections": (NO_FAULTS, EtcdFaults(elections=0.5, lost=0.01)),
    "members": (NO_FAULTS, EtcdFaults(kills=0.4, freezes=0.4, late=0.05)),
    "cuts": (NO_FAULTS, EtcdFaults(cuts=0.5, outages=0.1)),
    "compactions": (Faults(crashes=0.3), EtcdFaults(compactions=1.0, cuts=0.2, kills=0.2)),
    "leases": (Faults(crashes=0.3, freezes=0.3), EtcdFaults(lost_leases=0.5, full=0.2)),
    "clocks": (Faults(clock_jumps=0.5, crashes=0.1), EtcdFaults(late=0.05)),
    "nodes": (NODES, EtcdFaults(late=0.05)),
    "everything": (NODES, EVERYTHING),
}


def seeds() -> list[int]:
    return list(range(FIRST_SEED, FIRST_SEED + SEEDS))


@pytest.mark.parametrize("seed", seeds())
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_promises_hold_whatever_happens(scenario: str, seed: int) -> None:
    faults, etcd = SCENARIOS[scenario]
    cluster = SimulatedCluster(
        seed,
        faults=faults,
        etcd=etcd,
        balancers=1 + seed % 2,
        snapshot_entries=60,
        retained_entries=40,
    )
    cluster.wait_ready()
    cluster.start_people()
    cluster.world.run(2.0)
    cluster.start_faults()
    cluster.world.run(12.0)
    cluster.stop_faults()
    cluster.settle()


COME_AND_GO = {
    "calm": (Faults(members=1.5), EtcdFaults()),
    "everything": (msgspec.structs.replace(NODES, members=1.0), EVERYTHING),
    "crashes": (Faults(members=1.0, crashes=0.5), EtcdFaults(lost=0.01, late=0.05)),
    "disk-losses": (Faults(members=1.0, disk_losses=0.3), EtcdFaults(kills=0.2)),
    "partitions": (Faults(members=1.0, partitions=0.4, stalls=0.5), EtcdFaults(cuts=0.5)),
}


@pytest.mark.parametrize("seed", seeds())
def test_promises_hold_while_nodes_come_and_go(seed: int) -> None:
    """Each seed takes the next scenario."""
    faults, etcd = list(COME_AND_GO.values())[seed % len(COME_AND_GO)]
    cluster = GrowingCluster(
        seed,
        faults=faults,
        etcd=etcd,
        balancers=1 + seed % 2,
        snapshot_entries=60,
        retained_entries=40,
    )
    cluster.wait_ready()
    cluster.start_people()
    cluster.world.run(1.0)
    cluster.start_faults()
    cluster.world.run(15.0)
    cluster.stop_faults()
    # A drain may not have been taken back yet, which this sees to.
    cluster.settle()
    assert cluster.added or cluster.removed, "nobody came, and nobody went"
