"""How a leader feeds its followers, and what it accepts from proposers."""

from typing import Any

import pytest

from roost.raft.log import ENTRY_BYTES
from roost.raft.messages import (
    AppendRequest,
    AppendResponse,
    HardState,
    ProposeRequest,
    Snapshot,
    SnapshotRequest,
    SnapshotResponse,
    VoteResponse,
)
from support.raft_replica import Bench, entries


def indices(messages: list[AppendRequest]) -> list[list[int]]:
    return [[e.index for e in m.entries] for m in messages]


def peer_state(bench: Bench, peer: str = "b") -> str:
    return bench.replica._lead._progress[peer].state.value


def is_in_touch(bench: Bench) -> bool:
    return bench.replica.is_in_touch


def is_leader(bench: Bench) -> bool:
    return bench.replica.is_leader


def compacted(**settings: Any) -> Bench:
    """Return a leader of two with ten entries, the first seven dropped, probing its follower."""
    bench = Bench(2, **settings)
    bench.lead()
    for number in range(9):
        bench.propose(b"%d" % number)
    bench.acknowledge("b")
    bench.replica.compact(Snapshot(8, 1, 8, b"0123456789"), 8)
    bench.connect("b")
    bench.sent.clear()
    return bench


# Appends


def test_proposals_of_one_turn_share_an_append() -> None:
    bench = Bench()
    bench.lead()
    for data in (b"x", b"y", b"z"):
        assert bench.replica.propose([data], bench.now())
    bench.settle()
    assert indices(bench.take("b", AppendRequest)) == [[2, 3, 4]]
    assert len(bench.persists[-1].entries) == 3


def test_followers_at_one_place_share_one_message() -> None:
    bench = Bench()
    bench.lead()
    bench.propose(b"x")
    appends = [m for _, m in bench.sent if isinstance(m, AppendRequest)]
    assert len(appends) == 2
    assert appends[0] is appends[1]


def test_an_append_is_bounded_in_bytes() -> None:
    bench = Bench(append_bytes_max=3 * (10 + ENTRY_BYTES))
    bench.lead()
    bench.propose(*[b"0123456789"] * 7)
    assert indices(bench.take("b", AppendRequest)) == [[2, 3, 4], [5, 6, 7], [8]]


def test_the_window_bounds_the_appends_under_way() -> None:
    bench = Bench(inflight_appends_max=2)
    bench.lead()
    for number in range(5):
        bench.propose(b"%d" % number)
    assert indices(bench.take("b", AppendRequest)) == [[2], [3]]
    bench.acknowledge("b", 2)
    sent = [m for m in bench.take("b", AppendRequest) if m.entries]
    assert indices(sent) == [[4, 5, 6]], "what waited goes together"


def test_the_window_bounds_the_bytes_under_way() -> None:
    bench = Bench(inflight_bytes_max=100)
    bench.lead()
    for _ in range(3):
        bench.propose(b"x" * 60)
    assert indices(bench.take("b", AppendRequest)) == [[2], [3]]
    assert bench.replica._lead._progress["b"]._inflight_bytes == 2 * (60 + ENTRY_BYTES)


def test_a_follower_that_is_slow_holds_up_no_other() -> None:
    bench = Bench(inflight_appends_max=1)
    bench.lead()
    for number in range(3):
        bench.propose(b"%d" % number)
        bench.acknowledge("b")
    assert bench.replica.commit_index == 4
    assert indices([m for m in bench.take("c", AppendRequest) if m.entries]) == [[2]]


def test_a_lost_append_is_found_by_the_next_heartbeat() -> None:
    bench = Bench()
    bench.lead()
    bench.propose(b"x")
    bench.sent.clear()
    bench.wait(0.2)
    heartbeat = bench.take("b", AppendRequest)[-1]
    assert (heartbeat.previous_index, heartbeat.entries) == (2, ())
    bench.receive("b", AppendResponse(1, False, 1, 1))
    assert indices(bench.take("b", AppendRequest)) == [[2]]


