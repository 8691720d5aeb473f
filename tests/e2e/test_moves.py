"""Nodes die, hang, come back, are drained and restarted, while clients notice nothing.

The tests count what clients notice, which must be nothing. They print how long clients had to wait,
with limits that a slow and busy machine can keep.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from roost.cli.status import Cluster as Status
from roost.ops import clock
from support.background_load import BackgroundLoad
from support.cluster import ROOST, Cluster, run_roost
from support.irc_client import IrcClient

DEATH_MS_MAX = 5_000.0
HANG_MS_MAX = 8_000.0
MOVE_MS_MAX = 3_000.0
HANG_S = 3.0

StartCluster = Callable[..., Cluster]


def follower(cluster: Cluster) -> str:
    leader = cluster.leader()
    return next(node.name for node in cluster.status().nodes if node.name != leader)


def are_even(status: Status) -> bool:
    counts = [node.sessions for node in status.nodes]
    return max(counts) - min(counts) <= max(2, 0.15 * sum(counts) / len(counts))


def wait_even(cluster: Cluster) -> float:
    """Wait until every node has its share; return how many seconds it took."""
    start = clock.monotonic()
    cluster.wait_for(are_even, "even nodes", 40.0)
    return clock.monotonic() - start


def test_nodes_are_killed_again_and_again_and_nobody_notices(start_cluster: StartCluster) -> None:
    cluster = start_cluster()
    with BackgroundLoad(cluster) as load, ExitStack() as stack:
        for number, find in enumerate((Cluster.leader, follower, Cluster.leader)):
            newcomers = [cluster.client(f"new{number}x{count}") for count in range(3)]
            for newcomer in newcomers:
                stack.callback(newcomer.close)
                newcomer.send("CAP LS 302", f"NICK {newcomer.nick}")
            name = find(cluster)
            with load.measured(f"kill -9 {name}", pause_ms_max=DEATH_MS_MAX):
                old_pid = cluster.kill(name)
                for newcomer in newcomers:
                    # The dead node was registering one of the three.
                    newcomer.send(f"USER {newcomer.nick} 0 * :x", "CAP END")
                    newcomer.expect("001")
                cluster.wait_back(name, old_pid)
        print(f"even again {wait_even(cluster):.1f} s after the last return")


def test_a_node_hangs_and_wakes_up_and_nobody_notices(start_cluster: StartCluster) -> None:
    cluster = start_cluster()
    with BackgroundLoad(cluster) as load:
        for find in (follower, Cluster.leader):
            name = find(cluster)
            pid = cluster.node(name).pid
            with load.measured(f"SIGSTOP {name}", pause_ms_max=HANG_MS_MAX):
                with stopped(pid):
                    cluster.wait_for(
                        lambda status: any(node.state == "down" for node in status.nodes),
                        "node that is given up",
                    )
                    time.sleep(HANG_S)
                # It finds that its clients have moved, and joins again.
                cluster.wait_ready_nodes()
            assert cluster.node(name).pid == pid
    assert "process-died" not in cluster.log()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_without_a_majority_people_wait_and_what_they_type_is_sent_once(
    start_cluster: StartCluster,
) -> None:
    cluster = start_cluster(arguments=("--no-restart",))
    with ExitStack() as stack:
        people = [stack.enter_context(cluster.client(f"p{number}")) for number in range(6)]
        for person in people:
            person.register().join("#patience")
        for person in people:
            person.sync()
        leader = cluster.leader()
        survivor = follower(cluster)
        gone = [node.name for node in cluster.status().nodes if node.name != survivor]
        assert leader in gone
        start = clock.monotonic()
        for name in gone:
            cluster.kill(name)
        for number, person in enumerate(people):
            person.send(f"PRIVMSG #patience :typed {number}")
        for person in people:
            assert "The service is not ready" in person.expect("NOTICE").text
        print(f"told after {clock.monotonic() - start:.1f} s")
        latecomer = stack.enter_context(cluster.client("latecomer"))
        latecomer.send("NICK latecomer", "USER l 0 * :l")
        assert "The service is not ready" in latecomer.expect("NOTICE").text
        for number, person in enumerate(people):
            person.send(f"PRIVMSG #patience :typed more {number}")
        time.sleep(1.5)
        before = [person.received[:] for person in people]
        start = clock.monotonic()
        for name in gone:
            stack.enter_context(run_node(cluster, name))
        latecomer.expect("001")
        print(f"served {clock.monotonic() - start:.1f} s after the others' start")
        expected = sorted(f"typed{more} {n}" for n in range(6) for more in ("", " more"))
        heard = []
        for person in people:
            lines = collect(person, len(expected))
            heard.append([line for line in lines if line.startswith("typed")])
            assert sorted(heard[-1]) == expected
            assert sum("The service is ready" in line for line in lines) == 1
            assert sum("The service is not ready" in line for line in lines) == 0
        assert all(one == heard[0] for one in heard)
        for told in before:
            assert sum("The service is not ready" in line.text for line in told) == 1
            assert not any(line.command == "PRIVMSG" for line in told)
        for person in people:
            later = [line.command for line in person.sync()]
            assert not {"PRIVMSG", "NOTICE", "JOIN", "QUIT"} & set(later)
        # One of the two was enough to continue; the other may still be starting.
        cluster.wait_ready_nodes()


def collect(person: IrcClient, count: int) -> list[str]:
    """Read until `count` messages came from the room; return all texts on the way."""
    texts: list[str] = []
    while sum(text.startswith("typed") for text in texts) < count:
        line = person.read()
        if line.command in {"PRIVMSG", "NOTICE"}:
            texts.append(line.text)
        assert line.command not in {"JOIN", "QUIT", "PART", "ERROR"}
    return texts


@contextmanager
def run_node(cluster: Cluster, name: str) -> Iterator[None]:
    """Run a node by itself, as on a machine of its own."""
    config = cluster.data / name / "config.toml"
    with (cluster.data / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            [*ROOST, "node", "--config", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(20) == 0


def test_a_node_is_drained_and_taken_back_and_nobody_notices(start_cluster: StartCluster) -> None:
    cluster = start_cluster()
    data = ("--data", str(cluster.data))
    with BackgroundLoad(cluster) as load:
        had = cluster.node("n2").sessions
        assert had > 20
        with load.measured("roost drain n2", pause_ms_max=MOVE_MS_MAX):
            start = clock.monotonic()
            drained = run_roost("drain", "n2", *data)
            print(f"drained of {had} clients in {clock.monotonic() - start:.1f} s")
            assert drained.returncode == 0, drained.stderr
            assert "n2 is drained" in drained.stdout
            node = cluster.node("n2")
            assert (node.state, node.reason, node.sessions) == (
                *("draining", "drained by an operator"),
                0,
            )
        with cluster.client("newcomer") as newcomer:
            newcomer.register()
            assert cluster.node("n2").sessions == 0
        # Neither a death nor a restart ends draining.
        old_pid = cluster.kill("n2")
        cluster.wait_for(
            lambda status: any(
                node.name == "n2" and node.pid not in {0, old_pid} and node.state == "draining"
                for node in status.nodes
            ),
            "n2 that is back and drained",
        )
        with load.measured("roost undrain n2", pause_ms_max=MOVE_MS_MAX):
            taken_back = run_roost("undrain", "n2", *data)
            assert taken_back.returncode == 0, taken_back.stderr
            print(f"even again {wait_even(cluster):.1f} s after it was taken back")
        assert cluster.node("n2").sessions > 0


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("n9",), 1, "b1 knows no node n9; it knows n1, n2, n3"),
        (("n2", "--data", "/nowhere"), 2, "there is no operator's certificate"),
    ],
)
def test_an_order_that_cannot_be_given_says_why(
    cluster: Cluster, arguments: tuple[str, ...], code: int, text: str
) -> None:
    where = () if "--data" in arguments else ("--data", str(cluster.data))
    for command in ("drain", "undrain"):
        refused = run_roost(command, *arguments, *where)
        assert refused.returncode == code
        assert text in refused.stderr
        assert refused.stderr.count("\n") == 1


def test_a_rolling_restart_disturbs_nobody(start_cluster: StartCluster) -> None:
    cluster = start_cluster()
    with BackgroundLoad(cluster) as load:
        for name in ("n1", "n2", "n3"):
            old_pid = cluster.node(name).pid
            with load.measured(f"restart of {name}", pause_ms_max=MOVE_MS_MAX):
                os.kill(old_pid, signal.SIGTERM)
                cluster.wait_back(name, old_pid)
        print(f"even again {wait_even(cluster):.1f} s after the last return")
    log = cluster.log()
    assert log.count("exit code 0") == 3
    assert "killed by" not in log
