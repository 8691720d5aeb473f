"""A balancer dies: its clients resume through another one, and others see no difference."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from roost.ops import clock
from support.cluster import Cluster
from support.irc_client import CAPABILITIES, IrcClient, Line

GRACE_S = 6.0
RESUMABLE = (*CAPABILITIES, "roost.chat/resume")


@pytest.fixture
def two_balancers(start_cluster: Callable[..., Cluster], tmp_path: Path) -> Callable[..., Cluster]:
    config = tmp_path / "short.toml"
    config.write_text(f"[node]\nbalancer_grace_s = {GRACE_S}\n", encoding="utf-8")

    def start(*arguments: str, nodes: int = 3) -> Cluster:
        flags = ("--balancers", "2", "--config", str(config), *arguments)
        return start_cluster(nodes=nodes, arguments=flags)

    return start


@contextmanager
def people(*places: tuple[tuple[str, int], str, bool]) -> Iterator[list[tuple[IrcClient, str]]]:
    """Connect clients; yield each with its token, which is empty if it cannot resume."""
    with ExitStack() as stack:
        connected = []
        for address, nick, is_resumable in places:
            client = stack.enter_context(IrcClient(address, nick))
            client.register(capabilities=RESUMABLE if is_resumable else CAPABILITIES)
            token = client.expect("RESUME", "TOKEN").text if is_resumable else ""
            client.join("#door")
            connected.append((client, token))
        yield connected


def resume(address: tuple[str, int], nick: str, request: str) -> tuple[IrcClient, list[Line]]:
    """Resume a session; return the client and the answer to RESUME."""
    client = IrcClient(address, nick)
    client.send(f"CAP REQ :{' '.join(RESUMABLE)}", f"RESUME {request}", "CAP END")
    client.expect("CAP")
    client.expect_any("RESUME", "FAIL")
    return client, client.received[-1:]


def told(lines: list[Line]) -> list[tuple[str, str, str, str]]:
    """Return what lines tell about others."""
    shown = {"PRIVMSG", "JOIN", "PART", "QUIT", "NICK", "AWAY"}
    return [
        (line.tags["msgid"], line.nick, line.command, line.text)
        for line in lines
        if line.command in shown
    ]


def check_history(address: tuple[str, int], nick: str, texts: list[str]) -> None:
    """Check that a new client finds these texts at the end of the history."""
    with IrcClient(address, nick) as client:
        client.register().join("#door")
        lines = client.history("LATEST #door * 20")
        found = [line.text for line in lines if line.command == "PRIVMSG"]
        assert found[-len(texts) :] == texts


def wait_for_quits(witness: IrcClient, nicks: set[str]) -> dict[str, str]:
    """Wait until these people have quit; return their reasons by nickname."""
    found: dict[str, str] = {}
    while found.keys() != nicks:
        line = witness.expect("QUIT", where=lambda line: line.nick in nicks)
        found[line.nick] = line.text
    return found


def test_clients_of_a_dead_balancer_resume_or_leave_after_the_grace_period(
    two_balancers: Callable[..., Cluster],
) -> None:
    cluster = two_balancers("--no-restart")
    here, there = cluster.addresses
    with people(
        (here, "witness", False),
        (there, "bob", True),
        (there, "carol", True),
        (there, "dave", False),
    ) as everybody:
        (witness, _), (bob, bob_token), (carol, carol_token), (dave, _) = everybody
        witness.say("#door", "seen")
        seen = bob.expect("PRIVMSG", "#door", "seen").tags["msgid"]
        witness.sync()
        cluster.kill_balancer("b2")
        died = clock.monotonic()
        for client in (bob, carol, dave):
            client.wait_closed()
        start = len(witness.received)
        said = [witness.say("#door", f"missed {number}") for number in range(5)]
        witness.send("PRIVMSG bob :psst", "NAMES #door")
        names = witness.expect("353").text.split()
        assert sorted(name.lstrip("@") for name in names) == ["bob", "carol", "dave", "witness"]

        again, (answer,) = resume(here, "bob", f"{bob_token} {seen}")
        with again:
            print(f"resumed {clock.monotonic() - died:.2f} s after the balancer's death")
            assert answer.parameters == ("SUCCESS", "bob")
            again.expect_any("376", "422")
            assert again.expect("RESUME", "TOKEN").text not in {bob_token, carol_token}
            missed = told(again.sync())
            assert missed[:-1] == told(said)
            assert missed[-1][1:] == ("witness", "PRIVMSG", "psst")
            again.say("#door", "I never left")
            witness.expect("PRIVMSG", "#door", "I never left", source="bob")

            # A plain client has another nickname until then, and reads the history.
            texts = [line.text for line in said]
            check_history(here, "dave2", [*texts, "I never left"])
            quits = [line for line in witness.received[start:] if line.command == "QUIT"]
            assert not [line for line in quits if line.nick != "dave2"]

            gone = wait_for_quits(witness, {"carol", "dave"})
            waited = clock.monotonic() - died
            print(f"gone for the others {waited:.2f} s after the balancer's death")
            assert gone == {"carol": "Connection lost", "dave": "Connection lost"}
            assert waited > GRACE_S - 1
            late, (refusal,) = resume(here, "carol", f"{carol_token} {seen}")
            with late:
                assert refusal.parameters[:2] == ("RESUME", "EXPIRED")
                late.send("NICK carol", "USER carol 0 * :Carol")
                late.expect("001", "carol")
            again.say("#door", "still here")
        comings = [line for line in told(witness.received[start:]) if line[1] == "bob"]
        assert [line[2:] for line in comings][:1] == [("PRIVMSG", "I never left")]


def test_a_balancer_that_starts_again_frees_the_nicknames_of_plain_clients_at_once(
    two_balancers: Callable[..., Cluster],
) -> None:
    cluster = two_balancers(nodes=1)
    here, there = cluster.addresses
    with people(
        (here, "witness", False), (there, "bob", True), (there, "dave", False)
    ) as everybody:
        (witness, _), (bob, token), (dave, _) = everybody
        seen = witness.say("#door", "seen").tags["msgid"]
        cluster.kill_balancer("b2")
        bob.wait_closed()
        dave.wait_closed()
        witness.say("#door", "missed")
        quit_line = witness.expect("QUIT")
        assert (quit_line.nick, quit_line.text) == ("dave", "Balancer restarted")
        with IrcClient(there, "dave") as again:
            again.register().join("#door")
        resumed, (answer,) = resume(there, "bob", f"{token} {seen}")
        with resumed:
            assert answer.parameters == ("SUCCESS", "bob")
            texts = [line.text for line in resumed.sync() if line.command == "PRIVMSG"]
            assert texts == ["missed"]


def test_an_old_connection_that_seems_to_live_is_closed(cluster: Cluster) -> None:
    with people((cluster.address, "eve", True)) as ((old, token),):
        seen = old.say("#door", "seen").tags["msgid"]
        resumed, (answer,) = resume(cluster.address, "eve", f"{token} {seen}")
        with resumed:
            assert answer.parameters == ("SUCCESS", "eve")
            farewell = old.wait_closed()[-1]
            assert farewell.command == "ERROR"
            assert farewell.text == "Closing link: resumed from another connection"
            assert resumed.say("#door", "alive").nick == "eve"
