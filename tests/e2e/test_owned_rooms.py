"""A registered room survives being empty, a node's death and a restart of the cluster."""

from collections.abc import Callable

from support.cluster import Cluster
from support.irc_accounts import PASSWORD, log_in, make_account
from support.irc_client import IrcClient

ROOM = "#garden"
CHANSERV = "ChanServ!ChanServ@services.roost.local"


def enter(client: IrcClient) -> None:
    client.send(f"JOIN {ROOM}")
    client.expect("JOIN", ROOM, source=client.nick)


def test_it_outlives_emptiness_a_dead_node_and_a_restart_of_everything(
    start_cluster: Callable[..., Cluster],
) -> None:
    cluster = start_cluster()
    with cluster.client("alice").register() as alice:
        make_account(alice)
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
    with cluster.client("bob").register() as bob, cluster.client("alice") as alice:
        log_in(alice, "alice", PASSWORD)
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
