"""How a leader is replaced, and quickly if its process dies."""

import pytest

from roost.raft.messages import AppendRequest, TimeoutNow, VoteRequest, VoteResponse
from support.raft_cluster import Cluster
from support.raft_replica import Bench, entries


def following(size: int = 3) -> Bench:
    """Return a follower of b in term 1."""
    bench = Bench(size)
    bench.append("b", 1, (0, 0), *entries(1), commit=1)
    bench.sent.clear()
    return bench


def pre_votes(bench: Bench, peer: str) -> int:
    return sum(m.is_pre_vote for m in bench.take(peer, VoteRequest))


def test_a_broken_link_to_the_leader_makes_a_follower_stand_soon() -> None:
    bench = following()
    bench.disconnect("b")
    assert pre_votes(bench, "c") == 0, "not at once, lest all stand together"
    bench.wait(0.03)
    assert pre_votes(bench, "c") == 1


def test_who_does_not_know_the_time_does_not_stand() -> None:
    bench = following()
    bench.replica.note_time(False)
    bench.disconnect("b")
    bench.wait(5.0)
    bench.receive("b", TimeoutNow(1))
    assert pre_votes(bench, "c") == 0
    assert bench.replica.term == 1
    bench.replica.note_time(True)
    bench.wait(1.1)
    assert pre_votes(bench, "c") >= 1


def test_a_broken_link_to_another_follower_means_nothing() -> None:
    bench = following()
    bench.disconnect("c")
    bench.wait(0.1)
    assert bench.replica.leader == "b"


def test_a_leader_that_is_heard_again_ends_it() -> None:
    bench = following()
    bench.disconnect("b")
    bench.connect("b")
    bench.append("b", 1, (1, 1), commit=1)
    bench.wait(0.1)
    assert pre_votes(bench, "c") == 0
    bench.disconnect("b")
    bench.wait(0.05)
    bench.connect("b")
    bench.append("b", 1, (1, 1), commit=1)
    bench.receive("c", VoteResponse(2, True, True))
    assert (bench.replica.leader, bench.replica.term) == ("b", 1)


def test_a_voter_whose_own_link_to_the_leader_broke_says_yes() -> None:
    bench = following()
    assert not bench.request_vote("c", 2, (1, 1), pre=True)
    bench.disconnect("b")
    assert bench.request_vote("c", 2, (1, 1), pre=True)
    assert bench.request_vote("c", 2, (1, 1))


def test_a_refused_candidate_tries_again_soon() -> None:
    bench = following()
    bench.disconnect("b")
    bench.wait(0.03)
    bench.receive("c", VoteResponse(1, False, True))
    assert pre_votes(bench, "c") == 1
    bench.wait(0.04)
    assert pre_votes(bench, "c") == 0
    bench.wait(0.06)
    assert pre_votes(bench, "c") == 1


def test_a_candidate_that_cannot_win_alone_does_not_ask_all_the_time() -> None:
    bench = following()
    bench.disconnect("b")
    bench.disconnect("c")
    deadlines = set()
    for _ in range(5):
        bench.fire()
        deadlines.add(bench.replica.next_deadline())
        assert bench.replica.next_deadline() - bench.time > 0.5
    assert bench.replica.term == 1


def test_a_candidate_asks_a_newcomer_too() -> None:
    bench = Bench(is_connected=False)
    bench.fire()
    assert bench.sent == []
    bench.connect("b")
    assert pre_votes(bench, "b") == 1
    bench.receive("b", VoteResponse(1, True, True))
    bench.connect("c")
    assert bench.take("c", VoteRequest) == [VoteRequest(1, 0, 0, False, False)]


def test_of_two_that_ask_at_once_one_lets_the_other_go_first() -> None:
    one, other = following(), following()
    for bench in (one, other):
        bench.disconnect("b")
        bench.wait(0.03)
        bench.sent.clear()
    assert one.request_vote("c", 2, (1, 1), pre=True), "c comes after a: a steps back"
    one.receive("c", VoteResponse(2, True, True))
    assert one.replica.term == 1
    assert other.request_vote("c", 2, (1, 1), pre=True) is True
    other_first = following()
    other_first.disconnect("b")
    other_first.wait(0.03)
    assert not other_first.request_vote("c", 2, (0, 0), pre=True), "c lacks an entry"
    other_first.receive("c", VoteResponse(2, True, True))
    assert other_first.replica.term == 2


