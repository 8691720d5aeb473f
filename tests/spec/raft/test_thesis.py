"""Ongaro's thesis: transfer (3.10), leases (4.2.3), check-quorum (6.2), pre-vote (9.6)."""

from roost.raft.messages import (
    AppendRequest,
    AppendResponse,
    HardState,
    TimeoutNow,
    VoteRequest,
    VoteResponse,
)
from support.raft_cluster import Cluster
from support.raft_replica import Bench, entries

# 3.10 Leadership transfer extension


def test_a_leader_that_hands_over_takes_no_proposals() -> None:
    """3.10: 'The prior leader stops accepting new client requests.'"""
    bench = Bench()
    bench.lead()
    bench.transfer("c")
    assert not bench.propose(b"x")
    assert bench.replica.last_index == 1


def test_the_successor_is_brought_up_to_date_first() -> None:
    """3.10: 'The prior leader fully updates the target server's log to match its own, using the
    normal log replication mechanism' and 'sends a TimeoutNow request to the target server.'"""
    bench = Bench()
    bench.lead()
    bench.propose(b"x")
    bench.acknowledge("b")
    bench.transfer("c")
    assert not bench.take("c", TimeoutNow)
    bench.acknowledge("c")
    assert bench.take("c", TimeoutNow) == [TimeoutNow(1)]


def test_the_successor_stands_at_once() -> None:
    """3.10: 'This request has the same effect as the target server's election timer firing: the
    target server starts a new election (incrementing its term and becoming a candidate).'"""
    bench = Bench()
    bench.append("b", 1, (0, 0))
    bench.sent.clear()
    bench.receive("b", TimeoutNow(1))
    assert bench.replica.term == 2
    assert bench.take("c", VoteRequest) == [VoteRequest(2, 0, 0, False, True)]


def test_a_transfer_is_not_stopped_by_the_lease() -> None:
    """4.2.3 and 3.10: 'RequestVote RPCs ... could include a special flag to indicate this
    behavior ("I have permission to disrupt the leader--it told me to!").'"""
    bench = Bench()
    bench.append("b", 1, (0, 0))
    bench.receive("c", VoteRequest(2, 0, 0, False, True))
    assert bench.take("c", VoteResponse) == [VoteResponse(2, True, False)]


def test_a_failed_transfer_is_given_up_after_an_election_time_out() -> None:
    """3.10: 'If leadership transfer does not complete after about an election timeout, the prior
    leader aborts the transfer and resumes accepting client requests.'"""
    bench = Bench()
    bench.lead()
    bench.transfer("c")
    for _ in range(12):
        bench.wait(0.1)
        bench.acknowledge("b")
    assert bench.replica.is_leader
    assert bench.propose(b"x")


def test_leadership_moves_without_a_pause() -> None:
    """3.10: the whole way, in a cluster."""
    cluster = Cluster(seed=5).start()
    leader = cluster.wait_leader()
    target = next(node for node in cluster.nodes.values() if node is not leader)
    begin = cluster.time
    leader.step(lambda replica, now: replica.transfer_leadership(target.name, now))
    cluster.run_until(lambda: target.up.is_leader, 1.0)
    assert cluster.time - begin < 0.05
    assert leader.up.term == target.up.term


# 4.2.3 Disruptive servers


def test_a_vote_is_not_given_within_the_lease() -> None:
    """4.2.3: 'if a server receives a RequestVote request within the minimum election timeout of
    hearing from a current leader, it does not update its term or grant its vote.'"""
    bench = Bench()
    bench.append("b", 1, (0, 0))
    bench.wait(0.59)
    assert not bench.request_vote("c", 9, (5, 5))
    assert bench.replica.term == 1
    bench.wait(0.02)
    assert bench.request_vote("c", 9, (5, 5))


def test_a_leader_is_not_disturbed_by_a_candidate() -> None:
    """4.2.3, for the leader itself."""
    bench = Bench()
    bench.lead()
    assert not bench.request_vote("c", 9, (5, 5))
    assert bench.replica.is_leader
    assert bench.replica.term == 1


