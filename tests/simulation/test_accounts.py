"""Accounts are created, used and changed as if no node had ever died."""

import base64

import pytest

from roost.chat.settings import Settings
from roost.ircd.config import Config as IrcConfig
from roost.ircd.login_config import LoginConfig
from support.fake_hashing import HANGS, PROVIDED
from support.simulation.clients import PLAIN, TAGGED, SimulatedClient
from support.simulation.cluster import NO_FAULTS, Faults, SimulatedCluster

ROUGH = Faults(loss=0.01, crashes=0.5, freezes=0.2, partitions=0.2, moves=3.0, stalls=0.5)
RACERS = 6
PATIENT = Settings(logins_per_account_max=100)
"""A line that moves to another node is a new attempt if somebody else has tried meanwhile. Under
many faults that happens often."""
WRONG = "Wrong account name or password."


def start(seed: int, faults: Faults = NO_FAULTS) -> SimulatedCluster:
    cluster = SimulatedCluster(seed, faults=faults, settings=PATIENT)
    cluster.wait_ready()
    return cluster


def settle(cluster: SimulatedCluster) -> None:
    cluster.stop_faults()
    cluster.world.run(3.0)
    cluster.wait_ready()
    cluster.wait_answered(20.0)
    cluster.world.run(2.0)


def told(client: SimulatedClient) -> list[str]:
    """Return what NickServ said to a client."""
    return [
        one.message.parameters[1]
        for one in client.received
        if one.message.source.startswith("NickServ!")
    ]


@pytest.mark.parametrize("seed", range(1, 7))
def test_one_of_many_gets_a_name_and_everybody_is_answered_once(seed: int) -> None:
    cluster = start(seed, ROUGH)
    racers = [cluster.register(f"racer{number}", PLAIN) for number in range(RACERS)]
    cluster.wait_answered()
    cluster.start_faults()
    for racer in racers:
        racer.send("REGISTER", "prize", "*", f"password-of-{racer.name}")
        cluster.world.run(cluster.world.random.uniform(0, 0.1))
    cluster.world.run(3.0)
    settle(cluster)
    verdicts = {}
    for racer in racers:
        (verdict,) = [
            one.message for one in racer.received if one.message.command in ("REGISTER", "FAIL")
        ]
        verdicts[racer.name] = verdict.parameters[:3]
    winners = [racer for racer in racers if verdicts[racer.name][0] == "SUCCESS"]
    refused = ("REGISTER", "ACCOUNT_EXISTS", "prize")
    assert len(winners) == 1, verdicts
    assert list(verdicts.values()).count(refused) == RACERS - 1, verdicts
    assert list(cluster.truth().state.accounts) == ["prize"]

    cluster.start_faults()
    losers = [racer for racer in racers if racer is not winners[0]]
    for racer in losers:
        racer.send("NS", "IDENTIFY", "prize", f"password-of-{racer.name}")
        racer.send("NS", "IDENTIFY", "prize", f"password-of-{winners[0].name}")
        cluster.world.run(cluster.world.random.uniform(0, 0.3))
    cluster.world.run(3.0)
    settle(cluster)
    for racer in losers:
        assert told(racer) == [WRONG, "You are logged in as prize."], racer.tell()


@pytest.mark.parametrize("seed", range(1, 3))
def test_a_directorys_people_get_one_account_each_while_nodes_die(seed: int) -> None:
    login = IrcConfig(login=LoginConfig(program=("/bin/check",)))
    cluster = SimulatedCluster(seed, faults=ROUGH, settings=PATIENT, irc=login)
    cluster.wait_ready()
    people = [cluster.register(f"person{number}", PLAIN) for number in range(RACERS)]
    cluster.wait_answered()
    cluster.start_faults()
    for person in people:
        person.send("NS", "IDENTIFY", "shared", PROVIDED)
        person.send("NS", "IDENTIFY", person.name, "guess")
        person.send("NS", "IDENTIFY", HANGS, PROVIDED)
        person.send("NS", "IDENTIFY", person.name, PROVIDED)
        cluster.world.run(cluster.world.random.uniform(0, 0.1))
    cluster.world.run(3.0)
    settle(cluster)
    for person in people:
        assert told(person) == [
            "You are logged in as shared.",
            WRONG,
            "The identity provider does not answer; try again later.",
            f"You are logged in as {person.name}.",
        ], person.tell()
    expected = sorted(["shared", *[person.name for person in people]])
    assert sorted(cluster.truth().state.accounts) == expected


