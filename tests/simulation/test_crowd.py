"""A crowd enters one room at once while nodes die, and everybody is served soon.

The limits of a turn are so small that a hundred people are a crowd.
"""

import pytest

from roost.balancer.engine import node_pool, showing
from roost.ircd.commands import who
from roost.ircd.delivery import missed_index
from roost.ircd.rendering import name_lists
from roost.ircd.replies import names_reply
from roost.ircd.serving import serving
from roost.node.engine import applier, outputs
from support.simulation.clients import SimulatedClient
from support.simulation.cluster import Faults, SimulatedCluster

PEOPLE = 90
ANSWERED_S = 10.0
"""After the last fault everybody is answered in this time."""


@pytest.fixture(autouse=True)
def small_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applier, "ENTRIES_PER_TURN", 20)
    monkeypatch.setattr(outputs, "OUTPUT_BYTES_MAX", 16 * 1024)
    monkeypatch.setattr("roost.node.engine.engine.OUTPUT_BYTES_MAX", 16 * 1024)
    monkeypatch.setattr(serving, "TAKEOVERS_PER_TURN", 5)
    monkeypatch.setattr(missed_index, "CHANGES_PER_TURN", 5)
    monkeypatch.setattr(serving, "STEPS_PER_TURN", 4)
    for module in (name_lists, names_reply):
        monkeypatch.setattr(module, "CROWD_MIN", 20)
    monkeypatch.setattr(names_reply, "LINES_PER_STEP", 1)
    monkeypatch.setattr(who, "MEMBERS_PER_STEP", 8)
    monkeypatch.setattr(node_pool, "ATTACHING_MAX", 10)
    monkeypatch.setattr(showing, "DELIVERIES_PER_TURN", 300)


def gather(
    seed: int, faults: Faults | None = None
) -> tuple[SimulatedCluster, list[SimulatedClient]]:
    """Let everybody register, and ask to enter the same room at once."""
    cluster = SimulatedCluster(seed, people=0, faults=faults or Faults())
    cluster.wait_ready()
    crowd = [cluster.register(f"person{number:03}") for number in range(PEOPLE)]
    cluster.wait_answered()
    for client in crowd:
        client.send("JOIN", "#room0")
    return cluster, crowd


def check(cluster: SimulatedCluster, crowd: list[SimulatedClient]) -> None:
    """Check that everybody is answered soon, is in the room, and hears what is said."""
    cluster.wait_answered(ANSWERED_S)
    crowd[0].send("PRIVMSG", "#room0", "hello")
    cluster.wait_answered(ANSWERED_S)
    cluster.settle()
    (room,) = cluster.truth().state.rooms.values()
    assert len(room.members) == PEOPLE


@pytest.mark.parametrize("seed", range(3))
def test_everybody_is_served_although_one_node_after_the_other_dies(seed: int) -> None:
    cluster, crowd = gather(seed)
    for name in cluster.names:
        cluster.world.run(cluster.world.random.uniform(0.0, 0.1))
        cluster.kill(name, down_s=0.5)
        cluster.world.run(1.0)
    check(cluster, crowd)


@pytest.mark.parametrize("seed", range(3))
def test_everybody_is_served_after_faults_of_all_kinds(seed: int) -> None:
    faults = Faults(loss=0.01, crashes=1.0, freezes=0.5, partitions=0.3, moves=20.0, stalls=0.5)
    cluster, crowd = gather(seed, faults)
    cluster.start_faults()
    for number in range(20):
        crowd[number].send("PRIVMSG", "#room0", f"message {number}")
        cluster.world.run(0.1)
    cluster.stop_faults()
    check(cluster, crowd)


@pytest.mark.parametrize("seed", range(2))
def test_questions_about_a_crowd_are_answered_although_nodes_die(seed: int) -> None:
    cluster, crowd = gather(seed)
    cluster.wait_answered(ANSWERED_S)
    strangers = [cluster.register(f"stranger{number}") for number in range(5)]
    cluster.wait_answered()
    for name in cluster.names[:2]:
        for client in (*crowd[::6], *strangers):
            client.send("WHO", "#room0")
            client.send("NAMES", "#room0")
        cluster.world.run(cluster.world.random.uniform(0.0, 0.05))
        cluster.kill(name, down_s=0.5)
        cluster.world.run(1.0)
    check(cluster, crowd)


def test_a_crowd_is_not_told_of_each_other_in_one_turn() -> None:
    # With the cluster's own measures of a turn, in `check_turn`, and without a fault.
    cluster, crowd = gather(7)
    check(cluster, crowd)