# 6.2 Check-quorum


def test_a_leader_without_a_majority_steps_down() -> None:
    """6.2: 'a leader in Raft steps down if an election timeout elapses without a successful round
    of heartbeats to a majority of its cluster'"""
    bench = Bench(5)
    bench.lead()
    is_leader = []
    for _ in range(12):
        bench.wait(0.1)
        bench.acknowledge("b")
        is_leader.append(bench.replica.is_leader)
    assert is_leader[8]
    assert not is_leader[11]
    assert bench.replica.leader == ""


def test_any_answer_of_a_majority_keeps_a_leader() -> None:
    """6.2, the other side: a majority need not be always the same."""
    bench = Bench(5)
    bench.lead()
    for number in range(30):
        bench.wait(0.2)
        first = bench.peers[number % 4]
        second = bench.peers[(number + 1) % 4]
        bench.receive(first, AppendResponse(1, True, 1, 0))
        bench.receive(second, AppendResponse(1, False, 1, 1))
    assert bench.replica.is_leader


# 9.6 Pre-Vote


def test_a_candidate_asks_before_it_increments_its_term() -> None:
    """9.6: 'In the Pre-Vote algorithm, a candidate only increments its term if it first learns from
    a majority of the cluster that they would be willing to grant the candidate their votes'"""
    bench = Bench(5)
    bench.fire()
    assert bench.take("b", VoteRequest) == [VoteRequest(1, 0, 0, True, False)]
    assert bench.replica.term == 0
    assert bench.persists == []
    bench.receive("b", VoteResponse(1, True, True))
    bench.wait(0.0)
    assert bench.replica.term == 0
    bench.receive("c", VoteResponse(1, True, True))
    assert bench.replica.term == 1


def test_a_pre_vote_changes_nothing_at_the_voter() -> None:
    """9.6: it only asks 'if the candidate's log is sufficiently up-to-date, and the voters have
    not received heartbeats from a valid leader for at least a baseline election timeout'"""
    bench = Bench(log=entries(1, 1), hard_state=HardState(1))
    assert bench.request_vote("b", 9, (2, 1), pre=True)
    assert bench.request_vote("c", 9, (2, 1), pre=True), "it promises nothing"
    assert not bench.request_vote("b", 9, (1, 1), pre=True)
    assert bench.replica.term == 1
    assert bench.persists == []
    bench.append("c", 1, (2, 1))
    assert not bench.request_vote("b", 9, (2, 1), pre=True), "there is a leader"


def test_a_member_that_was_cut_off_disturbs_nobody() -> None:
    """9.6: 'solves the issue of a partitioned server disrupting the cluster when it rejoins'"""
    cluster = Cluster(seed=8).start()
    leader = cluster.wait_leader()
    other = next(node for node in cluster.nodes.values() if node is not leader)
    term = leader.up.term
    cluster.partition([other.name], is_noticed=False)
    cluster.run(10.0)
    assert other.up.term == term
    cluster.heal()
    cluster.run(2.0)
    assert leader.up.is_leader
    assert leader.up.term == term
    assert other.up.leader == leader.name


def test_a_refusal_tells_a_candidate_the_term_that_it_missed() -> None:
    """9.6 and 5.1: or it would ask for a term that is over, for ever."""
    bench = Bench()
    bench.fire()
    bench.receive("b", VoteResponse(4, False, True))
    assert bench.replica.term == 4
    bench.sent.clear()
    bench.fire()
    assert bench.take("b", VoteRequest)[0].term == 5


# 10.2.2 Pipelining


def test_appends_follow_each_other_without_waiting() -> None:
    """10.2.2: 'The AppendEntries consistency check guarantees that pipelining is safe'"""
    bench = Bench()
    bench.lead()
    for data in (b"x", b"y", b"z"):
        bench.propose(data)
    sent = bench.take("b", AppendRequest)
    assert [(m.previous_index, [e.data for e in m.entries]) for m in sent] == [
        (1, [b"x"]),
        (2, [b"y"]),
        (3, [b"z"]),
    ]
