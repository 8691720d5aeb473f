"""A registered room and its founder, through emptiness, a node's death, and everything's restart.

The processes are real; who has the account is put into them at their start, so that the test is
about rooms and not about passwords.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.cluster import Cluster
from support.irc_client import IrcClient

ROOM = "#garden"
CHANSERV = "ChanServ!ChanServ@services.roost.local"
OWNED_BY_ALICE = """
from msgspec.structs import replace
from roost.chat.credentials import Credentials
from roost.chat.ids import AccountId, FoldedAccount
from roost.chat.state import Account, State
from roost.ircd import registration
from roost.node import engine

def first_state():
    state = State()
    state.accounts[FoldedAccount("alice")] = Account(AccountId(1), "alice", 0, Credentials())
    state.account_names[AccountId(1)] = FoldedAccount("alice")
    return state

plain = registration.open_session

def open_session(session, line):
    command = plain(session, line)
    return replace(command, account=AccountId(1)) if command.nick == "alice" else command

engine.State = first_state
registration.open_session = open_session
"""


@pytest.fixture
def _account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whoever is called alice be known for the owner of that account."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(OWNED_BY_ALICE, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))


def enter(client: IrcClient) -> None:
    client.send(f"JOIN {ROOM}")
    client.expect("JOIN", ROOM, source=client.nick)


@pytest.mark.usefixtures("_account")
def test_it_outlives_emptiness_a_dead_node_and_a_restart_of_everything(
    start_cluster: Callable[..., Cluster],
) -> None:
    cluster = start_cluster()
    with cluster.client("alice").register() as alice:
        enter(alice)
        alice.send(f"CS REGISTER {ROOM}")
        alice.expect("NOTICE", "alice", source="ChanServ")
        alice.send(f"TOPIC {ROOM} :roses", f"MODE {ROOM} +kb secret mallory", f"PART {ROOM}")
        alice.expect("PART", ROOM)

        leader = cluster.leader()
        old_pid = cluster.kill(leader)
        enter(alice)
        assert alice.expect("332", "alice", ROOM).text == "roses"
        given = alice.expect("MODE", ROOM, "+o", "alice", source="ChanServ")
        assert given.source == CHANSERV
        alice.send(f"PART {ROOM}")
        alice.expect("PART", ROOM)
        cluster.wait_back(leader, old_pid)
        alice.sync()

    cluster.stop()
    cluster.start()
    with cluster.client("bob").register() as bob, cluster.client("alice").register() as alice:
        bob.send(f"JOIN {ROOM}")
        bob.expect("475", "bob", ROOM)
        bob.send(f"JOIN {ROOM} secret")
        assert bob.expect("353").text == "bob"
        enter(alice)
        assert alice.expect("332", "alice", ROOM).text == "roses"
        for client in (alice, bob):
            client.expect("MODE", ROOM, "+o", "alice", source="ChanServ")
        alice.send(f"MODE {ROOM} b")
        assert alice.expect("367").parameters[2] == "mallory!*@*"
        alice.send(f"MODE {ROOM}")
        assert alice.expect("324").parameters[2:] == ("+ntk", "secret")
        alice.send(f"CS INFO {ROOM}")
        assert alice.expect("NOTICE", source="ChanServ").text == f"{ROOM} belongs to alice."
