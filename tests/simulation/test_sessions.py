"""Sessions survive nodes: fencing, pauses, waiting, and moves after every single event."""

import pytest

from roost.balancer.engine.node_pool import Node
from roost.node.engine.historian import WRITE_INTERVAL_S
from support.simulation.clients import SimulatedClient
from support.simulation.cluster import SimulatedCluster


def ready_cluster(seed: int) -> SimulatedCluster:
    cluster = SimulatedCluster(seed)
    cluster.wait_ready()
    return cluster


def in_a_room(cluster: SimulatedCluster, *names: str) -> list[SimulatedClient]:
    clients = [cluster.register(name) for name in names]
    for client in clients:
        client.send("JOIN", "#room0")
    cluster.wait_answered()
    return clients


def node_of(cluster: SimulatedCluster, name: str) -> Node:
    return next(n for n in cluster.balancers[0].exchange.pool if n.name == name)


def move(cluster: SimulatedCluster, client: SimulatedClient, name: str) -> None:
    cluster.balancers[0].move(client.session, node_of(cluster, name))


# Fencing


@pytest.mark.parametrize("seed", range(1, 5))
def test_commands_of_an_earlier_generation_are_refused_by_the_state_machine(seed: int) -> None:
    cluster = ready_cluster(seed)
    alice, _ = in_a_room(cluster, "alice", "bob")
    leader = cluster.leader()
    old, new = [name for name in cluster.names if name != leader]
    move(cluster, alice, old)
    cluster.world.run(0.2)
    generation = alice.session.generation
    cluster.network.stall(old, leader, 1.5)
    alice.send("PRIVMSG", "#room0", "once", label="l1")
    cluster.world.run(0.05)
    was_answered = alice.is_answered
    assert not was_answered
    move(cluster, alice, new)
    assert cluster.wait_answered() < 0.2
    cluster.world.run(3.0)
    late = [
        applied
        for applied in cluster.truth().applied
        if (applied.session, applied.generation) == (alice.session.id, generation)
        and applied.line == len(alice.sent)
    ]
    assert late
    assert all(applied.is_fenced for applied in late)
    cluster.settle()


@pytest.mark.parametrize("seed", range(1, 5))
@pytest.mark.parametrize("is_back", [False, True])
def test_deliveries_of_an_earlier_generation_are_dropped_at_the_balancer(
    seed: int, is_back: bool
) -> None:
    cluster = ready_cluster(seed)
    alice, bob = in_a_room(cluster, "alice", "bob")
    balancer = cluster.balancers[0]
    old, new = cluster.world.random.sample(cluster.names, 2)
    move(cluster, alice, old)
    move(cluster, bob, new)
    cluster.world.run(0.2)
    cluster.network.stall(old, balancer.name, 0.7)
    bob.send("PRIVMSG", "alice", "to yourself")
    bob.send("PRIVMSG", "#room0", "to all")
    alice.send("PING", "token", label="l1")
    cluster.world.run(0.1)
    was_answered = alice.is_answered
    assert not was_answered
    move(cluster, alice, new)
    if is_back:
        cluster.world.run(0.1)
        assert alice.is_answered
        move(cluster, alice, old)
        alice.send("PRIVMSG", "#room0", "back again")
    cluster.wait_answered()
    bob.send("PRIVMSG", "#room0", "later")
    cluster.world.run(1.0)
    assert balancer.stale.replies
    assert balancer.stale.deliveries or is_back
    cluster.settle()


# Pauses


@pytest.mark.parametrize("seed", range(1, 5))
@pytest.mark.parametrize("is_leader", [False, True])
def test_the_pause_after_a_death_is_under_500_ms(seed: int, is_leader: bool) -> None:
    cluster = ready_cluster(seed)
    clients = in_a_room(cluster, *(f"c{number}" for number in range(9)))
    leader = cluster.leader()
    others = [name for name in cluster.names if name != leader]
    cluster.world.run(cluster.world.random.uniform(0, 0.5))
    for client in clients:
        client.send("PRIVMSG", "#room0", f"before {client.name}")
    cluster.world.run(cluster.world.random.uniform(0, 0.02))
    cluster.kill(leader if is_leader else cluster.world.random.choice(others), down_s=3.0)
    for client in clients:
        client.send("PRIVMSG", "#room0", f"after {client.name}")
    assert cluster.wait_answered() < 0.5
    cluster.settle()


@pytest.mark.parametrize("seed", range(1, 5))
@pytest.mark.parametrize("is_leader", [False, True])
def test_the_pause_after_a_hang_is_under_2_s(seed: int, is_leader: bool) -> None:
    cluster = ready_cluster(seed)
    clients = in_a_room(cluster, *(f"c{number}" for number in range(9)))
    leader = cluster.leader()
    others = [name for name in cluster.names if name != leader]
    node = cluster.nodes[leader if is_leader else cluster.world.random.choice(others)]
    for client in clients:
        client.send("PRIVMSG", "#room0", f"before {client.name}")
    cluster.world.run(cluster.world.random.uniform(0, 0.02))
    node.freeze()
    for client in clients:
        client.send("PRIVMSG", "#room0", f"after {client.name}")
    assert cluster.wait_answered() < 2.0
    cluster.world.run(1.0)
    node.thaw()
    cluster.settle()