def test_a_voter_gives_its_candidate_time() -> None:
    bench = following()
    bench.disconnect("b")
    assert bench.request_vote("c", 2, (1, 1), pre=True)
    bench.wait(0.04)
    assert pre_votes(bench, "c") == 0
    bench.wait(0.08)
    assert pre_votes(bench, "c") == 1, "but not for ever"


def test_a_voter_notices_when_its_candidate_dies() -> None:
    bench = following()
    bench.disconnect("b")
    assert bench.request_vote("c", 2, (1, 1))
    bench.connect("b")
    bench.disconnect("c")
    bench.wait(0.03)
    assert pre_votes(bench, "b") == 1


def test_a_late_vote_does_not_count() -> None:
    bench = Bench()
    bench.stand()
    bench.time += 2.0
    bench.receive("b", VoteResponse(1, True, False))
    assert not bench.replica.is_leader


def test_an_overtaken_refusal_takes_no_vote_back() -> None:
    bench = Bench(5)
    bench.stand()
    bench.receive("b", VoteResponse(1, True, False))
    bench.receive("b", VoteResponse(0, False, False))
    bench.receive("c", VoteResponse(1, True, False))
    assert bench.replica.is_leader


@pytest.mark.parametrize("size", [3, 5])
def test_a_dead_leader_is_replaced_in_well_under_300_ms(size: int) -> None:
    times = []
    for seed in range(20):
        cluster = Cluster(size, seed).start()
        leader = cluster.wait_leader()
        term, index = leader.up.term, leader.up.commit_index
        cluster.run(0.3)
        begin = cluster.time
        leader.crash()

        def is_replaced() -> bool:
            new = cluster.leader()  # noqa: B023
            return new is not None and new.up.term > term and new.up.commit_index > index  # noqa: B023

        cluster.run_until(is_replaced, 2.0)
        times.append(cluster.time - begin)
    assert max(times) < 0.25
    assert sorted(times)[10] < 0.06


def test_a_leader_that_hangs_is_replaced_within_1500_ms() -> None:
    for seed in range(20):
        cluster = Cluster(3, seed).start()
        leader = cluster.wait_leader()
        term = leader.up.term
        cluster.run(0.3)
        cluster.partition([leader.name], is_noticed=False)
        cluster.run_until(
            lambda: any(n.up.is_leader and n.up.term > term for n in cluster.nodes.values()),  # noqa: B023
            1.4,
        )


# Transfer


def test_the_most_up_to_date_linked_member_succeeds() -> None:
    bench = Bench(5)
    bench.lead()
    bench.propose(b"x")
    for peer in ("c", "d"):
        bench.acknowledge(peer)
    bench.disconnect("c")
    bench.transfer()
    assert bench.take("d", TimeoutNow)


def test_a_transfer_to_nobody_changes_nothing() -> None:
    bench = Bench()
    bench.lead()
    bench.transfer("a")
    assert bench.propose(b"x")
    for peer in bench.peers:
        bench.disconnect(peer)
    bench.transfer()
    bench.transfer("b")
    assert bench.propose(b"y")


def test_a_transfer_ends_with_its_targets_link() -> None:
    bench = Bench()
    bench.lead()
    bench.transfer("c")
    assert not bench.propose(b"x")
    bench.disconnect("c")
    assert bench.propose(b"x")


def test_a_transfer_to_a_stranger_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="mallory"):
        Bench().transfer("mallory")


def test_only_a_leader_hands_over() -> None:
    bench = following()
    bench.transfer("c")
    assert bench.sent == []


def test_only_the_leaders_call_to_stand_counts() -> None:
    bench = following()
    bench.receive("c", TimeoutNow(1))
    bench.receive("b", TimeoutNow(0))
    assert bench.replica.term == 1
    bench.receive("b", TimeoutNow(1))
    bench.receive("b", TimeoutNow(1))
    assert bench.replica.term == 2


def test_a_leader_refuses_what_is_forwarded_during_a_transfer() -> None:
    bench = Bench()
    bench.lead()
    bench.transfer("c")
    sent = [m for n, m in bench.sent if isinstance(m, AppendRequest) and m.entries]
    assert sent == []
