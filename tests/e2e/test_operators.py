"""What an operator does at one node holds on all nodes, even after deaths and restarts."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support.cluster import Cluster
from support.irc_client import IrcClient

PASSWORD = "correct horse battery"


def hash_password() -> str:
    made = subprocess.run(
        [sys.executable, "-m", "roost.cli", "hash-password"],
        input=f"{PASSWORD}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.strip()


def become_operator(client: IrcClient) -> None:
    client.send(f"OPER admin :{PASSWORD}")
    client.expect("381")


def is_refused(cluster: Cluster, nick: str) -> bool:
    """Return whether a new client is told about the ban."""
    with cluster.client(nick) as client:
        client.send(f"NICK {nick}", f"USER {nick} 0 * :{nick}")
        return client.expect_any("001", "465").command == "465"


def test_a_kill_and_a_ban_hold_on_every_node_through_deaths_and_a_restart(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    config = tmp_path / "operators.toml"
    config.write_text(
        f'[[node.irc.operators]]\nname = "admin"\npassword = "{hash_password()}"\n',
        encoding="utf-8",
    )
    cluster = start_cluster(arguments=("--config", str(config)))
    with cluster.client("olga").register() as olga:
        others = [cluster.client(f"evil{number}") for number in range(6)]
        for number, other in enumerate(others):
            other.register()
            if number:
                other.join("#market")
        olga.join("#market")
        become_operator(olga)
        # Six clients are spread over three nodes.
        olga.send("KILL evil0 :first")
        others[0].expect("ERROR")
        olga.send("KLINE 1h evil*!*@* :no manners")
        for other in others[1:]:
            assert "no manners" in other.expect("ERROR").text
        gone = {olga.expect("QUIT").nick for _ in others[1:]}
        assert gone == {f"evil{number}" for number in range(1, 6)}
        assert all(is_refused(cluster, f"evil{number}") for number in range(3))

        leader = cluster.leader()
        old_pid = cluster.kill(leader)
        assert all(is_refused(cluster, f"evil{number}") for number in range(3))
        olga.send("STATS k")
        assert "no manners" in olga.expect("216").text
        olga.send("WALLOPS :still here")
        assert olga.expect("WALLOPS").text == "still here"
        cluster.wait_back(leader, old_pid)
        for other in others:
            other.close()
    cluster.stop()
    cluster.start()
    assert all(is_refused(cluster, f"evil{number}") for number in range(3))
    with cluster.client("olga").register() as olga:
        become_operator(olga)
        olga.send("UNKLINE evil*!*@*")
        olga.sync()
        assert not is_refused(cluster, "evil1")
    assert PASSWORD not in cluster.log()