# Departures


@pytest.mark.parametrize("seed", range(1, 9))
def test_who_leaves_through_a_node_that_is_cut_off_is_gone_for_everybody(seed: int) -> None:
    cluster = ready_cluster(seed)
    clients = in_a_room(cluster, *(f"c{number}" for number in range(6)))
    leader = cluster.leader()
    lonely = cluster.world.random.choice([name for name in cluster.names if name != leader])
    for client in clients[:2]:
        move(cluster, client, lonely)
    cluster.world.run(0.3)
    cluster.network.cut_off(lonely, [name for name in cluster.names if name != lonely])
    cluster.world.run(cluster.world.random.uniform(0, 1.2))
    for client in clients[:2]:
        client.hang_up()
    departed = [client.session.id for client in clients[:2]]
    cluster.world.run_until(
        lambda: not any(number in cluster.newest_state().sessions for number in departed),
        3.0,
        "those who left are gone, although their node is cut off",
    )
    assert cluster.network.cut
    heir = cluster.register("c0")
    cluster.world.run_until(lambda: heir.is_registered, 2.0, "the nickname is free")
    assert heir.nick == "c0"


# No majority


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_minority_says_so_and_confirms_nothing(seed: int) -> None:
    cluster = ready_cluster(seed)
    cluster.start_people()
    cluster.world.run(2.0)
    lonely = cluster.world.random.choice(cluster.names)
    for other in cluster.names:
        if other != lonely:
            cluster.network.partition(lonely, other)
    cluster.world.run(2.5)
    assert cluster.states()[lonely] != "ready"
    assert not node_of(cluster, lonely).sessions
    cluster.world.run(2.0)
    cluster.people_stop()
    cluster.world.run(2.0)
    cluster.wait_answered(1.0)
    cluster.stop_faults()
    cluster.settle()


@pytest.mark.parametrize("seed", range(1, 5))
def test_without_a_majority_clients_wait_are_told_and_lose_nothing(seed: int) -> None:
    cluster = ready_cluster(seed)
    alice, bob = in_a_room(cluster, "alice", "bob")
    for name in cluster.world.random.sample(cluster.names, 2):
        cluster.kill(name, down_s=5.0)
    alice.send("PRIVMSG", "#room0", "are you there?", label="l1")
    late = cluster.register("late")
    cluster.world.run(4.9)
    for client in (alice, bob, late):
        notices = [r for r in client.received if r.message.command == "NOTICE"]
        assert len(notices) == 1, client.tell()
    assert not alice.is_answered
    assert not late.is_registered
    took = cluster.wait_answered()
    assert took < 2.0
    # The one who asked for nothing may be served a moment later.
    cluster.world.run(0.1)
    for client in (alice, bob, late):
        notices = [r for r in client.received if r.message.command == "NOTICE"]
        assert len(notices) == 2, client.tell()
    cluster.settle()


# Everywhere


def play(cluster: SimulatedCluster) -> SimulatedClient:
    """Start a short conversation that contains nearly every kind of line."""
    bob = in_a_room(cluster, "bob")[0]
    alice = cluster.register("alice")
    alice.send("PING", "early")
    alice.send("JOIN", "#room0", label="l1")
    alice.send("PRIVMSG", "#room0", "one", label="l2")
    alice.send("CHATHISTORY", "LATEST", "#room0", "*", "5", label="l3")
    alice.send("NICK", "alicia")
    alice.send("NAMES", "#room0", label="l4")
    alice.send("PRIVMSG", "nobody", "two", label="l5")
    alice.send("JOIN", "#room0", label="l6")
    alice.send("AWAY", "tea")
    alice.send("PART", "#room0", "bye")
    alice.send("PING", "late")
    for number in range(4):
        bob.send("PRIVMSG", "#room0", f"b{number}")
    bob.send("NICK", "bobby")
    bob.send("PRIVMSG", "alice", "psst")
    bob.send("AWAY", "gone")
    return alice


def count_events() -> int:
    cluster = ready_cluster(1)
    alice = play(cluster)
    count = 0
    while not all(client.is_answered for client in cluster.present()):
        cluster.world.step()
        count += 1
    assert alice.is_answered
    return count


STRIDE = 12
"""The shares that the test is split into, so that several processes can run it."""


@pytest.mark.parametrize("share", range(STRIDE))
@pytest.mark.parametrize("fault", ["move", "kill"])
def test_after_every_single_event(fault: str, share: int) -> None:
    """Move the client, or kill its node, after every single event."""
    for count in range(share, count_events() + 1, STRIDE):
        cluster = ready_cluster(1)
        alice = play(cluster)
        cluster.world.run_events(count)
        here = alice.session.node
        if fault == "kill":
            cluster.kill(here, down_s=0.5)
        else:
            move(cluster, alice, cluster.world.random.choice(cluster.names))
        cluster.wait_answered()
        cluster.world.run(WRITE_INTERVAL_S + 0.5)
        cluster.check()
