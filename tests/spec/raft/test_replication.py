"""Raft, sections 5.3 to 5.5 and 8: replicating the log, and committing what is in it."""

import pytest

from roost.instant import Instant
from roost.raft.messages import ENTRY_NOOP, AppendRequest, AppendResponse, HardState, VoteResponse
from support.raft_cluster import Cluster
from support.raft_replica import Bench, entries, entry


def test_a_leader_appends_and_sends_in_parallel() -> None:
    """5.3: 'The leader appends the command to its log as a new entry, then issues AppendEntries
    RPCs in parallel to each of the other servers to replicate the entry.'"""
    bench = Bench()
    bench.lead()
    assert bench.propose(b"x", b"y")
    for peer in bench.peers:
        sent = [m for n, m in bench.sent if n == peer and isinstance(m, AppendRequest)]
        assert [e.data for m in sent for e in m.entries] == [b"x", b"y"]
        assert (sent[0].previous_index, sent[0].previous_term) == (1, 1)


def test_an_entry_is_committed_when_a_majority_has_it() -> None:
    """5.3: 'A log entry is committed once the leader that created the entry has replicated it on a
    majority of the servers'"""
    bench = Bench(5)
    bench.lead()
    bench.propose(b"x")
    bench.acknowledge("b")
    assert bench.replica.commit_index == 1
    bench.acknowledge("b")
    assert bench.replica.commit_index == 1, "one follower counts once"
    bench.acknowledge("c")
    assert bench.replica.commit_index == 2
    assert bench.applied[-1].data == b"x"


def test_followers_learn_the_commit_index() -> None:
    """5.3: 'The leader keeps track of the highest index it knows to be committed, and it includes
    that index in future AppendEntries RPCs (including heartbeats) so that the other servers
    eventually find out.'"""
    bench = Bench()
    bench.lead()
    bench.propose(b"x")
    bench.sent.clear()
    bench.acknowledge("b")
    assert [m.commit for m in bench.take("c", AppendRequest)] == [2]
    bench.wait(0.2)
    assert bench.take("c", AppendRequest)[-1].commit == 2


def test_a_follower_applies_what_is_committed_in_log_order() -> None:
    """5.3: 'Once a follower learns that a log entry is committed, it applies the entry to its local
    state machine (in log order).'"""
    bench = Bench()
    bench.append("b", 1, (0, 0), *entries(1, 1, 1), commit=2)
    assert [e.index for e in bench.applied] == [1, 2]
    bench.append("b", 1, (3, 1), commit=3)
    bench.append("b", 1, (3, 1), commit=3)
    assert [e.index for e in bench.applied] == [1, 2, 3]


def test_a_follower_commits_only_what_it_knows_to_match() -> None:
    """Figure 2: 'If leaderCommit > commitIndex, set commitIndex = min(leaderCommit, index of last
    new entry)'"""
    bench = Bench(log=entries(1, 1, 1), hard_state=HardState(1))
    bench.append("b", 2, (1, 1), commit=3)
    assert bench.replica.commit_index == 1


@pytest.mark.parametrize("previous", [(4, 1), (3, 2), (9, 9)])
def test_an_append_that_does_not_fit_is_refused(previous: tuple[int, int]) -> None:
    """Figure 2: 'Reply false if log doesn't contain an entry at prevLogIndex whose term matches
    prevLogTerm'"""
    bench = Bench(log=entries(1, 1, 1), hard_state=HardState(1))
    bench.append("b", 9, previous, entry(previous[0] + 1, 9))
    assert [m.is_success for m in bench.take("b", AppendResponse)] == [False]
    assert bench.terms == [1, 1, 1]


def test_conflicting_entries_are_replaced() -> None:
    """Figure 2: 'If an existing entry conflicts with a new one (same index but different terms),
    delete the existing entry and all that follow it' and 'Append any new entries not already in
    the log'"""
    bench = Bench(log=entries(1, 1, 2, 2, 2), hard_state=HardState(2))
    bench.append("b", 3, (1, 1), *entries(1, 3, first=2))
    assert bench.terms == [1, 1, 3]
    assert bench.persists[-1].entries == entries(3, first=3)


def test_an_old_append_does_not_cut_what_followed() -> None:
    """Figure 2: only 'if an existing entry conflicts' is anything deleted."""
    bench = Bench()
    bench.append("b", 1, (0, 0), *entries(1, 1, 1, 1))
    bench.append("b", 1, (0, 0), *entries(1, 1))
    assert bench.terms == [1, 1, 1, 1]


def test_a_leader_never_changes_its_own_log() -> None:
    """Figure 3, Leader Append-Only: 'a leader never overwrites or deletes entries in its log; it
    only appends new entries.'"""
    log = entries(1, 1, 2)
    bench = Bench(log=log, hard_state=HardState(2))
    bench.lead()
    before = bench.log
    for peer in bench.peers:
        bench.receive(peer, AppendResponse(bench.replica.term, False, 0, 0))
        bench.receive(peer, AppendResponse(bench.replica.term, False, 9, 7))
    assert bench.log == before


# Figure 7: what a follower's log may look like when the leader of term 8 comes to power.
LEADER = (1, 1, 1, 4, 4, 5, 5, 6, 6, 6)
FIGURE_7 = {
    "a": (1, 1, 1, 4, 4, 5, 5, 6, 6),
    "b": (1, 1, 1, 4),
    "c": (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6),
    "d": (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7),
    "e": (1, 1, 1, 4, 4, 4, 4),
    "f": (1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3),
}


