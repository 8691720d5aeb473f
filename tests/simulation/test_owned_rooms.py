"""A registered room survives its members, nodes and a restart of the whole cluster."""

import pytest

from support.simulation.accounts import let_own
from support.simulation.clients import ECHOING, SimulatedClient
from support.simulation.cluster import SimulatedCluster

ROOM = "#room0"
CHANSERV = "ChanServ!ChanServ@services.roost.local"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    let_own(monkeypatch, "alice")


def start(seed: int) -> tuple[SimulatedCluster, SimulatedClient, SimulatedClient]:
    """Return a cluster where alice owns a room that bob has joined."""
    cluster = SimulatedCluster(seed)
    cluster.wait_ready()
    alice, bob = cluster.register("alice", ECHOING), cluster.register("bob", ECHOING)
    for client in (alice, bob):
        client.send("JOIN", ROOM)
        cluster.wait_answered()
    alice.send("CS", "REGISTER", ROOM)
    bob.send("PRIVMSG", ROOM, "hello")
    cluster.wait_answered()
    return cluster, alice, bob


def granted(client: SimulatedClient, nick: str) -> int:
    """Return how often a client saw ChanServ make somebody an operator."""
    return sum(
        (message.source, message.command, message.parameters)
        == (CHANSERV, "MODE", (ROOM, "+o", nick))
        for message in (received.message for received in client.received)
    )


@pytest.mark.parametrize("seed", range(1, 4))
def test_it_is_the_same_after_emptiness_and_after_all_nodes_have_died(seed: int) -> None:
    cluster, alice, bob = start(seed)
    for line in (
        ("TOPIC", ROOM, "tea"),
        ("MODE", ROOM, "+kib", "key", "mallory"),
        ("METADATA", ROOM, "SET", "url", "x"),
        ("PART", ROOM),
    ):
        alice.send(*line)
    bob.send("PART", ROOM)
    cluster.wait_answered()
    for pause, name in enumerate(cluster.names):
        cluster.kill(name, down_s=1.0 + pause / 10)
    cluster.world.run(0.5)
    assert set(cluster.states().values()) == {"down"}
    cluster.wait_ready()
    bob.send("JOIN", ROOM)
    alice.send("JOIN", ROOM)
    cluster.wait_answered()
    cluster.world.run(0.5)
    assert [one.message.command for one in bob.received if one.message.command == "475"] == ["475"]
    assert granted(alice, "alice") == 1
    for node in cluster.nodes.values():
        assert node.engine is not None
        (room,) = node.engine.state.rooms.values()
        assert room.topic is not None
        assert (room.founder, room.topic.text) == ("alice", "tea")
        assert (room.modes, room.key, room.metadata) == ("int", "key", {"url": "x"})
        assert list(room.bans) == ["mallory!*@*"]
    cluster._check_states()


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("delay_ms", range(0, 60, 10))
def test_what_chanserv_does_is_seen_once_whenever_a_node_dies(seed: int, delay_ms: int) -> None:
    cluster, alice, bob = start(seed)
    alice.send("PART", ROOM)
    alice.send("JOIN", ROOM)
    alice.send("CS", "AMODE", ROOM, "+v", "alice")
    cluster.world.run(delay_ms / 1000)
    cluster.kill(alice.session.node or cluster.leader(), down_s=1.0)
    cluster.wait_answered()
    cluster.world.run(2.0)
    assert granted(bob, "alice") == 1
    assert granted(alice, "alice") == 1
    told = [one.message.command for one in alice.received if one.message.source == CHANSERV]
    assert told == ["NOTICE", "MODE", "NOTICE"]
    cluster._check_states()
