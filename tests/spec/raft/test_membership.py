"""Changes of the group (thesis, chapter 4)."""

import pytest

from roost.raft.membership import encode_configuration
from roost.raft.messages import (
    ENTRY_CONFIGURATION,
    AppendRequest,
    AppendResponse,
    Configuration,
    Entry,
    Feed,
    FeedRequest,
    HardState,
    Snapshot,
    SnapshotRequest,
    TimeoutNow,
    VoteRequest,
    VoteResponse,
)
from support.raft_cluster import Cluster
from support.raft_replica import Bench, entries


def change(bench: Bench, voters: str, learners: str = "") -> bool:
    """Propose a group; each letter is a member."""
    configuration = Configuration(tuple(voters), tuple(learners))
    is_taken = bench.replica.change(configuration, bench.now())
    bench.settle()
    return is_taken


def configured(index: int, term: int, voters: str, learners: str = "") -> Entry:
    data = encode_configuration(Configuration(tuple(voters), tuple(learners)))
    return Entry(index, term, 0, ENTRY_CONFIGURATION, data)


def voters(bench: Bench) -> str:
    return "".join(bench.replica.configuration.voters)


# 4.1 Safety


def test_one_server_is_added_or_removed_at_a_time() -> None:
    """4.1: 'only one server can be added or removed from the cluster at a time.'"""
    bench = Bench()
    bench.lead()
    with pytest.raises(AssertionError, match="one voter at a time"):
        change(bench, "a")
    assert change(bench, "abcd")


def test_a_configuration_counts_as_soon_as_it_is_appended() -> None:
    """4.1: 'The new configuration takes effect on each server as soon as it is added to that
    server's log.'"""
    bench = Bench()
    bench.lead()
    assert change(bench, "abcd")
    bench.acknowledge("b")
    assert not bench.replica.is_configuration_committed, "two of four are no majority"
    bench.acknowledge("d")
    assert bench.replica.is_configuration_committed


def test_a_follower_uses_the_latest_configuration_in_its_log_committed_or_not() -> None:
    """4.1: 'a server always uses the latest configuration in its log, regardless of whether the
    entry is committed.'"""
    bench = Bench()
    bench.append("b", 1, (0, 0), configured(1, 1, "abcd"), commit=0)
    assert voters(bench) == "abcd"


def test_a_replaced_configuration_gives_way_to_the_one_before() -> None:
    """4.1: 'a server must be prepared to fall back to the previous configuration in its log.'"""
    bench = Bench()
    bench.append("b", 1, (0, 0), configured(1, 1, "ab"), commit=1)
    bench.append("b", 1, (1, 1), configured(2, 1, "a"))
    assert voters(bench) == "a"
    bench.append("c", 2, (1, 1), *entries(2, first=2))
    assert voters(bench) == "ab"


def test_the_next_change_waits_until_the_last_one_is_committed() -> None:
    """4.1: 'the leader ... [must] not begin another change until' the entry before is committed."""
    bench = Bench()
    bench.lead()
    assert change(bench, "abcd")
    assert not change(bench, "abcde")
    bench.acknowledge("b")
    bench.acknowledge("c")
    assert change(bench, "abcde")


def test_a_new_leader_commits_an_entry_of_its_term_before_a_change() -> None:
    """The bug of single-server changes (raft-dev, 2015): 'a leader may not append a new
    configuration entry until it has committed an entry from its current term.'"""
    bench = Bench()
    bench.stand()
    bench.receive("b", VoteResponse(1, True, False))
    assert bench.replica.is_leader
    assert not change(bench, "abcd")
    bench.acknowledge("b")
    assert change(bench, "abcd")


def test_requests_of_servers_outside_the_configuration_are_served() -> None:
    """4.1: 'A server accepts AppendEntries requests from a leader that is not part of the server's
    latest configuration', and 'also grants its vote to a candidate that is not part of' it."""
    bench = Bench()
    bench.connect("z")
    assert bench.request_vote("z", 1, (0, 0))
    bench.append("z", 1, (0, 0), *entries(1))
    assert bench.take("z", AppendResponse)[-1] == AppendResponse(1, True, 1, 0)


