"""What a replica that lost storage may do, and when it has recovered."""

from collections.abc import Callable

import pytest

from roost.raft.following import DOUBT_S
from roost.raft.messages import (
    AppendResponse,
    Divergence,
    Entry,
    Feed,
    FeedRequest,
    HardState,
    Snapshot,
    SnapshotRequest,
    SnapshotResponse,
    TimeoutNow,
    VoteRequest,
    VoteResponse,
)
from support.raft_cluster import Cluster, Node
from support.raft_replica import Bench, entries

AMNESIAC = HardState(is_amnesiac=True)


# Floor


def floored() -> Bench:
    """Return a replica that had entries up to (5, 3) and lost those from 3 on."""
    return Bench(log=entries(1, 1), hard_state=HardState(3, "", floor_term=3, floor_index=5))


def test_below_its_floor_a_replica_neither_votes_nor_stands() -> None:
    bench = floored()
    assert not bench.request_vote("b", 4, (9, 3), pre=True)
    assert not bench.request_vote("b", 4, (9, 3))
    assert bench.replica.term == 4, "terms are taken over all the same"
    bench.sent.clear()
    bench.wait(5.0)
    bench.receive("b", TimeoutNow(4))
    assert all(isinstance(message, FeedRequest) for _, message in bench.sent)
    assert bench.replica.term == 4
    assert bench.replica.statistics().is_barred


def test_below_its_floor_a_replica_acknowledges() -> None:
    bench = floored()
    bench.append("b", 3, (2, 1), *entries(2, first=3))
    assert bench.take("b", AppendResponse) == [AppendResponse(3, True, 3, 0)]


@pytest.mark.parametrize(
    ("term", "terms", "is_well"),
    [
        (3, (2, 3), False),  # the floor's term, but one short
        (3, (2, 3, 3), True),  # as it was
        (4, (4,), True),  # a later leader's log
        (4, (2, 2, 2, 2), False),  # longer, of an earlier term
    ],
)
def test_a_log_as_up_to_date_as_the_floor_is_well(
    term: int, terms: tuple[int, ...], is_well: bool
) -> None:
    bench = floored()
    bench.append("b", term, (2, 1), *entries(*terms, first=3))
    assert bench.replica.statistics().is_barred is not is_well
    assert (bench.hard_state.floor_index == 0) is is_well
    bench.wait(0.7)
    last = bench.log[-1]
    assert bench.request_vote("c", 9, last) is is_well


def test_the_floor_is_lifted_by_a_snapshot_too() -> None:
    bench = floored()
    bench.receive("b", SnapshotRequest(4, 8, 3, 0, 0, b"s", True))
    assert bench.hard_state == HardState(4, "")


def test_the_floor_is_lifted_together_with_what_lifts_it() -> None:
    bench = floored()
    bench.append("b", 3, (2, 1), *entries(3, 3, 3, first=3))
    assert bench.persists[-1].entries == entries(3, 3, 3, first=3)
    assert bench.persists[-1].hard_state == HardState(3, "")


def test_a_floor_that_is_reached_already_is_lifted_at_the_start() -> None:
    bench = Bench(log=entries(1, 3), hard_state=HardState(3, "b", floor_term=3, floor_index=2))
    assert bench.hard_state == HardState(3, "b")


def check_entry_survives(lose: Callable[[Node], None]) -> tuple[Cluster, Node, Node]:
    """Let one of the two members that have a committed entry lose it; return leader and loser.

    While the other one is away, the loser must not vote for the third member, which lacks it.
    """
    cluster = Cluster(seed=4).start()
    leader = cluster.wait_leader()
    two, three = (node for node in cluster.nodes.values() if node is not leader)
    three.crash()
    cluster.propose(leader.name, b"precious")
    cluster.run(0.1)
    assert leader.applied == [b"precious"]
    leader.crash()
    lose(two)
    two.start()
    three.start()
    cluster.run(5.0)
    assert cluster.leader() is None, "two of three are there, but one of them must not vote"
    leader.start()
    cluster.settle()
    assert all(node.applied[0] == b"precious" for node in cluster.nodes.values())
    return cluster, leader, two


