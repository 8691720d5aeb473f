"""Nodes are added, replaced and removed while people talk, and nobody notices."""

from collections.abc import Callable
from pathlib import Path

from roost.cli.status import Cluster as Status
from support.background_load import BackgroundLoad
from support.cluster import Cluster, run_roost
from support.joined import Machines

PAUSE_MS_MAX = 5_000
"""For the longest pause of anybody on a noisy machine; the usual one is a tenth of that."""


def test_three_to_seven_to_five_to_three_while_nodes_are_killed(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = start_cluster()
    with (
        Machines(cluster, tmp_path) as machines,
        BackgroundLoad(cluster, clients=60, rooms=6, rate=40.0) as load,
    ):
        with load.measured("3 to 7, and kill -9", pause_ms_max=PAUSE_MS_MAX):
            machines.join("n4")
            machines.join("n5")
            machines.kill(cluster.leader())
            machines.join("n6")
            machines.join("n7")
            machines.kill("n4")
            machines.start("n4")
            machines.wait_nodes("n1", "n2", "n3", "n4", "n5", "n6", "n7")
            load.wait_said(20)
        with load.measured("7 to 5, the leader among them, and kill -9", pause_ms_max=PAUSE_MS_MAX):
            machines.kill("n7")
            machines.start("n7")
            leader = cluster.leader()
            machines.remove(leader)
            left = [name for name in machines.names if name != leader]
            machines.wait_nodes(*left)
            machines.kill(left[-1])
            machines.start(left[-1])
            machines.remove(left.pop(0))
            machines.wait_nodes(*left)
            load.wait_said(20)
        with load.measured("5 to 3, and kill -9", pause_ms_max=PAUSE_MS_MAX):
            machines.remove(left.pop(0))
            machines.wait_nodes(*left)
            machines.kill(cluster.leader())
            for name in left:
                machines.start(name)
            machines.wait_nodes(*left)
            machines.remove(left.pop(0))
            machines.wait_nodes(*left)
            load.wait_said(20)


def test_a_token_opens_the_cluster_once_and_a_removed_node_is_refused(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = start_cluster(nodes=1)
    with Machines(cluster, tmp_path) as machines:
        token = machines.token("n2")
        first, second = (str(tmp_path / name) for name in ("first", "second"))
        joined = run_roost("join", token, "--data", first, "--no-start")
        assert joined.returncode == 0, joined.stderr
        refused = run_roost("join", token, "--data", second, "--no-start")
        assert refused.returncode == 1
        assert "another machine used this token for n2" in refused.stderr
        exists = run_roost("members", "add", "n2=127.0.0.1", "--data", str(cluster.data))
        assert exists.returncode == 1
        assert "a node named n2 exists already" in exists.stderr
        shown = run_roost("members", "--data", str(cluster.data)).stdout
        assert [line.split()[0] for line in shown.splitlines()] == ["n1", "n2"]

        with machines.adopt("n2", tmp_path / "first"):
            machines.wait_nodes("n1", "n2")
            machines.remove("n2")
            machines.wait_nodes("n1")
            cluster.wait_for(
                lambda status: any("'n2' does not belong" in one for one in problems(status)),
                "a refusal of the removed node",
            )


def test_roost_up_adds_nodes_to_a_cluster_that_exists(
    start_cluster: Callable[..., Cluster],
) -> None:
    cluster = start_cluster(nodes=1)
    with cluster.client("ann") as ann:
        ann.register().join("#here")
        ann.say("#here", "before")
    cluster.stop()
    grown = start_cluster(nodes=3)
    assert "Added n2 and n3 to the cluster, which had 1 node here." in grown.output
    grown.wait_whole()
    with grown.client("bob") as bob:
        bob.register().join("#here")
        assert "before" in [line.text for line in bob.history("LATEST #here * 5")]
    grown.stop()
    fewer = run_roost("up", "--nodes", "2", "--data", str(cluster.data), "--port", "0")
    assert fewer.returncode == 2
    assert "roost members remove n3" in fewer.stderr


def problems(status: Status) -> list[str]:
    return [problem for balancer in status.balancers for problem in balancer.problems]