def test_a_probe_is_one_at_a_time_and_repeated_without_entries() -> None:
    bench = Bench()
    bench.lead()
    bench.receive("b", AppendResponse(1, False, 0, 0))
    bench.sent.clear()
    bench.connect("b")
    bench.propose(b"x")
    bench.propose(b"y")
    assert len(bench.take("b", AppendRequest)) == 1
    bench.wait(0.2)
    assert indices(bench.take("b", AppendRequest)) == [[]]
    bench.acknowledge("b", 1)
    assert [i for m in indices(bench.take("b", AppendRequest)) for i in m] == [2, 3]


def test_commits_are_told_without_being_answered_each_time() -> None:
    bench = Bench()
    bench.append("b", 1, (0, 0), *entries(1, 1))
    assert len(bench.take("b", AppendResponse)) == 1
    bench.append("b", 1, (2, 1), commit=1)
    bench.append("b", 1, (2, 1), commit=2)
    assert bench.take("b", AppendResponse) == []
    assert bench.replica.commit_index == 2
    bench.wait(0.2)
    bench.append("b", 1, (2, 1), commit=2)
    assert bench.take("b", AppendResponse) == [AppendResponse(1, True, 2, 0)], "a heartbeat"


def test_appends_of_one_turn_are_answered_once() -> None:
    bench = Bench()
    for number in range(1, 5):
        message = AppendRequest(1, number - 1, min(number - 1, 1), 0, entries(1, first=number))
        bench.replica.receive("b", message, bench.now())
    bench.settle()
    assert bench.take("b", AppendResponse) == [AppendResponse(1, True, 4, 0)]
    assert len(bench.persists[-1].entries) == 4


# Links


def test_nothing_is_sent_to_a_peer_that_is_not_linked() -> None:
    bench = Bench()
    bench.lead()
    bench.disconnect("b")
    bench.propose(b"x")
    bench.wait(0.3)
    assert bench.sent_to("b") == []


def test_a_peer_that_comes_back_is_probed_at_once() -> None:
    bench = Bench()
    bench.lead()
    bench.propose(b"x")
    bench.acknowledge("b")
    bench.disconnect("b")
    bench.propose(b"y")
    bench.sent.clear()
    bench.connect("b")
    sent = bench.take("b", AppendRequest)
    assert (sent[0].previous_index, indices(sent)) == (2, [[3]])


def test_what_a_peer_had_counts_again_only_when_it_says_so() -> None:
    bench = Bench()
    bench.lead()
    bench.is_disk_held = True
    bench.propose(b"x")
    bench.acknowledge("b")
    bench.disconnect("b")
    bench.connect("b")
    bench.write()
    assert bench.replica.commit_index == 1, "b may have lost its disk meanwhile"
    bench.acknowledge("b")
    assert bench.replica.commit_index == 2


def test_losing_links_is_not_losing_leadership() -> None:
    bench = Bench()
    bench.lead()
    bench.disconnect("b")
    assert is_in_touch(bench)
    bench.disconnect("c")
    assert is_leader(bench)
    assert not is_in_touch(bench)
    bench.connect("b")
    bench.acknowledge("b")
    assert is_in_touch(bench)


def test_a_silent_majority_is_noticed_before_the_leader_steps_down() -> None:
    bench = Bench()
    bench.lead()
    bench.wait(0.5)
    assert is_in_touch(bench)
    bench.wait(0.2)
    assert is_leader(bench)
    assert not is_in_touch(bench)
    bench.wait(0.5)
    assert not is_leader(bench)


def test_a_follower_is_in_touch_while_it_hears_its_leader() -> None:
    bench = Bench()
    assert not is_in_touch(bench)
    bench.append("b", 1, (0, 0))
    assert is_in_touch(bench)
    bench.wait(0.59)
    bench.replica.tick(bench.now())
    assert is_in_touch(bench)
    bench.wait(0.02)
    bench.replica.tick(bench.now())
    assert not is_in_touch(bench)


# Messages that come too late, twice, or from nowhere


def test_strangers_are_ignored() -> None:
    bench = Bench()
    bench.append("mallory", 99, (0, 0), *entries(99), commit=1)
    bench.append("a", 99, (0, 0), *entries(99), commit=1)
    bench.disconnect("mallory")
    assert bench.replica.term == 0
    assert bench.log == []
    assert bench.sent == []


