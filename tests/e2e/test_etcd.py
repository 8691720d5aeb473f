"""A cluster whose log is in etcd: clients notice no death, of a member or of a node."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from roost.cli.status import Cluster as Status
from support.background_load import BackgroundLoad
from support.cluster import Cluster, run_roost
from support.real_etcd import RealEtcd

DEAD_PAUSE_MS_MAX = 1500.0
"""For a busy machine, as elsewhere; `make bench` measures what is promised."""
HUNG_PAUSE_MS_MAX = 2500.0


def is_unavailable(status: Status) -> bool:
    return all(node.state == "log-unavailable" for node in status.nodes)


@pytest.mark.timeout(180)
def test_clients_notice_no_death_of_etcds_leader_or_of_a_node(
    start_cluster: Callable[..., Cluster],
) -> None:
    assert shutil.which("etcd"), "the Debian package etcd-server is missing"
    cluster = start_cluster(arguments=("--log", "etcd"))
    etcd = RealEtcd(cluster.data)
    with BackgroundLoad(cluster, clients=60, rooms=6, rate=60) as load:
        leader = etcd.leader()
        with load.measured("kill -9 of etcd's leader", pause_ms_max=DEAD_PAUSE_MS_MAX):
            pid = etcd.send(leader, signal.SIGKILL)
            load.wait_said(90)
        etcd.wait_back(leader, pid)

        leader = etcd.leader()
        with load.measured("etcd's leader hangs", pause_ms_max=HUNG_PAUSE_MS_MAX):
            etcd.send(leader, signal.SIGSTOP)
            load.wait_said(120)
        etcd.send(leader, signal.SIGCONT)

        keeper = cluster.leader()
        with load.measured("kill -9 of the node with the lease", pause_ms_max=DEAD_PAUSE_MS_MAX):
            old_pid = cluster.kill(keeper)
            load.wait_said(90)
        cluster.wait_back(keeper, old_pid)
        cluster.wait_ready_nodes()
    cluster.wait_whole()


@pytest.mark.timeout(180)
def test_without_a_majority_of_etcd_clients_wait_and_nothing_is_lost(
    start_cluster: Callable[..., Cluster],
) -> None:
    cluster = start_cluster(arguments=("--log", "etcd"), nodes=2)
    etcd = RealEtcd(cluster.data)
    with cluster.client("alice") as alice, cluster.client("bob") as bob:
        alice.register().join("#room")
        bob.register().join("#room")
        stopped = ("e1", "e2")
        for member in stopped:
            etcd.send(member, signal.SIGSTOP)
        cluster.wait_for(is_unavailable, "nodes without a log")
        reason = cluster.node("n1").reason
        assert "no majority of etcd answers" in reason
        alice.send("PRIVMSG #room :is anybody there?")
        for member in stopped:
            etcd.send(member, signal.SIGCONT)
        bob.expect("PRIVMSG", "#room", "is anybody there?")
        cluster.wait_whole()

    # After a restart everything is there, also on a node that has lost its disk.
    cluster.stop()
    (cluster.data / "n2" / "data").rename(cluster.data / "lost")
    cluster.start()
    cluster.wait_whole()
    with cluster.client("carol") as carol:
        carol.register().join("#room")
        texts = [
            line.text for line in carol.history("LATEST #room * 10") if line.command == "PRIVMSG"
        ]
        assert texts == ["is anybody there?"]


@pytest.mark.timeout(180)
def test_an_older_backup_of_etcd_is_noticed_and_can_be_accepted(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    def said() -> list[str]:
        with cluster.client("reader") as reader:
            reader.register().join("#room")
            lines = reader.history("LATEST #room * 10")
            return [line.text for line in lines if line.command == "PRIVMSG"]

    cluster = start_cluster(arguments=("--log", "etcd"), nodes=1)
    etcd = RealEtcd(cluster.data)
    with cluster.client("alice") as alice:
        alice.register().join("#room")
        alice.say("#room", "saved")
        etcd.back_up(tmp_path / "backup")
        alice.say("#room", "lost")
    assert said() == ["saved", "lost"]
    cluster.wait_whole()
    cluster.stop()
    etcd.restore(tmp_path / "backup")
    cluster.start_nowait()
    cluster.wait_for(lambda status: status.nodes[0].state == "log-set-back", "notice")
    assert "etcdctl put /roost/epoch 2" in cluster.node("n1").reason
    assert etcd.run("put", "/roost/epoch", "2")
    cluster.stop()
    cluster.start()
    with cluster.client("bob") as bob:
        bob.register().join("#room")
        bob.say("#room", "after")
    assert said() == ["saved", "after"]


def test_a_missing_etcd_and_an_unknown_engine_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    done = run_roost("up", "--log", "etcd", "--data", str(tmp_path / "data"), "--port", "0")
    assert done.returncode == 2
    assert "needs the program etcd" in done.stderr
    done = run_roost("up", "--log", "mysql", "--data", str(tmp_path / "data"))
    assert done.returncode == 2
    assert "etcd" in done.stderr