def test_a_leader_that_overwrote_an_uncommitted_change_does_not_lose_the_next_one() -> None:
    """Figure 4.2: any majority of the old group overlaps with any majority of the new one."""
    cluster = Cluster(3, 11).start()
    first = cluster.wait_leader()
    cluster.add()
    others = [name for name in cluster.founders if name != first.name]
    cluster.partition([first.name, "n4"], is_noticed=True)
    first.step(lambda replica, now: replica.change(Configuration((*cluster.founders, "n4")), now))
    assert "n4" in first.up.configuration.voters
    cluster.run_until(lambda: any(cluster.nodes[name].up.is_leader for name in others), 3.0)
    assert not first.up.is_configuration_committed
    cluster.heal()
    cluster.settle()
    assert first.up.configuration == Configuration(cluster.founders)


# 4.2.1 Catching up new servers


def test_a_learner_does_not_count_for_a_commit() -> None:
    """4.2.1: 'a new server joins the cluster as a non-voting member. The leader replicates log
    entries to it, but it is not yet counted towards majorities.'"""
    bench = Bench()
    bench.lead()
    assert change(bench, "abc", "d")
    bench.acknowledge("d")
    bench.propose(b"x")
    bench.acknowledge("d")
    assert bench.replica.commit_index == 1


def test_a_learner_is_sent_what_is_committed_and_nothing_else() -> None:
    bench = Bench()
    bench.lead()
    assert change(bench, "abc", "d")
    bench.connect("d")
    bench.acknowledge("b")
    bench.propose(b"x")
    bench.sent.clear()
    bench.receive("d", FeedRequest(0, 0, 0))
    (feed,) = bench.take("d", Feed)
    assert [entry.index for entry in feed.entries] == [1, 2]
    assert (feed.commit, feed.leader) == (2, "a")


def test_a_learner_promises_nothing_and_writes_nothing() -> None:
    bench = learner()
    bench.receive("b", Feed(1, "b", 0, 0, 2, (configured(1, 1, "bcd", "a"), *entries(1, first=2))))
    assert bench.replica.commit_index == 2
    assert bench.persists == []


def test_a_learner_that_is_made_a_voter_writes_everything_before_it_acknowledges() -> None:
    bench = learner()
    bench.receive("b", Feed(1, "b", 0, 0, 2, (configured(1, 1, "bcd", "a"), *entries(1, first=2))))
    bench.is_disk_held = True
    bench.append("b", 1, (2, 1), configured(3, 1, "abcd"), commit=2)
    assert bench.take("b", AppendResponse) == []
    bench.write()
    assert bench.take("b", AppendResponse) == [AppendResponse(1, True, 3, 0)]
    assert [entry.index for batch in bench.persists for entry in batch.entries] == [1, 2, 3]


def test_whoever_is_asked_for_a_vote_keeps_it_even_as_a_learner() -> None:
    """4.1: the vote of a server that does not know yet that it votes 'may occasionally be needed'.
    It is a promise as any other."""
    bench = learner()
    bench.receive("b", Feed(1, "b", 0, 0, 1, (configured(1, 1, "bcd", "a"),)))
    bench.wait(1.0)
    bench.is_disk_held = True
    bench.sent.clear()
    bench.receive("c", VoteRequest(2, 1, 1, False, False))
    assert bench.take("c", VoteResponse) == []
    bench.write()
    assert bench.take("c", VoteResponse) == [VoteResponse(2, True, False)]
    assert bench.hard_state.voted_for == "c"


def learner() -> Bench:
    """Return a replica whose file names other members; it is linked to b and c."""
    bench = Bench(members=("b", "c", "d"), is_connected=False)
    bench.connect("b")
    bench.connect("c")
    bench.wait(1.5)
    bench.sent.clear()
    bench.replica._learning._source = "b"
    return bench