def test_a_floored_voter_cannot_help_to_outvote_what_it_acknowledged() -> None:
    def cut(node: Node) -> None:
        node.crash()
        node.disk.cut(node.disk.entries[-1].index)

    _, _, two = check_entry_survives(cut)
    assert not two.up.statistics().is_barred


# Amnesia


def heal(bench: Bench, *, seconds: float = 2.5) -> None:
    """Let c send its term, and let some time pass."""
    bench.receive("c", VoteResponse(1, False, True))
    bench.wait(seconds)


def test_an_amnesiac_neither_votes_nor_stands() -> None:
    bench = Bench(hard_state=AMNESIAC)
    assert not bench.request_vote("b", 4, (9, 3), pre=True)
    assert not bench.request_vote("b", 4, (9, 3))
    bench.wait(5.0)
    bench.receive("b", TimeoutNow(4))
    assert bench.replica.term == 4


def test_an_amnesiac_asks_its_peers_for_their_terms() -> None:
    bench = Bench(hard_state=AMNESIAC)
    bench.wait(0.1)
    assert bench.take("b", VoteRequest)[0] == VoteRequest(0, 0, 0, True, False)
    bench.receive("b", VoteResponse(7, False, True))
    assert bench.replica.term == 7
    bench.sent.clear()
    bench.wait(0.3)
    assert bench.take("b", VoteRequest) == [], "once is enough"


def test_the_question_for_a_term_asks_for_nothing_else() -> None:
    for hard_state in (HardState(2), HardState(2, "c"), HardState(9)):
        bench = Bench(log=entries(1, 2), hard_state=hard_state)
        bench.append("c", hard_state.term, (2, 2))
        assert not bench.request_vote("b", 2, (0, 0), pre=True)
        assert bench.replica.term == hard_state.term
        assert bench.replica.leader == "c"


def test_an_amnesiac_is_mute_until_it_knows_that_its_leader_is_no_deposed_one() -> None:
    """Check that c may lead a later term, elected by this replica, which has forgotten it."""
    bench = Bench(hard_state=AMNESIAC)
    bench.append("b", 1, (0, 0), *entries(1))
    bench.receive("b", SnapshotRequest(1, 5, 1, 0, 0, b"s", True))
    assert bench.take("b", AppendResponse) == []
    assert bench.take("b", SnapshotResponse) == []
    assert bench.log == []
    bench.receive("c", VoteResponse(2, False, True))
    bench.append("b", 1, (0, 0), *entries(1))
    assert bench.take("b", AppendResponse) == [AppendResponse(2, False, 0, 0)], "it was deposed"
    assert bench.log == []
    bench.append("c", 2, (0, 0), *entries(1, 2))
    assert bench.terms == [1, 2], "b and c are in term 2 at most"


def test_an_amnesiac_listens_when_enough_others_are_not_beyond_its_leaders_term() -> None:
    bench = Bench(hard_state=AMNESIAC)
    bench.append("b", 1, (0, 0), *entries(1))
    bench.receive("c", VoteResponse(1, False, True))
    bench.append("b", 1, (0, 0), *entries(1))
    assert bench.take("b", AppendResponse) == [AppendResponse(1, True, 1, 0)]


def test_an_amnesiac_votes_again_when_it_has_what_its_leader_has_committed() -> None:
    bench = Bench(hard_state=AMNESIAC)
    heal(bench)
    bench.append("b", 1, (0, 0), *entries(1), commit=2)
    assert bench.hard_state.is_amnesiac, "the leader has committed more"
    bench.append("b", 1, (1, 1), *entries(1, first=2), commit=2)
    assert bench.hard_state == HardState(1, "b")
    bench.wait(0.7)
    assert not bench.request_vote("c", 1, (9, 1)), "it counts as having voted for the leader"
    assert bench.request_vote("c", 2, (9, 1))