def plain(account: str, password: str) -> str:
    return base64.b64encode(f"\0{account}\0{password}".encode()).decode()


def play(cluster: SimulatedCluster) -> SimulatedClient:
    """Start a scenario that uses every feature of an account."""
    alice = cluster.register("alice", "sasl")
    cluster.wait_answered()
    for line in (
        ("NS", "REGISTER", "first-password"),
        ("NS", "SET", "PASSWORD", "second-password"),
        ("NS", "CERT", "ADD", "ab" * 32),
        ("NS", "LOGOUT"),
        ("NS", "IDENTIFY", "first-password"),
        ("AUTHENTICATE", "PLAIN"),
        ("AUTHENTICATE", plain("alice", "first-password")),
        ("AUTHENTICATE", "PLAIN"),
        ("AUTHENTICATE", plain("alice", "second-password")),
        ("NS", "CERT", "DEL", "ab" * 32),
        ("NS", "LIST"),
    ):
        alice.send(*line)
    return alice


def answers(client: SimulatedClient) -> list[tuple[str, str]]:
    """Return the outcome."""
    return [
        (one.message.command, one.message.parameters[-1])
        for one in client.received
        if one.message.command in ("NOTICE", "AUTHENTICATE", "900", "901", "903", "904", "FAIL")
    ]


def calm() -> tuple[list[tuple[str, str]], int]:
    """Return the answers without any fault, and how many events that takes."""
    cluster = start(1)
    alice = play(cluster)
    count = 0
    while not any("of up to 20 clients" in text for text in told(alice)):
        cluster.world.step()
        count += 1
    return answers(alice), count


STRIDE = 4


@pytest.mark.parametrize("share", range(STRIDE))
def test_the_death_of_the_node_at_any_moment_does_not_show(share: int) -> None:
    expected, events = calm()
    assert ("903", "SASL authentication successful") in expected
    assert ("NOTICE", "Your password is changed.") in expected
    for count in range(share, events + 1, STRIDE):
        cluster = start(1)
        alice = play(cluster)
        cluster.world.run_events(count)
        cluster.kill(alice.session.node, down_s=0.5)
        cluster.wait_answered()
        cluster.world.run(0.7)
        assert answers(alice) == expected, f"after {count} events\n{alice.tell()}"


def history(client: SimulatedClient) -> list[str]:
    """Return the texts of the messages in the last answer that is a batch."""
    commands = [one.message.command for one in client.received]
    last = len(commands) - 1 - commands[::-1].index("BATCH")
    first = last - 1 - commands[:last][::-1].index("BATCH")
    return [one.message.parameters[-1] for one in client.received[first + 1 : last]]


@pytest.mark.parametrize("seed", range(1, 4))
def test_a_name_that_changes_hands_hands_over_no_messages(seed: int) -> None:
    cluster = start(seed, ROUGH)
    ann, bob, eve = (cluster.register(nick, TAGGED) for nick in ("ann", "bob", "eve"))
    cluster.wait_answered()

    def do(client: SimulatedClient, *lines: tuple[str, ...]) -> None:
        cluster.start_faults()
        for line in lines:
            client.send(*line)
        cluster.world.run(cluster.world.random.uniform(0, 2.0))
        settle(cluster)

    do(bob, ("NS", "REGISTER", "password-of-bob"), ("PRIVMSG", "ann", "1"))
    do(ann, ("PRIVMSG", "bob", "2"))
    do(bob, ("NICK", "robert"), ("PRIVMSG", "ann", "3"))
    do(ann, ("CHATHISTORY", "LATEST", "robert", "*", "50"))
    assert history(ann) == ["1", "2", "3"]
    do(bob, ("CHATHISTORY", "LATEST", "ann", "*", "50"))
    assert history(bob) == ["1", "2", "3"]
    do(bob, ("NS", "DROP"))
    do(bob, ("NS", "DROP", told(bob)[-1].rpartition(" ")[2]))
    do(eve, ("NICK", "bob"), ("NS", "REGISTER", "password-of-eve"), ("PRIVMSG", "ann", "4"))
    do(eve, ("CHATHISTORY", "LATEST", "ann", "*", "50"))
    assert history(eve) == ["4"]
    do(ann, ("CHATHISTORY", "LATEST", "bob", "*", "50"))
    assert history(ann) == ["1", "2", "4"]