def test_answers_to_an_earlier_leadership_say_nothing() -> None:
    bench = Bench()
    bench.lead()
    bench.propose(b"x")
    bench.receive("b", AppendResponse(2, False, 0, 0))
    bench.lead()
    assert bench.replica.term == 3
    bench.propose(b"y")
    assert bench.replica.commit_index == 3
    bench.receive("b", AppendResponse(1, True, 4, 0))
    bench.receive("c", AppendResponse(2, True, 4, 0))
    bench.receive("b", AppendResponse(1, False, 0, 0))
    bench.receive("b", SnapshotResponse(1, 4, 7))
    assert bench.replica.commit_index == 3
    assert peer_state(bench) == "replicate"


def test_an_acknowledgement_of_more_than_there_is_counts_nothing() -> None:
    bench = Bench()
    bench.lead()
    bench.receive("b", AppendResponse(1, True, 50, 0))
    assert bench.replica.commit_index == 1


@pytest.mark.parametrize(
    "message",
    [
        AppendResponse(1, True, 1, 0),
        SnapshotResponse(1, 1, 1),
        VoteResponse(1, True, False),
        VoteResponse(1, False, False),
        VoteResponse(2, True, True),
        ProposeRequest((b"x",)),
    ],
)
def test_a_follower_ignores_answers_that_are_not_for_it(message: Any) -> None:
    bench = Bench()
    bench.append("b", 1, (0, 0), *entries(1))
    bench.sent.clear()
    bench.receive("c", message)
    assert (bench.replica.leader, bench.replica.term, bench.log) == ("b", 1, [(1, 1)])
    assert bench.sent == []


# Proposals


def test_without_a_leader_nothing_is_proposed() -> None:
    bench = Bench()
    assert not bench.propose(b"x")
    assert bench.sent == []


def test_a_follower_forwards_in_messages_of_bounded_size() -> None:
    bench = Bench(append_bytes_max=3 * (10 + ENTRY_BYTES))
    bench.append("b", 1, (0, 0))
    bench.sent.clear()
    big = b"x" * 1000
    assert bench.propose(*[b"0123456789"] * 4, big, b"y")
    sent = bench.take("b", ProposeRequest)
    assert [m.commands for m in sent] == [
        (b"0123456789",) * 3,
        (b"0123456789",),
        (big,),
        (b"y",),
    ]


def test_a_follower_whose_leader_is_not_linked_forwards_nothing() -> None:
    bench = Bench()
    bench.append("b", 1, (0, 0))
    bench.disconnect("b")
    assert not bench.propose(b"x")


def test_a_leader_appends_what_is_forwarded() -> None:
    bench = Bench()
    bench.lead()
    bench.receive("c", ProposeRequest((b"x", b"y")))
    assert bench.replica.last_index == 3


def test_uncommitted_bytes_are_bounded() -> None:
    bench = Bench(uncommitted_bytes_max=200)
    bench.lead()
    assert bench.propose(b"x" * 1000), "one alone is taken, whatever its size"
    assert not bench.propose(b"y")
    bench.receive("c", ProposeRequest((b"z",)))
    assert bench.replica.last_index == 2
    bench.acknowledge("b")
    assert bench.propose(b"y")


# Snapshots


def test_a_lost_chunk_is_sent_again() -> None:
    bench = compacted(snapshot_chunk_bytes=4)
    bench.receive("b", AppendResponse(1, False, 0, 0))
    bench.receive("b", SnapshotResponse(1, 8, 4))
    assert [m.offset for m in bench.take("b", SnapshotRequest)] == [0, 4]
    bench.wait(0.55)
    assert bench.take("b", SnapshotRequest) == [], "it may just be slow"
    bench.wait(0.15)
    assert [m.offset for m in bench.take("b", SnapshotRequest)] == [4]


def test_a_transfer_goes_on_after_a_broken_link() -> None:
    bench = compacted(snapshot_chunk_bytes=4)
    bench.receive("b", AppendResponse(1, False, 0, 0))
    bench.receive("b", SnapshotResponse(1, 8, 4))
    bench.disconnect("b")
    bench.sent.clear()
    bench.connect("b")
    assert [m.offset for m in bench.take("b", SnapshotRequest)] == [4]
    bench.receive("b", SnapshotResponse(1, 8, 0))
    assert [m.offset for m in bench.take("b", SnapshotRequest)] == [0], "it had forgotten"