def test_a_commit_of_an_earlier_term_is_not_enough() -> None:
    """Check that a new leader may not know of an entry that this replica helped to commit."""
    bench = Bench(hard_state=AMNESIAC)
    heal(bench)
    bench.append("b", 2, (0, 0), *entries(1, 1, 2), commit=2)
    assert bench.hard_state.is_amnesiac
    bench.append("b", 2, (3, 2), commit=3)
    assert not bench.hard_state.is_amnesiac


def test_forgotten_votes_run_out_first() -> None:
    bench = Bench(hard_state=AMNESIAC)
    heal(bench, seconds=1.0)
    bench.append("b", 1, (0, 0), *entries(1), commit=1)
    assert bench.hard_state.is_amnesiac
    bench.wait(0.5)
    bench.append("b", 1, (1, 1), commit=1)
    assert bench.hard_state.is_amnesiac
    bench.wait(0.6)
    bench.append("b", 1, (1, 1), commit=1)
    assert not bench.hard_state.is_amnesiac


def test_an_amnesiac_is_healed_by_a_snapshot() -> None:
    bench = Bench(hard_state=AMNESIAC)
    heal(bench)
    bench.receive("b", SnapshotRequest(1, 8, 1, 0, 0, b"s", True))
    bench.append("b", 1, (8, 1), commit=8)
    assert bench.hard_state == HardState(1, "b")


def test_a_lost_disk_cannot_lose_an_entry() -> None:
    cluster, leader, two = check_entry_survives(Node.lose_disk)
    cluster.run(3.0)
    assert not two.up.statistics().is_barred
    leader.crash()
    cluster.run(0.5)
    assert cluster.leader() is not None, "it votes again"


def test_an_amnesiac_gives_a_deposed_leader_no_majority() -> None:
    """n1 is cut off and still thinks that it leads; one of the two other members lost its disk.

    With that member, n1 must not commit anything.
    """
    cluster = Cluster(seed=11).start()
    deposed = cluster.wait_leader()
    cluster.run(0.5)
    cluster.partition([deposed.name], is_noticed=False)
    others = [node for node in cluster.nodes.values() if node is not deposed]
    others[0].step(lambda replica, now: replica.peer_disconnected(deposed.name, now))
    others[1].step(lambda replica, now: replica.peer_disconnected(deposed.name, now))
    cluster.run_until(lambda: any(node.up.is_leader for node in others), 0.5)
    cluster.run(0.05)
    successor = next(node for node in others if node.up.is_leader)
    forgetful = next(node for node in others if not node.up.is_leader)
    cluster.propose(successor.name, b"true")
    cluster.run(0.05)
    assert successor.applied == [b"true"]
    assert deposed.up.is_leader
    cluster.cut = {tuple(sorted((successor.name, name))) for name in cluster.names}  # type: ignore[misc]
    forgetful.lose_disk()
    cluster.run(0.005)
    forgetful.start()
    cluster.propose(deposed.name, b"false")
    cluster.run(1.5)
    assert deposed.applied == []
    cluster.heal()
    cluster.settle()
    assert deposed.applied[0] == b"true"


def with_snapshot(first: int = 1) -> Bench:
    """Return a replica that knows three entries to be committed, and holds them from `first` on."""
    log = entries(1, 2, 2, 2)[first - 1 :]
    return Bench(log=log, snapshot=Snapshot(3, 2, 0, b"state"), hard_state=HardState(2))


def is_silent(bench: Bench) -> bool:
    """Whether it takes part in nothing: it neither answers, nor asks, nor stands for election."""
    bench.sent.clear()
    bench.append("b", 4, (4, 2), *entries(4, first=5), commit=5)
    bench.receive("b", VoteRequest(9, 9, 9, False, False))
    bench.disconnect("b")
    bench.connect("b")
    bench.wait(10.0)
    return not bench.sent and not bench.applied and not bench.propose(b"x")


