"""Raft, sections 5.1, 5.2 and 5.4.1: terms, elections, and who may win them."""

import pytest

from roost.raft.messages import AppendRequest, AppendResponse, HardState, VoteRequest, VoteResponse
from support.raft_cluster import Cluster
from support.raft_replica import Bench, entries


def test_servers_begin_as_followers() -> None:
    """5.2: 'When servers start up, they begin as followers.'"""
    bench = Bench()
    assert not bench.replica.is_leader
    assert bench.replica.leader == ""
    assert bench.replica.term == 0


def test_a_silent_time_out_begins_an_election() -> None:
    """5.2: 'If a follower receives no communication over a period of time called the election
    timeout, then it assumes there is no viable leader and begins an election.'"""
    bench = Bench()
    bench.stand()
    assert bench.replica.term == 1
    requests = [r for r in bench.take("b", VoteRequest) if not r.is_pre_vote]
    assert [r.term for r in requests] == [1]


def test_heartbeats_keep_a_follower() -> None:
    """5.2: 'A server remains in follower state as long as it receives valid RPCs from a leader.'"""
    bench = Bench()
    for _ in range(30):
        bench.append("b", 1, (0, 0))
        bench.wait(0.5)
    assert bench.replica.leader == "b"
    assert bench.replica.term == 1
    assert not bench.take("c", VoteRequest)


def test_time_outs_are_random() -> None:
    """5.2: 'election timeouts are chosen randomly from a fixed interval'"""
    draws = iter((0.0, 0.25, 0.999))
    deadlines = [Bench(random=lambda: next(draws)).replica.next_deadline() for _ in range(3)]
    assert deadlines == sorted(set(deadlines))
    assert deadlines[0] == pytest.approx(100.6)
    assert deadlines[-1] < 101.0


def test_a_candidate_increments_its_term_and_votes_for_itself() -> None:
    """5.2: 'To begin an election, a follower increments its current term and transitions to
    candidate state. It then votes for itself'"""
    bench = Bench(hard_state=HardState(4, "c"))
    bench.stand()
    assert bench.hard_state == HardState(5, "a")


def test_a_majority_of_votes_wins() -> None:
    """5.2: 'A candidate wins an election if it receives votes from a majority of the servers in
    the full cluster for the same term.'"""
    bench = Bench(5)
    bench.stand()
    bench.receive("b", VoteResponse(1, True, False))
    assert not bench.replica.is_leader
    bench.receive("b", VoteResponse(1, True, False))
    assert not bench.replica.is_leader, "a vote counts once"
    bench.receive("c", VoteResponse(1, True, False))
    assert bench.replica.is_leader


def test_votes_of_an_earlier_term_do_not_count() -> None:
    """5.2: '... for the same term.'"""
    bench = Bench(hard_state=HardState(3))
    bench.stand()
    bench.receive("b", VoteResponse(3, True, False))
    bench.receive("c", VoteResponse(2, True, False))
    assert not bench.replica.is_leader


def test_one_vote_per_term_first_come_first_served() -> None:
    """5.2: 'Each server will vote for at most one candidate in a given term, on a
    first-come-first-served basis'"""
    bench = Bench()
    assert bench.request_vote("b", 1, (0, 0))
    assert not bench.request_vote("c", 1, (0, 0))
    assert bench.request_vote("b", 1, (0, 0)), "the same one may ask again"
    assert bench.request_vote("c", 2, (0, 0)), "the next term is another vote"


def test_a_vote_survives_a_restart() -> None:
    """Figure 2: 'Persistent state on all servers: (Updated on stable storage before responding
    to RPCs) currentTerm, votedFor, log[]'"""
    bench = Bench()
    assert bench.request_vote("b", 7, (0, 0))
    again = Bench(hard_state=bench.hard_state)
    assert again.replica.term == 7
    assert not again.request_vote("c", 7, (0, 0))
    assert again.request_vote("b", 7, (0, 0))


def test_a_vote_leaves_only_when_it_is_on_disk() -> None:
    """Figure 2: '(Updated on stable storage before responding to RPCs)'"""
    bench = Bench()
    bench.is_disk_held = True
    bench.receive("b", VoteRequest(1, 0, 0, False, False))
    assert not bench.sent_to("b")
    bench.write()
    assert bench.sent_to("b") == [VoteResponse(1, True, False)]


def test_a_new_leader_sends_heartbeats_at_once() -> None:
    """5.2: 'Once a candidate wins an election, it becomes leader. It then sends heartbeat messages
    to all of the other servers to establish its authority and prevent new elections.'"""
    bench = Bench()
    bench.stand()
    bench.sent.clear()
    bench.receive("b", VoteResponse(1, True, False))
    sent = list(bench.sent)
    for peer in ("b", "c"):
        assert any(n == peer and isinstance(m, AppendRequest) and m.term == 1 for n, m in sent)


