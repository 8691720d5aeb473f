"""What one entry or one takeover means for very many is done in several turns, and is seen as one.

The limits of a turn are so small that a hundred people are a crowd.
"""

import pytest

from roost.ircd.delivery import deliveries, missed_index, unshown
from roost.ircd.rendering import name_lists, renaming
from roost.ircd.replies import names_reply
from roost.ircd.serving import serving
from roost.node.engine import applier
from support.simulation.accounts import let_own
from support.simulation.clients import ECHOING, SimulatedClient
from support.simulation.cluster import SimulatedCluster

PEOPLE = 90
ROOM, LATER_ROOM = "#room0", "#harbour"
RENDERED_MAX = 24
"""Lines and names in one turn. Each node serves a third of the crowd, whose names are on as many
lines."""


@pytest.fixture(autouse=True)
def small_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unshown, "STEPS_PER_TURN", 2)
    monkeypatch.setattr(serving, "STEPS_PER_TURN", 4)
    monkeypatch.setattr(deliveries, "KINDS_PER_STEP", 3)
    monkeypatch.setattr(missed_index, "RENDERED_PER_TURN", 20)
    for module in (name_lists, names_reply, renaming):
        monkeypatch.setattr(module, "CROWD_MIN", 20)
    monkeypatch.setattr(names_reply, "LINES_PER_STEP", 2)
    monkeypatch.setattr(name_lists, "NAMES_PER_STEP", 4)
    monkeypatch.setattr(name_lists, "space_left", lambda *_: 40)
    let_own(monkeypatch, "alice")


def gather(seed: int, rooms: int = 1) -> tuple[SimulatedCluster, list[SimulatedClient]]:
    """Let a crowd be in some rooms; forget how much was done for that."""
    cluster = SimulatedCluster(seed, people=0)
    cluster.wait_ready()
    crowd = [cluster.register(f"person{number:03}", ECHOING) for number in range(PEOPLE)]
    cluster.wait_answered()
    for number in range(rooms):
        crowd[0].send("JOIN", f"#room{number}")
        cluster.wait_answered()
        for client in crowd[1:]:
            client.send("JOIN", f"#room{number}")
    cluster.wait_answered()
    for node in cluster.nodes.values():
        node.rendered_most = 0
    return cluster, crowd


def check_turns(cluster: SimulatedCluster) -> None:
    most = {name: node.rendered_most for name, node in cluster.nodes.items()}
    assert 0 < max(most.values()) <= RENDERED_MAX, most


def places(client: SimulatedClient, *words: str) -> list[int]:
    """Return where the lines are that have all of these words."""
    lines = [str(received.message) for received in client.received]
    return [at for at, line in enumerate(lines) if all(word in line for word in words)]


@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_a_crowd_sees_its_room_renamed_once_and_before_what_follows(seed: int, dies: bool) -> None:
    cluster, crowd = gather(seed)
    crowd[0].send("RENAME", ROOM, LATER_ROOM)
    crowd[0].send("PRIVMSG", LATER_ROOM, "hello")
    if dies:
        cluster.world.run(cluster.world.random.uniform(0.0, 0.03))
        cluster.kill(cluster.world.random.choice(cluster.names), down_s=0.5)
    cluster.wait_answered()
    cluster.world.run(2.0)
    if not dies:
        check_turns(cluster)
    for client in crowd[1:]:
        (parted,) = places(client, "PART", ROOM)
        (joined,) = places(client, "JOIN", LATER_ROOM, client.name)
        (heard,) = places(client, "PRIVMSG", "hello")
        assert parted < joined < heard, client.tell()
        assert places(client, "366", LATER_ROOM), client.tell()


@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_all_clients_of_a_user_are_told_of_a_crowded_room(seed: int, dies: bool) -> None:
    cluster, crowd = gather(seed)
    clients = []
    for _ in range(6):
        clients.append(cluster.register("alice", ECHOING))
        cluster.wait_answered()
    clients[0].send("JOIN", ROOM)
    crowd[0].send("PRIVMSG", ROOM, "hello")
    if dies:
        cluster.world.run(cluster.world.random.uniform(0.0, 0.03))
        cluster.kill(cluster.world.random.choice(cluster.names), down_s=0.5)
    cluster.wait_answered()
    cluster.world.run(2.0)
    if not dies:
        check_turns(cluster)
    for client in clients:
        (joined,) = places(client, "JOIN", ROOM, "alice!")
        (ended,) = places(client, "366", ROOM)
        assert joined < ended, client.tell()
        assert all(joined < at for at in places(client, "PRIVMSG", "hello"))
    for client in crowd:
        assert len(places(client, "JOIN", ROOM, "alice!")) == 1, client.tell()


@pytest.mark.parametrize("seed", range(2))
def test_another_client_of_a_user_is_told_all_rooms_before_what_happens_there(seed: int) -> None:
    cluster, crowd = gather(seed, rooms=3)
    first = cluster.register("alice", ECHOING)
    cluster.wait_answered()
    for number in range(3):
        first.send("JOIN", f"#room{number}")
    cluster.wait_answered()
    second = cluster.register("alice", ECHOING)
    for number in range(10):
        for one in crowd[:3]:
            one.send("PRIVMSG", f"#room{number % 3}", f"{one.name} {number}")
        cluster.world.run(0.005)
    cluster.wait_answered()
    cluster.world.run(1.0)
    check_turns(cluster)
    for number in range(3):
        (joined,) = places(second, "JOIN", f"#room{number}", "alice!")
        (ended,) = places(second, "366", f"#room{number}")
        heard = places(second, "PRIVMSG", f"#room{number}")
        assert all(joined < ended < at for at in heard), second.tell()


@pytest.mark.parametrize("seed", range(2))
def test_what_a_crowd_missed_is_rendered_in_several_turns(seed: int) -> None:
    cluster, crowd = gather(seed)
    name = next(name for name in cluster.names if name != cluster.leader())
    cluster.nodes[name].freeze()
    talker = next(client for client in crowd if client.session.node != name)
    for number in range(200):
        talker.send("PRIVMSG", ROOM, f"message {number}")
        cluster.world.run(0.002)
    cluster.world.run(4.0)
    check_turns(cluster)
    for client in crowd:
        texts = [r.message.parameters[1] for r in client.received if r.message.command == "PRIVMSG"]
        assert texts == [f"message {number}" for number in range(200)], client.tell()


@pytest.mark.parametrize("seed", range(2))
def test_a_crowd_that_loses_its_connections_at_once_leaves_in_several_turns(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, crowd = gather(seed)
    monkeypatch.setattr(applier, "ENTRIES_PER_TURN", 10)
    for client in crowd[1:]:
        client.hang_up()
    cluster.world.run(2.0)
    check_turns(cluster)
    crowd[0].send("NAMES", ROOM)
    cluster.wait_answered()
    (names,) = [crowd[0].received[at].message for at in places(crowd[0], "353", ROOM)[-1:]]
    assert names.parameters[-1] == f"@{crowd[0].name}"
    assert len(places(crowd[0], "QUIT")) == PEOPLE - 1
