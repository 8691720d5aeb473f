"""Nodes that die and come back catch up with everything."""

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack

from support.cluster import Cluster, run_roost
from support.irc_client import IrcClient, Line


def _events(lines: list[Line]) -> list[tuple[object, ...]]:
    return [
        (line.tags.get("msgid"), line.tags.get("time"), line.source, line.command, line.parameters)
        for line in lines
    ]


def _client_on_each_node(cluster: Cluster, stack: ExitStack, prefix: str) -> dict[str, IrcClient]:
    clients: dict[str, IrcClient] = {}
    # A node that has just come back gets few clients at first.
    for number in range(40):
        client, node = cluster.client_on_new_node(f"{prefix}{number}")
        stack.callback(client.close)
        clients.setdefault(node, client)
        if len(clients) == cluster.size:
            return clients
    raise AssertionError(f"only {sorted(clients)} get clients")


def test_a_killed_node_comes_back_with_the_same_history(
    start_cluster: Callable[..., Cluster],
) -> None:
    cluster = start_cluster()
    with ExitStack() as stack:
        clients = _client_on_each_node(cluster, stack, "early")
        for client in clients.values():
            client.join("#story")
        leader = cluster.leader()
        victim = clients.pop(leader)
        witness, other = clients.values()
        victim.say("#story", "before the fall")
        witness.expect("PRIVMSG", "#story", "before the fall")

        old_pid = cluster.kill(leader)
        # Everybody continues at once, without the former leader.
        witness.say("#story", "we go on")
        other.expect("PRIVMSG", "#story", "we go on")
        victim.expect("PRIVMSG", "#story", "we go on")
        victim.say("#story", "so do I")
        witness.expect("PRIVMSG", "#story", "so do I")

        cluster.wait_back(leader, old_pid)
        cluster.wait_whole()
        later = _client_on_each_node(cluster, stack, "late")
        assert set(later) == {"n1", "n2", "n3"}
        for client in later.values():
            client.join("#story")
        cluster.wait_whole()
        histories = {
            node: _events(client.history("LATEST #story * 100")) for node, client in later.items()
        }
        assert histories["n1"] == histories["n2"] == histories["n3"]
        texts = [what[4][-1] for what in histories[leader] if what[3] == "PRIVMSG"]  # type: ignore[index]
        assert texts == ["before the fall", "we go on", "so do I"]


def test_a_killed_nodes_clients_notice_nothing(start_cluster: Callable[..., Cluster]) -> None:
    cluster = start_cluster()
    with ExitStack() as stack:
        clients = _client_on_each_node(cluster, stack, "calm")
        for client in clients.values():
            client.join("#calm")
        leader = cluster.leader()
        mover = clients.pop(leader)
        witness, other = clients.values()
        mover.sync()
        other.send(*(f"PRIVMSG #calm :{count}" for count in range(20)))
        old_pid = cluster.kill(leader)
        mover.send(*(f"PRIVMSG #calm :{count}" for count in range(20, 40)))
        said = [str(count) for count in range(40)]
        for client in (mover, witness, other):
            heard: list[Line] = []
            while len(heard) < 40:
                heard.append(client.expect("PRIVMSG", "#calm"))
            assert sorted((line.text for line in heard), key=int) == said
            assert len({line.tags["msgid"] for line in heard}) == 40
            client.sync()
            assert not [line for line in client.received if line.command in {"QUIT", "ERROR"}]
        cluster.wait_back(leader, old_pid)
        witness.say("#calm", "calm again")
        mover.expect("PRIVMSG", "#calm", "calm again")


def test_a_node_that_lost_its_disk_gets_everything_back(
    start_cluster: Callable[..., Cluster],
) -> None:
    cluster = start_cluster()
    with ExitStack() as stack:
        with cluster.client("teller") as teller:
            teller.register().join("#lore")
            for count in range(30):
                teller.say("#lore", f"tale {count}")
        cluster.stop()
        data = cluster.data / "n2" / "data"
        assert data.is_dir()
        data.rename(data.with_name("lost"))
        cluster.start()
        cluster.wait_whole()
        clients = _client_on_each_node(cluster, stack, "reader")
        for client in clients.values():
            client.join("#lore")
        cluster.wait_whole()
        histories = {
            node: _events(client.history("LATEST #lore * 100")) for node, client in clients.items()
        }
        assert histories["n1"] == histories["n2"] == histories["n3"]
        assert sum(what[3] == "PRIVMSG" for what in histories["n2"]) == 30


