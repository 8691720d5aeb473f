"""What waits for the disk, what does not, and in which order everything leaves."""

from roost.raft.messages import (
    AppendRequest,
    AppendResponse,
    HardState,
    SnapshotRequest,
    VoteRequest,
    VoteResponse,
)
from support.raft_replica import Bench, entries


def held(size: int = 3, **more: object) -> Bench:
    bench = Bench(size, **more)  # type: ignore[arg-type]
    bench.is_disk_held = True
    return bench


def test_an_acknowledgement_waits_for_its_batch() -> None:
    bench = held()
    bench.append("b", 1, (0, 0), *entries(1))
    bench.append("b", 1, (1, 1), *entries(1, first=2))
    assert bench.sent_to("b") == []
    bench.write(1)
    assert bench.sent_to("b") == [AppendResponse(1, True, 1, 0)]
    bench.write()
    assert bench.sent_to("b") == [AppendResponse(1, True, 2, 0)]


def test_a_refusal_does_not_wait() -> None:
    bench = held()
    bench.append("b", 1, (5, 1))
    assert bench.sent_to("b") == [AppendResponse(1, False, 0, 0)]


def test_a_heartbeat_is_answered_while_the_disk_is_slow() -> None:
    bench = held()
    bench.append("b", 1, (0, 0), *entries(1))
    bench.write()
    bench.append("b", 1, (1, 1), *entries(1, 1, first=2))
    bench.sent.clear()
    bench.wait(0.1)
    bench.append("b", 1, (3, 1))
    assert bench.sent_to("b") == [AppendResponse(1, True, 1, 0)], "only what is durable"


def test_a_heartbeat_is_not_answered_in_a_term_that_could_be_forgotten() -> None:
    bench = held()
    bench.append("b", 4, (0, 0))
    bench.wait(0.1)
    bench.append("b", 4, (0, 0))
    assert bench.sent_to("b") == []
    bench.write()
    assert bench.sent_to("b") == [AppendResponse(4, True, 0, 0)] * 2


def test_what_is_committed_is_applied_before_the_own_disk_has_it() -> None:
    bench = held()
    bench.append("b", 1, (0, 0), *entries(1), commit=1)
    assert [e.index for e in bench.applied] == [1]


def test_a_repeated_vote_waits_for_the_first_ones_batch() -> None:
    bench = held()
    for _ in range(2):
        bench.receive("b", VoteRequest(1, 0, 0, False, False))
    assert bench.sent_to("b") == []
    assert len(bench.waiting) == 1
    bench.write()
    assert bench.sent_to("b") == [VoteResponse(1, True, False)] * 2
    bench.receive("b", VoteRequest(1, 0, 0, False, False))
    assert bench.sent_to("b") == [VoteResponse(1, True, False)], "all is durable: at once"


def test_a_candidate_asks_when_its_own_vote_is_durable() -> None:
    bench = held()
    bench.fire()
    bench.receive("b", VoteResponse(1, True, True))
    assert not [m for m in bench.take("b", VoteRequest) if not m.is_pre_vote]
    assert bench.waiting[-1].hard_state == HardState(1, "a")
    bench.write()
    assert bench.take("b", VoteRequest) == [VoteRequest(1, 0, 0, False, False)]


def test_a_candidate_does_not_lead_before_its_own_vote_is_durable() -> None:
    bench = held()
    bench.stand()
    bench.receive("b", VoteResponse(1, True, False))
    bench.receive("c", VoteResponse(1, True, False))
    assert not bench.replica.is_leader
    bench.write()
    assert bench.replica.is_leader


def test_a_vote_given_up_meanwhile_does_not_win() -> None:
    bench = held()
    bench.stand()
    bench.append("b", 2, (0, 0))
    bench.write()
    bench.receive("c", VoteResponse(1, True, False))
    assert not bench.replica.is_leader
    assert bench.replica.leader == "b"