# 4.2.2 Removing the current leader


def test_a_removed_leader_steps_down_once_that_is_committed_and_not_before() -> None:
    """4.2.2: 'a leader that is removed from the configuration steps down once the Cnew entry is
    committed', and until then 'it replicates log entries but does not count itself in
    majorities.'"""
    bench = Bench()
    bench.lead()
    assert change(bench, "bc")
    roles = [bench.replica.is_leader]
    bench.acknowledge("b")
    roles.append(bench.replica.is_leader)
    bench.acknowledge("c")
    roles.append(bench.replica.is_leader)
    assert roles == [True, True, False], "its own log does not count"
    assert bench.take("b", TimeoutNow) == [TimeoutNow(1)]
    bench.wait(5.0)
    assert bench.replica.term == 1


def test_a_removed_server_may_be_needed_until_the_change_is_committed() -> None:
    """4.2.2: 'a server that is not part of its own latest configuration should still start new
    elections, as it might still be needed until the Cnew entry is committed (as in Figure 4.6).'"""
    bench = Bench(size=2)
    bench.append("b", 1, (0, 0), configured(1, 1, "b"))
    bench.sent.clear()
    bench.wait(1.5)
    assert VoteRequest(2, 1, 1, True, False) in bench.take("b", VoteRequest)


# 4.2.3 Disruptive servers


def test_a_removed_server_does_not_start_elections() -> None:
    bench = Bench()
    bench.append("b", 1, (0, 0), configured(1, 1, "bc"), commit=1)
    bench.sent.clear()
    bench.wait(5.0)
    assert not any(isinstance(message, VoteRequest) for _, message in bench.sent)


def test_a_removed_server_cannot_depose_a_leader_that_is_heard() -> None:
    """4.2.3: 'if a server receives a RequestVote request within the minimum election timeout of
    hearing from a current leader, it does not update its term or grant its vote.'"""
    bench = Bench()
    bench.append("b", 1, (0, 0), configured(1, 1, "ab"), commit=1)
    assert not bench.request_vote("c", 9, (9, 9))
    assert bench.replica.term == 1


# What is stored


def test_the_log_and_the_snapshot_say_who_votes_and_else_the_file_does() -> None:
    assert voters(Bench()) == "abc"
    assert voters(Bench(log=[configured(1, 1, "abcd")], hard_state=HardState(1))) == "abcd"
    snapshot = Snapshot(5, 1, 0, b"", Configuration(("a", "d")))
    assert voters(Bench(snapshot=snapshot, hard_state=HardState(1))) == "ad"
    old = Snapshot(5, 1, 0, b"")
    assert voters(Bench(snapshot=old, hard_state=HardState(1))) == "abc"


def test_a_snapshot_carries_the_configuration_at_its_index() -> None:
    bench = Bench()
    bench.lead()
    assert change(bench, "abcd")
    bench.acknowledge("b")
    bench.acknowledge("c")
    assert change(bench, "abcde")
    before = bench.replica.compact(Snapshot(2, 1, 0, b""), 1)
    assert before is not None
    assert before.configuration == Configuration(("a", "b", "c", "d"))


def test_an_installed_snapshot_says_who_votes() -> None:
    bench = Bench()
    new = Configuration(("a", "b", "z"))
    bench.receive("b", SnapshotRequest(1, 5, 1, 0, 0, b"state", True, new))
    assert bench.replica.configuration == new
    assert bench.persists[-1].snapshot == Snapshot(5, 1, 0, b"state", new)


def test_a_leader_stops_sending_to_whom_it_removed() -> None:
    bench = Bench()
    bench.lead()
    assert change(bench, "ab")
    bench.acknowledge("b")
    bench.sent.clear()
    bench.propose(b"x")
    assert bench.take("c", AppendRequest) == []
