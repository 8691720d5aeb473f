"""Disks that are set back to an older state: noticed, and never two histories of one."""

import pytest

from roost.node.engine.historian import WRITE_INTERVAL_S
from support.simulation.clients import SimulatedClient
from support.simulation.cluster import SimulatedCluster


def say(cluster: SimulatedCluster, client: SimulatedClient, text: str, count: int) -> None:
    """Have everything confirmed that a client says."""
    for number in range(count):
        client.send("PRIVMSG", "#room0", f"{text} {number}")
    cluster.world.run_until(lambda: client.is_answered, 5.0, f"{text} is confirmed")


def come_in(cluster: SimulatedCluster, name: str) -> SimulatedClient:
    client = cluster.register(name)
    client.send("JOIN", "#room0")
    cluster.world.run_until(lambda: client.is_answered, 5.0, f"{name} is in")
    return client


def lose_a_majority(cluster: SimulatedCluster, *, count: int) -> str:
    """Let a majority lose what was confirmed, and another one write other texts in its place.

    Return the name of the node that has what was lost, and is down.
    """
    first, second, third = cluster.leader(), *(n for n in cluster.names if n != cluster.leader())
    cluster.kill(third, down_s=600.0)
    alice = come_in(cluster, "alice")
    cluster.world.run(0.5)
    saved = cluster.nodes[first].save_disk()
    say(cluster, alice, "confirmed", count)
    # Longer than a snapshot takes.
    cluster.world.run(3.0)
    alice.hang_up()
    for name in (first, second):
        cluster.kill(name, down_s=600.0)
    cluster.nodes[first].set_back(saved)
    # What only one node holds from here on is not the cluster's.
    last = saved.last[1]
    cluster.archive.entries = {i: e for i, e in cluster.archive.entries.items() if i <= last}
    cluster.nodes[first].start()
    cluster.nodes[third].start()
    return second


@pytest.mark.parametrize("is_compacted", [False, True])
@pytest.mark.parametrize("seed", range(1, 7))
def test_no_two_texts_under_one_id_after_a_majority_lost_some(
    seed: int, is_compacted: bool
) -> None:
    entries = 100 if is_compacted else 10_000
    cluster = SimulatedCluster(
        seed, balancers=2, snapshot_entries=entries, retained_entries=entries // 2
    )
    cluster.wait_ready()
    second = lose_a_majority(cluster, count=20)
    bob = come_in(cluster, "bob")
    say(cluster, bob, "instead", 200 if is_compacted else 30)
    rows = cluster.nodes[second].history_disk.rows.values()
    has_lost_rows = any(b"confirmed" in row.record for row in rows)
    cluster.nodes[second].start()
    cluster.wait_ready()
    cluster.world.run(WRITE_INTERVAL_S + 0.5)
    cluster.check_histories()
    is_told = any(f"{second} history-diverged" in line for line in cluster.world.trace)
    assert is_told == (has_lost_rows and not is_compacted)


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("seed", range(1, 7))
def test_a_node_whose_disk_was_set_back_outvotes_nothing_that_it_confirmed(
    seed: int, is_restarted: bool
) -> None:
    cluster = SimulatedCluster(seed)
    cluster.wait_ready()
    alice = come_in(cluster, "alice")
    leader, behind, back = cluster.leader(), *(n for n in cluster.names if n != cluster.leader())
    cluster.world.run(0.5)
    saved = cluster.nodes[back].save_disk()
    # It still hears from its other neighbour how far that one is.
    cluster.network.partition(leader, behind)
    say(cluster, alice, "confirmed", 20)
    cluster.world.run(2.0)
    cluster.set_back(back, saved, down_s=0.3)
    cluster.kill(leader, down_s=5.0)
    if is_restarted:
        cluster.kill(behind, down_s=0.1)
    cluster.network.heal()
    cluster.world.run(4.0)
    assert f"{back} disk-set-back" in " ".join(cluster.world.trace)
    assert cluster.states()[back] != "ready"
    assert not cluster.nodes[behind].replica.is_leader
    cluster.wait_ready()
    cluster.settle()
    rows = cluster.nodes[back].history_disk.rows.values()
    assert sum(b"confirmed" in row.record for row in rows) == 20


@pytest.mark.parametrize("retained", [20, 500])
@pytest.mark.parametrize("seed", range(1, 5))
def test_a_node_whose_snapshot_has_what_a_majority_lost_begins_anew_and_keeps_what_it_had(
    seed: int, retained: int
) -> None:
    """Whether it can still compare its entries with the leader's, or only misses an answer."""
    cluster = SimulatedCluster(seed, balancers=2, snapshot_entries=60, retained_entries=retained)
    cluster.wait_ready()
    second = lose_a_majority(cluster, count=130)
    stray = cluster.nodes[second]
    assert stray.log_disk.snapshot is not None
    lost = {key: row for key, row in stray.history_disk.rows.items() if b"confirmed" in row.record}
    bob = come_in(cluster, "bob")
    say(cluster, bob, "instead", 30)
    # What it holds is not the cluster's.
    stray.log_disk.archive = cluster.archive.apart()
    stray.start()
    cluster.world.run_until(lambda: bool(stray.kept), 20.0, "the data is put aside")
    stray.log_disk.archive = cluster.archive
    trace = "\n".join(cluster.world.trace)
    assert f"{second} diverged" in trace
    cluster.wait_ready()
    status = stray.mind.status()
    assert (status.state, "diverged-1" in status.reason) == ("ready", True)
    (kept,) = stray.kept
    assert kept.history.rows.items() >= lost.items()
    assert kept.log.snapshot is not None
    # It counts again: with another one away, the cluster goes on.
    cluster.kill(next(n for n in cluster.names if n != second), down_s=3.0)
    say(cluster, bob, "afterwards", 5)
    cluster.wait_ready()
    cluster.world.run(1.0)
    cluster.check_histories()
    assert not any(b"confirmed" in row.record for row in stray.history_disk.rows.values())


@pytest.mark.parametrize("seed", range(1, 5))
def test_history_of_lost_entries_is_replaced_although_a_snapshot_hid_them(seed: int) -> None:
    """The others' logs have gone so far that what they lost cannot be compared with them."""
    cluster = SimulatedCluster(seed, balancers=2, snapshot_entries=60, retained_entries=20)
    cluster.wait_ready()
    second = lose_a_majority(cluster, count=130)
    stray = cluster.nodes[second]
    rows = stray.history_disk.rows
    assert any(b"confirmed" in row.record for row in rows.values())
    bob = come_in(cluster, "bob")
    for _ in range(3):
        say(cluster, bob, "instead", 100)
    cluster.world.run(3.0)
    stray.log_disk.archive = cluster.archive.apart()
    stray.start()
    cluster.wait_ready()
    cluster.world.run(1.0)
    assert not stray.kept, "the leader's snapshot replaced its state"
    cluster.check_histories()
    assert any(f"{second} history-diverged" in line for line in cluster.world.trace)