def test_a_leader_sends_heartbeats_during_idle_periods() -> None:
    """Figure 2, Leaders: 'repeat during idle periods to prevent election timeouts'"""
    bench = Bench()
    bench.lead()
    bench.wait(1.0)
    assert 4 <= len(bench.take("b", AppendRequest)) <= 6


def test_a_candidate_yields_to_a_leader_of_its_term() -> None:
    """5.2: 'If the leader's term (included in its RPC) is at least as large as the candidate's
    current term, then the candidate recognizes the leader as legitimate and returns to follower
    state.'"""
    bench = Bench()
    bench.stand()
    bench.append("b", 1, (0, 0))
    assert bench.replica.leader == "b"
    bench.receive("c", VoteResponse(1, True, False))
    assert not bench.replica.is_leader


def test_a_candidate_rejects_a_leader_of_an_earlier_term() -> None:
    """5.2: 'If the term in the RPC is smaller than the candidate's current term, then the candidate
    rejects the RPC and continues in candidate state.'"""
    bench = Bench(hard_state=HardState(4))
    bench.stand()
    bench.append("b", 4, (0, 0), *entries(4))
    assert bench.take("b", AppendResponse) == [AppendResponse(5, False, 0, 0)]
    assert bench.log == []
    bench.receive("c", VoteResponse(5, True, False))
    assert bench.replica.is_leader


def test_a_split_vote_ends_in_another_election() -> None:
    """5.2: 'each candidate will time out and start a new election by incrementing its term'"""
    bench = Bench(5)
    bench.stand()
    for peer in bench.peers:
        bench.receive(peer, VoteResponse(1, False, False))
    assert not bench.replica.is_leader
    bench.stand()
    assert bench.replica.term == 2


@pytest.mark.parametrize("role", ["follower", "candidate", "leader"])
def test_a_higher_term_makes_a_follower(role: str) -> None:
    """5.1: 'If a candidate or leader discovers that its term is out of date, it immediately reverts
    to follower state.' and 'if one server's current term is smaller than the other's, then it
    updates its current term to the larger value.'"""
    bench = Bench()
    if role == "candidate":
        bench.stand()
    elif role == "leader":
        bench.lead()
    bench.receive("b", AppendResponse(9, False, 0, 0))
    assert bench.replica.term == 9
    assert not bench.replica.is_leader
    assert bench.replica.leader == ""
    assert bench.hard_state == HardState(9, "")


def test_requests_with_a_stale_term_are_rejected() -> None:
    """5.1: 'If a server receives a request with a stale term number, it rejects the request.'"""
    bench = Bench(hard_state=HardState(5))
    assert not bench.request_vote("b", 4, (9, 4))
    assert bench.replica.term == 5
    bench.append("b", 4, (0, 0), *entries(4), commit=1)
    assert bench.log == []
    assert bench.applied == []


@pytest.mark.parametrize(
    ("last", "is_granted"),
    [
        ((3, 3), True),  # a later term wins, however short the log
        ((5, 2), True),  # equal
        ((6, 2), True),  # the same term and longer
        ((4, 2), False),  # the same term and shorter
        ((9, 1), False),  # longer, but of an earlier term
    ],
)
def test_only_an_up_to_date_log_gets_the_vote(last: tuple[int, int], is_granted: bool) -> None:
    """5.4.1: 'If the logs have last entries with different terms, then the log with the later term
    is more up-to-date. If the logs end with the same term, then whichever log is longer is more
    up-to-date.'"""
    log = entries(1, 1, 1, 2, 2)
    bench = Bench(hard_state=HardState(3), log=log)
    assert bench.request_vote("b", 4, last, pre=True) is is_granted
    assert bench.request_vote("b", 4, last) is is_granted
    assert bench.replica.term == 4, "the term is taken over whether or not the vote is given"


def test_a_cluster_of_one_elects_itself_at_once() -> None:
    """5.2: a majority of one is one."""
    bench = Bench(1)
    bench.wait(0.0)
    assert bench.replica.is_leader
    assert bench.propose(b"x")
    assert [e.data for e in bench.applied] == [b"", b"x"]


@pytest.mark.parametrize("size", [2, 3, 5])
def test_at_most_one_leader_per_term(size: int) -> None:
    """Figure 3, Election Safety: 'at most one leader can be elected in a given term.'"""
    for seed in range(5):
        cluster = Cluster(size, seed).start()
        for _ in range(5):
            leader = cluster.wait_leader()
            leader.crash()
            cluster.run(0.05)
            leader.start()
            cluster.run(0.5)
        assert len(cluster.leaders) >= 5
