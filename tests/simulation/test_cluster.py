"""Seeds of whole clusters: the promises, held against what simulated clients saw."""

import os

import pytest

from support.simulation.cluster import Faults, SimulatedCluster

SEEDS = int(os.environ.get("ROOST_SIMULATION_SEEDS", "12"))
"""Seeds per scenario; set the variable higher for a longer hunt."""
FIRST_SEED = int(os.environ.get("ROOST_SIMULATION_FIRST_SEED", "1"))

SCENARIOS = {
    "loss": Faults(loss=0.02),
    "crashes": Faults(crashes=0.5),
    "partitions": Faults(partitions=0.4),
    "freezes": Faults(freezes=0.5),
    "disk-losses": Faults(disk_losses=0.3, loss=0.005),
    "everything": Faults(loss=0.01, crashes=0.3, partitions=0.2, freezes=0.2, disk_losses=0.05),
}


def seeds() -> list[int]:
    return list(range(FIRST_SEED, FIRST_SEED + SEEDS))


@pytest.mark.parametrize("seed", seeds())
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_promises_hold_whatever_happens(scenario: str, seed: int) -> None:
    cluster = SimulatedCluster(
        seed,
        faults=SCENARIOS[scenario],
        snapshot_entries=60,
        retained_entries=40,
    )
    cluster.world.run_until(
        lambda: all(state == "ready" for state in cluster.states().values()), 10.0, "a start"
    )
    cluster.start_people()
    cluster.world.run(2.0)
    cluster.start_faults()
    cluster.world.run(15.0)
    cluster.stop_faults()
    cluster.settle()


def test_the_same_seed_gives_the_same_run() -> None:
    def run() -> list[str]:
        cluster = SimulatedCluster(7, faults=SCENARIOS["everything"])
        cluster.start_people()
        cluster.start_faults()
        cluster.world.run(6.0)
        return [*cluster.world.trace, *sorted(cluster.said)]

    assert run() == run()


@pytest.mark.parametrize("seed", seeds())
def test_a_dead_leader_is_replaced_within_300_ms(seed: int) -> None:
    cluster = SimulatedCluster(seed)
    cluster.world.run_until(
        lambda: all(state == "ready" for state in cluster.states().values()), 10.0, "a start"
    )
    cluster.start_people()
    cluster.world.run(1.0)
    leader = next(name for name, node in cluster.nodes.items() if node.mind.replica.is_leader)
    before = cluster.nodes[leader].position
    cluster.kill(leader, down_s=30.0)
    others = [node for name, node in cluster.nodes.items() if name != leader]
    took = cluster.world.run_until(
        lambda: any(
            node.mind.replica.is_leader and node.mind.replica.commit_index > before
            for node in others
        ),
        5.0,
        "another leader that commits",
    )
    assert took < 0.3


@pytest.mark.parametrize("seed", seeds())
def test_a_hung_leader_is_replaced_within_1500_ms(seed: int) -> None:
    cluster = SimulatedCluster(seed)
    cluster.world.run_until(
        lambda: all(state == "ready" for state in cluster.states().values()), 10.0, "a start"
    )
    leader = next(name for name, node in cluster.nodes.items() if node.mind.replica.is_leader)
    cluster.nodes[leader].freeze()
    others = [node for name, node in cluster.nodes.items() if name != leader]
    took = cluster.world.run_until(
        lambda: any(
            node.mind.replica.is_leader
            and node.mind.replica.commit_index == node.mind.replica.last_index
            for node in others
        ),
        5.0,
        "another leader that commits",
    )
    assert took < 1.5


@pytest.mark.parametrize("seed", seeds())
def test_a_minority_says_so_and_confirms_nothing(seed: int) -> None:
    cluster = SimulatedCluster(seed)
    cluster.world.run_until(
        lambda: all(state == "ready" for state in cluster.states().values()), 10.0, "a start"
    )
    cluster.start_people()
    cluster.world.run(2.0)
    lonely = cluster.world.random.choice(cluster.names)
    for other in cluster.names:
        if other != lonely:
            cluster.network.partition(lonely, other)
    cluster.world.run(2.5)
    assert cluster.states()[lonely] != "ready"
    served = [c for c in cluster.door.connections.values() if c.node == lonely]
    heard = [len(connection.heard) for connection in served]
    cluster.world.run(3.0)
    assert [len(connection.heard) for connection in served] == heard
    cluster.stop_faults()
    cluster.settle()
