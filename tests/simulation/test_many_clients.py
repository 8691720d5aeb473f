"""Two clients of one account on different nodes see one conversation, whatever happens to nodes."""

import pytest

from roost.chat.changes import Change, Joined, NickChanged, Parted, Said, TopicChanged
from roost.chat.ids import UserId
from roost.chat.presence import AUTO_AWAY
from roost.chat.refusals import Refusal
from support.simulation.accounts import let_own
from support.simulation.clients import ECHOING, SimulatedClient
from support.simulation.cluster import NO_FAULTS, Faults, SimulatedCluster
from support.simulation.truth import Shown, Truth, show

ROUGH = Faults(loss=0.01, crashes=0.5, freezes=0.2, partitions=0.2, moves=3.0, stalls=0.5)
VERBS = ("PRIVMSG", "JOIN", "PART", "NICK", "TOPIC")
ROOM = "#room0"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    let_own(monkeypatch, "alice")


def start(seed: int, faults: Faults = NO_FAULTS) -> SimulatedCluster:
    cluster = SimulatedCluster(seed, faults=faults)
    cluster.wait_ready()
    return cluster


def come_in(cluster: SimulatedCluster) -> list[SimulatedClient]:
    """Let alice's desktop and phone, on different nodes, and bob join a room."""
    desk = cluster.register("alice", ECHOING)
    cluster.wait_answered()
    phone = cluster.register("alice", ECHOING)
    bob = cluster.register("bob")
    cluster.wait_answered()
    balancer = cluster.balancers[0]
    for client, name in zip((desk, phone, bob), cluster.names, strict=True):
        node = next(node for node in balancer.exchange.pool if node.name == name)
        if client.session.node != name:
            balancer.move(client.session, node)
        cluster.world.run(0.2)
    desk.send("JOIN", ROOM)
    cluster.wait_answered()
    bob.send("JOIN", ROOM)
    cluster.wait_answered()
    return [desk, phone, bob]


def seen_by(client: SimulatedClient) -> list[Shown]:
    """Return everything that happened, as a client saw it."""
    return [
        Shown(*received.line) for received in client.received if received.message.command in VERBS
    ]


def what_happened(truth: Truth, alice: UserId) -> list[Shown]:
    """Return what each of alice's clients must see: everything in her rooms, to her or by her."""
    return [
        show(result, applied)
        for applied in truth.applied
        for result in applied.results
        if not isinstance(result, Refusal) and concerns(result, alice)
    ]


def concerns(change: Change, alice: UserId) -> bool:
    match change:
        case Said() if change.recipient:
            return alice in (change.recipient, change.source.user)
        case Said() | Joined() | Parted() | NickChanged() | TopicChanged():
            return True
    return False


def check(cluster: SimulatedCluster, desk: SimulatedClient, phone: SimulatedClient) -> None:
    truth = cluster.truth()
    sessions = truth.state.sessions
    alice = sessions[desk.session.id].user
    assert alice == sessions[phone.session.id].user
    happened = what_happened(truth, alice)
    assert len(happened) > 5
    for client in (desk, phone):
        seen = seen_by(client)
        for one, other in zip(seen, happened, strict=False):
            assert one == other, f"seed {cluster.world.seed}, {client.name}\n{client.tell()}"
        assert len(seen) == len(happened), f"seed {cluster.world.seed}\n{client.tell()}"


@pytest.mark.parametrize("seed", range(1, 7))
def test_both_clients_see_the_same_conversation_and_everything_once(seed: int) -> None:
    cluster = start(seed, ROUGH)
    desk, phone, bob = come_in(cluster)
    chance = cluster.world.random
    cluster.start_faults()
    for number in range(60):
        client = chance.choice((desk, phone, bob))
        line = chance.choice(
            (
                ("PRIVMSG", ROOM, f"to all {number}"),
                ("PRIVMSG", ROOM, f"to all {number}"),
                ("PRIVMSG", "alice" if client is bob else "bob", f"private {number}"),
                ("TOPIC", ROOM, f"topic {number}"),
                ("JOIN", ROOM if client is bob else "#other"),
                ("AWAY", "tea"),
                ("AWAY",),
                ("PING", str(number)),
            )
        )
        client.send(*line)
        cluster.world.run(chance.uniform(0, 0.3))
    cluster.stop_faults()
    settle(cluster)
    check(cluster, desk, phone)


def settle(cluster: SimulatedCluster) -> None:
    cluster.world.run(3.0)
    cluster.wait_ready()
    cluster.wait_answered(20.0)
    cluster.world.run(2.0)


def play(cluster: SimulatedCluster) -> list[SimulatedClient]:
    """Start a conversation in which both clients perform every kind of action."""
    desk, phone, bob = come_in(cluster)
    phone.send("PRIVMSG", ROOM, "one")
    desk.send("PRIVMSG", ROOM, "two")
    bob.send("PRIVMSG", "alice", "three")
    phone.send("PRIVMSG", "bob", "four")
    desk.send("JOIN", "#other")
    phone.send("NICK", "alicia")
    bob.send("PRIVMSG", ROOM, "five")
    desk.send("PRIVMSG", "bob", "six")
    phone.send("PART", "#other")
    desk.send("TOPIC", ROOM, "seven")
    phone.send("AWAY", "tea")
    return [desk, phone, bob]


def count_events() -> int:
    cluster = start(1)
    play(cluster)
    count = 0
    while not all(client.is_answered for client in cluster.present()):
        cluster.world.step()
        count += 1
    return count


STRIDE = 6


@pytest.mark.parametrize("share", range(STRIDE))
@pytest.mark.parametrize("victim", [0, 1])
def test_the_death_of_one_clients_node_at_any_moment_shows_to_neither(
    victim: int, share: int
) -> None:
    for count in range(share, count_events() + 1, STRIDE):
        cluster = start(1)
        clients = play(cluster)
        cluster.world.run_events(count)
        cluster.kill(clients[victim].session.node, down_s=0.5)
        cluster.wait_answered()
        cluster.world.run(0.7)
        check(cluster, clients[0], clients[1])


@pytest.mark.parametrize("seed", range(1, 5))
def test_who_is_always_on_stays_through_the_restart_of_every_node(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_own(monkeypatch, "alice", is_always_on=True)
    cluster = start(seed)
    desk, phone, bob = come_in(cluster)
    desk.hang_up()
    phone.quit("later")
    cluster.world.run(1.0)
    bob.send("PRIVMSG", ROOM, "are you there?")
    bob.send("PRIVMSG", "alice", "psst")
    cluster.wait_answered()
    cluster.world.run(0.1)
    assert [r.message.parameters[2] for r in bob.received if r.message.command == "301"] == [
        AUTO_AWAY
    ]
    for name in cluster.names:
        cluster.kill(name, down_s=1.0)
    cluster.world.run(1.5)
    cluster.wait_ready()
    again = cluster.register("alice", ECHOING)
    again.send("CHATHISTORY", "LATEST", ROOM, "*", "1")
    again.send("CHATHISTORY", "LATEST", "bob", "*", "1")
    cluster.wait_answered()
    cluster.world.run(0.1)
    commands = [received.message.command for received in again.received]
    assert commands.index("366") > commands.index("JOIN") > commands.index("422")
    texts = [r.message.parameters[1] for r in again.received if r.message.command == "PRIVMSG"]
    assert texts == ["are you there?", "psst"]
    assert not [r for r in bob.received if r.message.command == "QUIT"]