def test_a_leader_sends_before_its_own_disk_has_it() -> None:
    bench = Bench()
    bench.lead()
    bench.is_disk_held = True
    bench.propose(b"x")
    assert bench.take("b", AppendRequest)
    assert bench.replica.statistics().durable_index == 1
    bench.write()
    assert bench.replica.statistics().durable_index == 2


def test_a_write_of_entries_that_were_cut_since_counts_nothing() -> None:
    bench = held(5)
    bench.append("b", 1, (0, 0), *entries(1, 1, 1))
    bench.append("c", 2, (1, 1), *entries(2, first=2))
    bench.write(1)
    assert bench.replica.statistics().durable_index == 1
    bench.write()
    assert bench.replica.statistics().durable_index == 2


def test_entries_on_disk_that_were_cut_since_are_not_acknowledged() -> None:
    bench = Bench()
    bench.append("b", 1, (0, 0), *entries(1, 1, 1))
    bench.append("c", 2, (3, 1))
    bench.is_disk_held = True
    bench.sent.clear()
    bench.append("b", 3, (1, 1))
    bench.write()
    bench.append("b", 3, (1, 1), *entries(3, 3, first=2))
    assert bench.replica.statistics().durable_index == 1
    bench.sent.clear()
    bench.wait(0.1)
    bench.append("b", 3, (3, 3))
    assert bench.sent_to("b") == [AppendResponse(3, True, 1, 0)]


def test_a_deposed_leader_does_not_count_old_writes_when_it_leads_again() -> None:
    bench = Bench()
    bench.lead()
    bench.is_disk_held = True
    bench.propose(b"x", b"y")
    bench.append("b", 2, (1, 1), *entries(2, first=2))
    bench.write(1)
    assert bench.replica.statistics().durable_index == 1
    assert bench.terms == [1, 2]


def test_a_turn_makes_one_batch() -> None:
    bench = held()
    for message in (
        VoteRequest(1, 0, 0, False, False),
        AppendRequest(1, 0, 0, 0, entries(1, 1)),
        AppendRequest(1, 2, 1, 0, entries(1, first=3)),
    ):
        bench.replica.receive("b", message, bench.now())
    bench.settle()
    (batch,) = bench.waiting
    assert batch.hard_state == HardState(1, "b")
    assert batch.entries == entries(1, 1, 1)
    assert batch.messages == (
        ("b", VoteResponse(1, True, False)),
        ("b", AppendResponse(1, True, 3, 0)),
    )


def test_entries_replaced_within_a_turn_are_never_written() -> None:
    bench = held()
    bench.replica.receive("b", AppendRequest(1, 0, 0, 0, entries(1, 1, 1)), bench.now())
    bench.replica.receive("c", AppendRequest(2, 1, 1, 0, entries(2, first=2)), bench.now())
    bench.settle()
    (batch,) = bench.waiting
    assert [(e.index, e.term) for e in batch.entries] == [(1, 1), (2, 2)]
    assert batch.messages == (("c", AppendResponse(2, True, 2, 0)),), "b leads no more"


def test_entries_that_follow_a_snapshot_share_its_batch() -> None:
    bench = held(log=entries(1), hard_state=HardState(1))
    bench.replica.receive("b", SnapshotRequest(1, 5, 1, 0, 0, b"s", True), bench.now())
    bench.replica.receive("b", AppendRequest(1, 5, 1, 6, entries(1, first=6)), bench.now())
    output = bench.replica.take_output()
    assert output.persist is not None
    assert output.persist.snapshot == output.snapshot
    assert output.persist.entries == output.committed == entries(1, first=6)


def test_batches_are_numbered_without_a_hole() -> None:
    bench = Bench()
    bench.lead()
    for number in range(5):
        bench.propose(b"%d" % number)
    assert [p.number for p in bench.persists] == list(range(1, len(bench.persists) + 1))


def test_an_unchanged_hard_state_is_not_written_again() -> None:
    bench = Bench()
    bench.lead()
    bench.propose(b"x")
    assert bench.persists[-1].hard_state is None
