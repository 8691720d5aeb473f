"""Clusters whose nodes come and go while people talk, with the checks of every other simulation."""

import os

import pytest

from roost.chat.commands.administration import AddNode, RemoveNode
from roost.chat.settings import Settings
from support.simulation.cluster import Faults
from support.simulation.members import GrowingCluster

SEEDS = int(os.environ.get("ROOST_SIMULATION_SEEDS", "1"))
FIRST_SEED = int(os.environ.get("ROOST_SIMULATION_FIRST_SEED", "1"))
SETTINGS = Settings(voter_absence_s_max=2)
COME_AND_GO = {
    "calm": Faults(members=1.0),
    "crashes": Faults(members=0.8, crashes=0.5, loss=0.005),
    "partitions": Faults(members=0.8, partitions=0.4, stalls=0.5),
    "disk-losses": Faults(members=0.6, disk_losses=0.3, crashes=0.1),
    "everything": Faults(
        members=0.6,
        loss=0.005,
        crashes=0.3,
        partitions=0.15,
        freezes=0.2,
        disk_losses=0.1,
        stalls=0.3,
        moves=1.0,
        drains=0.1,
        clock_jumps=0.1,
        balancer_crashes=0.05,
    ),
}


def seeds() -> list[int]:
    return list(range(FIRST_SEED, FIRST_SEED + SEEDS))


def growing(seed: int, **options: object) -> GrowingCluster:
    cluster = GrowingCluster(
        seed,
        balancers=1 + seed % 2,
        snapshot_entries=60,
        retained_entries=40,
        settings=SETTINGS,
        **options,
    )
    cluster.wait_ready()
    cluster.start_people()
    cluster.world.run(1.0)
    return cluster


def settle(cluster: GrowingCluster) -> None:
    cluster.stop_faults()
    cluster.undrain_all()
    cluster.world.run_until(
        lambda: (
            len(cluster.voters()) == min(len(cluster.names), 5)
            and all(name in cluster.names for name in cluster.voters())
        ),
        40.0,
        lambda: f"as many voters as there should be, but {cluster.voters()}",
    )
    cluster.wait_ready()
    cluster.settle()


@pytest.mark.parametrize("seed", seeds())
@pytest.mark.parametrize("scenario", COME_AND_GO)
def test_promises_hold_while_nodes_come_and_go(scenario: str, seed: int) -> None:
    cluster = growing(seed, faults=COME_AND_GO[scenario])
    cluster.start_faults()
    cluster.world.run(15.0)
    settle(cluster)


@pytest.mark.parametrize("seed", seeds())
def test_three_nodes_become_seven_then_five_then_three(seed: int) -> None:
    cluster = growing(seed)
    random = cluster.world.random

    def kill_some() -> None:
        cluster.kill(random.choice(cluster.names), down_s=random.uniform(0.1, 1.0))

    for number in (4, 5, 6, 7):
        cluster.world.at(random.uniform(0.0, 1.0), kill_some)
        cluster.ask(AddNode(f"n{number}"))
    cluster.world.run_until(lambda: len(cluster.voters()) == 5, 30.0, "five voters of seven")
    for count in (5, 3):
        while len(cluster.names) > count:
            cluster.world.at(random.uniform(0.0, 1.0), kill_some)
            cluster.ask(RemoveNode(random.choice(cluster.names)))
    settle(cluster)
    assert len(cluster.voters()) == 3


def test_learners_serve_clients_and_write_no_log() -> None:
    cluster = growing(1, nodes=7, people=14)
    cluster.world.run_until(lambda: len(cluster.voters()) == 5, 10.0, "five voters")
    cluster.world.run(2.0)
    learners = [name for name in cluster.names if name not in cluster.voters()]
    disks = {name: node.log_disk for name, node in cluster.nodes.items()}
    written = {name: (disk.syncs, len(disk.entries)) for name, disk in disks.items()}
    cluster.world.run(5.0)
    for name, (syncs, entries) in written.items():
        assert cluster.nodes[name].mind.session_count > 0
        if name in learners:
            assert disks[name].syncs == syncs
            assert len(disks[name].entries) <= entries
        else:
            assert disks[name].syncs > syncs + 50
    settle(cluster)


def test_a_dozen_nodes_serve_and_five_of_them_vote() -> None:
    cluster = growing(1, nodes=11, people=24)
    cluster.ask(AddNode("n12"))
    cluster.kill(cluster.leader(), down_s=0.5)
    settle(cluster)
    learners = [node for name, node in cluster.nodes.items() if name not in cluster.voters()]
    assert len(learners) == 7
    assert any(node.mind.session_count for node in learners)


def test_a_voter_that_stays_away_is_replaced_and_learns_when_it_returns() -> None:
    cluster = growing(2, nodes=6)
    cluster.world.run_until(lambda: len(cluster.voters()) == 5, 10.0, "five voters")
    gone = next(name for name in cluster.voters() if name != cluster.leader())
    cluster.kill(gone, down_s=8.0)
    cluster.world.run_until(lambda: gone not in cluster.voters(), 6.0, f"{gone} is replaced")
    assert len(cluster.voters()) in (5, 6)
    cluster.world.run(6.0)
    assert gone not in cluster.voters()
    settle(cluster)


def test_a_removed_leader_says_so_and_its_clients_go_on() -> None:
    cluster = growing(3, nodes=4)
    cluster.world.run_until(lambda: len(cluster.voters()) == 4, 10.0, "four voters")
    leader = cluster.leader()
    node = cluster.nodes[leader]
    cluster.ask(RemoveNode(leader))
    cluster.world.run_until(
        lambda: not node.is_up or node.mind.status().state == "removed", 3.0, "it says `removed`"
    )
    settle(cluster)


def test_the_cluster_refuses_to_lose_its_majority() -> None:
    cluster = growing(4)
    first, second, third = cluster.names
    cluster.kill(first, down_s=4.0)
    cluster.world.run(1.0)
    cluster._are_faults_on = True
    cluster.remove(second)
    cluster.world.run(2.0)
    assert second in cluster.newest_state().nodes, "two voters would be left, and one is running"
    cluster.world.run(6.0)
    assert second not in cluster.newest_state().nodes
    cluster.world.run(3.0)
    settle(cluster)
    assert sorted(cluster.voters()) == sorted((first, third))