def test_heartbeats_go_on_during_a_transfer() -> None:
    bench = compacted()
    bench.receive("b", AppendResponse(1, False, 0, 0))
    bench.sent.clear()
    bench.wait(0.2)
    assert bench.take("b", AppendRequest) == [AppendRequest(1, 0, 0, 10, ())]
    bench.acknowledge("b", 0)
    assert peer_state(bench) == "snapshot"


def test_a_transfer_ends_when_the_log_suffices_after_all() -> None:
    bench = compacted(snapshot_chunk_bytes=4)
    bench.receive("b", AppendResponse(1, False, 0, 0))
    bench.acknowledge("b", 9)
    assert peer_state(bench) == "replicate"
    assert indices(bench.take("b", AppendRequest))[-1] == [10]


def test_a_log_that_moved_on_needs_a_newer_snapshot() -> None:
    bench = compacted()
    bench.receive("b", AppendResponse(1, False, 0, 0))
    bench.replica.compact(Snapshot(10, 1, 10, b"new"), 11)
    bench.sent.clear()
    bench.acknowledge("b", 8)
    assert [(m.last_index, m.data) for m in bench.take("b", SnapshotRequest)] == [(10, b"new")]


def test_chunks_of_another_leader_do_not_mix() -> None:
    bench = Bench()
    bench.receive("b", SnapshotRequest(1, 5, 1, 0, 0, b"old-", False))
    bench.receive("c", SnapshotRequest(2, 5, 1, 0, 4, b"new", True))
    assert bench.take("c", SnapshotResponse) == [SnapshotResponse(2, 5, 0)]
    bench.receive("c", SnapshotRequest(2, 5, 1, 0, 0, b"new-", False))
    bench.receive("c", SnapshotRequest(2, 5, 1, 0, 0, b"new-", False))
    bench.receive("c", SnapshotRequest(2, 5, 1, 0, 4, b"new", True))
    assert [s.data for s in bench.installed] == [b"new-new"]


def test_a_snapshot_of_what_is_committed_is_only_acknowledged() -> None:
    bench = Bench()
    bench.append("b", 1, (0, 0), *entries(1, 1, 1), commit=3)
    bench.sent.clear()
    bench.receive("b", SnapshotRequest(1, 2, 1, 0, 0, b"old", True))
    assert bench.installed == []
    assert bench.take("b", AppendResponse) == [AppendResponse(1, True, 3, 0)]


def test_the_own_snapshot_replaces_no_newer_one() -> None:
    bench = Bench()
    bench.receive("b", SnapshotRequest(1, 5, 1, 0, 0, b"theirs", True))
    bench.replica.compact(Snapshot(3, 1, 0, b"mine"), 1)
    assert bench.replica.statistics().first_index == 6
    assert bench.replica._core.snapshot == bench.installed[0]


def test_only_what_was_delivered_can_be_compacted() -> None:
    bench = Bench()
    bench.append("b", 1, (0, 0), *entries(1, 1), commit=1)
    with pytest.raises(AssertionError):
        bench.replica.compact(Snapshot(2, 1, 0, b""), 1)
    with pytest.raises(AssertionError):
        bench.replica.compact(Snapshot(1, 1, 0, b""), 3)


def test_dropped_entries_without_a_snapshot_are_a_broken_invariant() -> None:
    bench = compacted()
    bench.replica._core.snapshot = None
    with pytest.raises(AssertionError, match="no snapshot"):
        bench.receive("b", AppendResponse(1, False, 0, 0))


def test_a_log_that_ends_before_its_snapshot_is_written_anew() -> None:
    snapshot = Snapshot(5, 2, 0, b"state")
    bench = Bench(snapshot=snapshot, log=entries(1, 1, 1), hard_state=HardState(2, "", 2, 7))
    assert bench.persists[0].snapshot == snapshot
    assert bench.persists[0].entries == ()
    assert (bench.replica.commit_index, bench.replica.last_index) == (5, 5)