@pytest.mark.parametrize("added", [(), entries(3, first=2), entries(3, 3, 3, 3, first=2)])
def test_a_replica_falls_silent_rather_than_replace_what_it_knows_to_be_committed(
    added: tuple[Entry, ...],
) -> None:
    bench = with_snapshot()
    bench.append("b", 3, (1, 1) if added else (2, 1), *added)
    index = min(3, 1 + len(added)) if added else 2
    assert bench.replica.divergence == Divergence(index, 2, "b", 3 if added else 1)
    assert bench.log == [(1, 1), (2, 2), (3, 2), (4, 2)]
    assert is_silent(bench)


def test_a_snapshot_of_something_else_than_what_is_committed_shows_the_same() -> None:
    bench = with_snapshot()
    bench.receive("b", SnapshotRequest(3, 2, 1, 0, 0, b"other", True))
    assert bench.replica.divergence == Divergence(2, 2, "b", 1)
    assert is_silent(bench)


def test_a_leader_that_never_sends_what_can_be_compared_lacks_what_is_committed() -> None:
    bench = with_snapshot(first=4)
    bench.append("b", 3, (1, 1))
    hint = AppendResponse(3, False, 3, 2)
    assert bench.take("b", AppendResponse) == [hint], "it may only not know how far this one is"
    bench.append("b", 3, (1, 1))
    assert bench.take("b", AppendResponse) == [], "hints are not repeated at once"
    bench.time += DOUBT_S - 0.1
    bench.append("b", 3, (0, 0))
    bench.sent.clear()
    bench.append("b", 3, (1, 1))
    assert bench.take("b", AppendResponse) == [hint]
    assert bench.replica.divergence is None
    bench.time += 0.1
    bench.append("b", 3, (1, 1))
    assert bench.replica.divergence == Divergence(3, 2, "b", 0)


def test_a_leader_that_begins_where_the_logs_can_be_compared_is_not_doubted() -> None:
    bench = with_snapshot(first=4)
    bench.append("b", 3, (1, 1))
    bench.time += DOUBT_S
    bench.append("b", 3, (3, 2), *entries(2, 3, first=4))
    assert bench.take("b", AppendResponse)[-1] == AppendResponse(3, True, 5, 0)
    bench.append("b", 3, (1, 1))
    assert bench.replica.divergence is None


def test_what_was_not_compared_is_not_acknowledged() -> None:
    bench = with_snapshot()
    bench.sent.clear()
    bench.append("b", 3, (1, 1), *entries(2, first=2))
    assert bench.take("b", AppendResponse) == [AppendResponse(3, True, 2, 0)], "and not 3"


def test_only_the_leader_itself_shows_a_learner_that_it_went_astray() -> None:
    members = ("b", "c", "d")
    bench = Bench(
        members=members,
        log=entries(1, 2, 2),
        snapshot=Snapshot(3, 2, 0, b"state"),
        hard_state=HardState(2),
    )
    source = bench.replica.source
    other = next(name for name in members if name != source)
    bench.receive(source, Feed(3, other, 2, 1, 3, entries(1, first=3)))
    assert bench.replica.divergence is None
    bench.receive(source, Feed(3, source, 2, 1, 3, entries(1, first=3)))
    assert bench.replica.divergence == Divergence(3, 2, source, 1)


def test_what_equals_committed_entries_is_skipped() -> None:
    bench = Bench(
        log=entries(1, 2, 2, 2),
        snapshot=Snapshot(3, 2, 0, b"state"),
        hard_state=HardState(2),
    )
    bench.append("b", 3, (1, 1), *entries(2, 2, 2, 3, first=2))
    assert bench.terms == [1, 2, 2, 2, 3]
