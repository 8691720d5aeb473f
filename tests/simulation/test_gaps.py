"""Clients that no node can show what they missed go on, and are told so."""

import pytest

from roost.ircd.config import Config
from support.simulation.clients import KINDS, SimulatedClient
from support.simulation.cluster import SimulatedCluster
from support.simulation.gaps import is_answer_lost, is_gap

SEEDS = range(1, 7)
ENTRIES = 40
"""Recent entries."""


def forgetful_cluster(seed: int) -> SimulatedCluster:
    cluster = SimulatedCluster(seed, balancers=2, irc=Config(recent_entries=ENTRIES))
    cluster.wait_ready()
    return cluster


def register(cluster: SimulatedCluster, count: int, capabilities: str) -> list[SimulatedClient]:
    """Register clients in a room, at each balancer in turn."""
    clients = [cluster.register(f"c{number}", capabilities) for number in range(count)]
    for client in clients:
        client.send("JOIN", "#room0")
    cluster.wait_answered()
    return clients


def cut_off(cluster: SimulatedCluster, balancer: int) -> None:
    for name in cluster.names:
        cluster.network.partition(cluster.balancers[balancer].name, name)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_balancer_is_cut_off_while_nodes_forget_what_its_clients_missed(seed: int) -> None:
    cluster = forgetful_cluster(seed)
    clients = register(cluster, 8, KINDS[seed % len(KINDS)])
    here, there = clients[0::2], clients[1::2]
    # Some lines take effect whose answers are lost, the others wait at the balancer.
    for number, client in enumerate(there):
        client.send("PRIVMSG", "#room0", f"on the way {number}")
        client.send("NICK", f"{client.name}x")
        client.send("PART" if number == 0 else "PING", "#room0")
    cluster.world.run(cluster.world.random.uniform(0.0, 0.03))
    cut_off(cluster, 1)
    for number, client in enumerate(there):
        client.send("PRIVMSG", here[0].nick, f"kept {number}")
        client.send("JOIN", "#room1")
    for number in range(2 * ENTRIES):
        here[number % len(here)].send("PRIVMSG", "#room0", f"meanwhile {number}")
        cluster.world.run(0.3)
    cluster.network.heal()
    cluster.wait_answered()
    for client in there:
        assert sum(map(is_gap, client.received)) == 1, client.tell()
    for client in here:
        assert not any(map(is_gap, client.received)), client.tell()
    heard = [r.message.parameters[1] for r in here[0].received if r.message.command == "PRIVMSG"]
    kept = [text for text in heard if text.startswith("kept")]
    assert sorted(kept) == [f"kept {number}" for number in range(len(there))]
    cluster.settle()


def test_answers_are_lost_only_in_gaps_of_which_clients_are_told() -> None:
    cluster = forgetful_cluster(3)
    clients = register(cluster, 4, KINDS[-1])
    there = clients[1::2]
    for client in there:
        client.send("PRIVMSG", "#room0", "answer me", label="l1")
    # The line has reached the log, and the answer not the balancer.
    cluster.world.run_until(
        lambda: (
            any("answer me" in str(entry) for entry in cluster.archive.entries.values())
            or any(
                b"answer me" in entry.data
                for node in cluster.nodes.values()
                for entry in node.log_disk.entries
            )
        ),
        1.0,
        lambda: "the line in a log",
    )
    cut_off(cluster, 1)
    for number in range(2 * ENTRIES):
        clients[0].send("PRIVMSG", "#room0", f"meanwhile {number}")
        cluster.world.run(0.1)
    cluster.network.heal()
    cluster.wait_answered()
    lost = [one for client in there for one in client.received if is_answer_lost(one)]
    assert lost
    assert all(one.tags.get("label") == "l1" for one in lost)
    cluster.settle()