@pytest.mark.parametrize("name", FIGURE_7)
def test_a_leader_makes_a_followers_log_like_its_own(name: str) -> None:
    """5.3, Figure 7: 'the leader handles inconsistencies by forcing the followers' logs to
    duplicate its own.' and 'one AppendEntries RPC will be required for each term with
    conflicting entries, rather than one RPC per entry.'"""
    leader = Bench(2, log=entries(*LEADER), hard_state=HardState(7))
    follower = Bench(2, log=entries(*FIGURE_7[name]), hard_state=HardState(7))
    leader.stand()
    leader.sent.clear()
    leader.receive("b", VoteResponse(8, True, False))
    refusals = 0
    for _ in range(30):
        for message in leader.sent_to("b"):
            follower.receive("b", message)
        for message in follower.sent_to("b"):
            refusals += isinstance(message, AppendResponse) and not message.is_success
            leader.receive("b", message)
    assert follower.log == leader.log
    assert follower.replica.commit_index == 11
    assert refusals <= 3


def test_entries_of_earlier_terms_are_not_committed_by_counting() -> None:
    """5.4.2, Figure 8 (c): 'Raft never commits log entries from previous terms by counting
    replicas. Only log entries from the leader's current term are committed by counting replicas'"""
    bench = Bench(5, log=entries(1, 2), hard_state=HardState(3))
    bench.stand()
    for peer in ("b", "c"):
        bench.receive(peer, VoteResponse(4, True, False))
    for peer in bench.peers:
        bench.acknowledge(peer, 2)
    assert bench.replica.commit_index == 0, "everybody has it, and yet it may be overwritten"
    for peer in ("b", "c"):
        bench.acknowledge(peer, 3)
    assert bench.replica.commit_index == 3


def test_figure_8_cannot_lose_a_committed_entry() -> None:
    """5.4.2, Figure 8 (e): 'if S1 replicates an entry from its current term on a majority of the
    servers before crashing, ... then this entry is committed (S5 cannot win an election).'"""
    voter = Bench(5, log=entries(1, 2, 4), hard_state=HardState(4))
    assert not voter.request_vote("e", 5, (2, 3)), "S5's last entry is of term 3"
    without = Bench(5, log=entries(1, 2), hard_state=HardState(4))
    assert without.request_vote("e", 5, (2, 3)), "(d): the entry of term 2 alone is overwritten"


def test_a_new_leader_begins_with_an_entry_without_effect() -> None:
    """Section 8: 'Raft handles this by having each leader commit a blank no-op entry into the log
    at the start of its term.'"""
    bench = Bench(log=entries(1), hard_state=HardState(1))
    bench.lead()
    assert bench.log == [(1, 1), (2, 2)]
    assert bench.applied[-1].kind == ENTRY_NOOP
    assert bench.applied[-1].data == b""


def test_a_follower_that_crashed_is_sent_to_for_ever() -> None:
    """5.5: 'If a follower or candidate crashes, then future RequestVote and AppendEntries RPCs sent
    to it will fail. Raft handles these failures by retrying indefinitely'"""
    cluster = Cluster(seed=3).start()
    leader = cluster.wait_leader()
    other = next(node for node in cluster.nodes.values() if node is not leader)
    other.crash()
    cluster.propose(leader.name, b"x")
    cluster.run(5.0)
    assert leader.applied == [b"x"]
    other.start()
    cluster.run(0.1)
    assert other.applied == [b"x"]


def test_doubled_appends_have_no_effect() -> None:
    """5.5: 'Raft RPCs are idempotent, so this causes no harm.'"""
    bench = Bench()
    for _ in range(3):
        bench.append("b", 1, (0, 0), *entries(1, 1), commit=1)
    assert bench.terms == [1, 1]
    assert [e.index for e in bench.applied] == [1]
    assert len([p for p in bench.persists if p.entries]) == 1


def test_a_leaders_own_disk_may_be_the_last() -> None:
    """Thesis 10.2.1: 'the leader may even commit an entry before it has been written to its own
    disk, if a majority of followers have written it to their disks'"""
    bench = Bench()
    bench.lead()
    bench.is_disk_held = True
    bench.propose(b"x")
    assert [e.data for m in bench.take("b", AppendRequest) for e in m.entries] == [b"x"]
    bench.acknowledge("b")
    assert bench.replica.commit_index == 1, "one disk of three"
    bench.acknowledge("c")
    assert bench.replica.commit_index == 2


def test_a_leaders_own_entry_counts_when_it_is_on_disk() -> None:
    """Thesis 10.2.1, the other side of it."""
    bench = Bench()
    bench.lead()
    bench.is_disk_held = True
    bench.propose(b"x")
    bench.acknowledge("b")
    assert bench.replica.commit_index == 1
    bench.write()
    assert bench.replica.commit_index == 2


def test_times_never_go_back() -> None:
    """An entry's time is the leader's clock, but never less than the entry's before it."""
    log = (entry(1, 1, time_ms=500_000),)
    bench = Bench(log=log, hard_state=HardState(1))
    bench.lead()
    bench.replica.propose([b"x"], Instant(bench.time, 600_000))
    bench.replica.propose([b"y"], Instant(bench.time, 1))
    bench.settle()
    bench.acknowledge("b")
    assert [e.time_ms for e in bench.applied] == [500_000, 500_000, 600_000, 600_000]