def test_a_node_whose_disk_was_set_back_says_so_and_gets_everything_back(
    start_cluster: Callable[..., Cluster],
) -> None:
    cluster = start_cluster()
    data = cluster.data / "n2" / "data"
    with ExitStack() as stack:
        for copies in (False, True):
            with cluster.client(f"teller{copies:d}") as teller:
                teller.register().join("#lore")
                for count in range(30):
                    teller.say("#lore", f"tale {count}")
            cluster.stop()
            if copies:
                shutil.rmtree(data)
                data.with_name("old").rename(data)
            else:
                shutil.copytree(data, data.with_name("old"))
            cluster.start()
            cluster.wait_whole()
            assert ("disk-set-back" in cluster.log()) == copies
        clients = _client_on_each_node(cluster, stack, "reader")
        for client in clients.values():
            client.join("#lore")
        cluster.wait_whole()
        histories = {
            node: _events(client.history("LATEST #lore * 100")) for node, client in clients.items()
        }
        assert histories["n1"] == histories["n2"] == histories["n3"]
        assert sum(what[3] == "PRIVMSG" for what in histories["n2"]) == 60


def test_stopping_in_order_loses_nothing(start_cluster: Callable[..., Cluster]) -> None:
    cluster = start_cluster()
    with cluster.client("keeper") as keeper:
        keeper.register().join("#kept")
        keeper.send("TOPIC #kept :what we keep", "MODE #kept +m")
        keeper.expect("MODE", "#kept", "+m")
        said = keeper.say("#kept", "remember this")
        seconds = cluster.stop()
        print(f"stopped in {seconds:.2f} s")
        assert seconds < 10
        farewell = keeper.wait_closed()
        assert farewell
        assert farewell[-1].command == "ERROR"
    for name in ("n1", "n2", "n3", "b1"):
        assert f"{name}" in cluster.log()
    cluster.start()
    with cluster.client("reader") as reader:
        reader.register()
        reader.send("JOIN #kept")
        assert reader.expect("332", "reader", "#kept").text == "what we keep"
        reader.expect("366")
        reader.send("MODE #kept")
        assert "m" in reader.expect("324", "reader", "#kept").parameters[2]
        history = reader.history("LATEST #kept * 50")
        messages = [line for line in history if line.command == "PRIVMSG"]
        assert _events(messages) == _events([said])


def test_a_dead_node_stays_dead_without_restart(start_cluster: Callable[..., Cluster]) -> None:
    cluster = start_cluster(arguments=("--no-restart",))
    cluster.kill("n2")
    cluster.wait_for(
        lambda status: all(node.state != "ready" for node in status.nodes if node.name == "n2"),
        "dead n2",
    )
    with cluster.client("survivor") as survivor:
        survivor.register().join("#two")
        survivor.say("#two", "two are enough")
    assert cluster.log().count("process-died") == 1
    assert "restart_in_s" not in cluster.log()


def test_nothing_outlives_a_killed_supervisor(start_cluster: Callable[..., Cluster]) -> None:
    cluster = start_cluster()
    with cluster.client("orphan") as orphan:
        orphan.register().join("#orphans")
        orphan.say("#orphans", "said before")
        cluster.kill_supervisor()
        orphan.wait_closed()
    # The next run takes over whatever the last one left behind.
    cluster.start()
    with cluster.client("heir") as heir:
        heir.register().join("#orphans")
        texts = [line.text for line in heir.history("LATEST #orphans * 10")]
        assert "said before" in texts


def test_status_says_the_same_to_people_and_programs(cluster: Cluster) -> None:
    shown = run_roost("status", "--json", "--data", str(cluster.data))
    assert shown.returncode == 0, shown.stderr
    status = json.loads(shown.stdout)
    assert set(status) == {"cluster", "balancers", "nodes"}
    (balancer,) = status["balancers"]
    assert set(balancer) == {"name", "pid", "address", "sessions", "waiting"}
    host, port = cluster.address
    assert balancer["address"] == f"{host}:{port}"
    assert [node["name"] for node in status["nodes"]] == ["n1", "n2", "n3"]
    assert sum(node["leader"] for node in status["nodes"]) == 1
    for node in status["nodes"]:
        assert set(node) == {
            *("name", "pid", "state", "leader", "position"),
            *("applied", "sessions", "neighbours"),
        }
        assert node["state"] == "ready"
        others = sorted({"n1", "n2", "n3"} - {node["name"]})
        assert sorted(peer["name"] for peer in node["neighbours"]) == others
        assert all(peer["rtt_ms"] > 0 for peer in node["neighbours"])
    drawn = run_roost("status", "--data", str(cluster.data))
    assert drawn.returncode == 0, drawn.stderr
    for word in (status["cluster"], "n1", "n2", "n3", "b1", "ready", "leader"):
        assert word in drawn.stdout
