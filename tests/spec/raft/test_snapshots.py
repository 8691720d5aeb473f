"""Raft, section 7: log compaction."""

from typing import Any

import pytest

from roost.raft.messages import (
    AppendRequest,
    AppendResponse,
    HardState,
    Snapshot,
    SnapshotRequest,
    SnapshotResponse,
)
from support.raft_replica import Bench, entries

SNAPSHOT = Snapshot(index=5, term=2, time_ms=77, data=b"0123456789")


def chunk(offset: int, data: bytes, *, is_last: bool, term: int = 3) -> SnapshotRequest:
    return SnapshotRequest(term, 5, 2, 77, offset, data, is_last)


def compacted(**settings: Any) -> Bench:
    """Return a leader of term 1 with ten entries, the first seven of them dropped."""
    bench = Bench(2, **settings)
    bench.lead()
    for number in range(9):
        bench.propose(b"%d" % number)
    bench.acknowledge("b")
    bench.replica.compact(Snapshot(8, 1, 8, b"0123456789"), 8)
    bench.sent.clear()
    return bench


def test_a_leader_sends_its_snapshot_instead_of_dropped_entries() -> None:
    """7: 'the leader must occasionally send snapshots to followers that lag behind. This happens
    when the leader has already discarded the next log entry that it needs to send'"""
    bench = compacted()
    bench.connect("b")
    bench.receive("b", AppendResponse(1, False, 0, 0))
    assert bench.take("b", SnapshotRequest) == [
        SnapshotRequest(1, 8, 1, 8, 0, b"0123456789", is_last=True)
    ]


def test_a_follower_that_needs_only_held_entries_gets_no_snapshot() -> None:
    """7: 'Fortunately, this situation is unlikely in normal operation'"""
    bench = compacted()
    bench.connect("b")
    bench.receive("b", AppendResponse(1, False, 7, 1))
    sent = bench.sent_to("b")
    assert not [m for m in sent if isinstance(m, SnapshotRequest)]
    assert [e.index for m in sent if isinstance(m, AppendRequest) for e in m.entries] == [8, 9, 10]


def test_chunks_come_in_order() -> None:
    """Figure 13: 'Send snapshot chunks in order: offset is the byte offset where the chunk is
    positioned in the snapshot file'"""
    bench = compacted(snapshot_chunk_bytes=4)
    bench.connect("b")
    bench.receive("b", AppendResponse(1, False, 0, 0))
    chunks: list[SnapshotRequest] = []
    while new := bench.take("b", SnapshotRequest):
        chunks += new
        if not new[-1].is_last:
            size = sum(len(c.data) for c in chunks)
            bench.receive("b", SnapshotResponse(1, 8, size))
    assert [(c.offset, c.data, c.is_last) for c in chunks] == [
        (0, b"0123", False),
        (4, b"4567", False),
        (8, b"89", True),
    ]
    bench.acknowledge("b", 8)
    sent = bench.take("b", AppendRequest)
    assert [e.index for m in sent for e in m.entries] == [9, 10], "the log goes on after it"


def test_a_whole_snapshot_replaces_log_and_state() -> None:
    """Figure 13: 'Discard the entire log' and 'Reset state machine using snapshot contents'"""
    bench = Bench(log=entries(1, 1), hard_state=HardState(1))
    bench.receive("b", chunk(0, b"01234", is_last=False))
    assert bench.take("b", SnapshotResponse) == [SnapshotResponse(3, 5, 5)]
    assert bench.installed == []
    bench.receive("b", chunk(5, b"56789", is_last=True))
    assert bench.installed == [SNAPSHOT]
    assert bench.persists[-1].snapshot == SNAPSHOT
    assert bench.persists[-1].entries == ()
    assert bench.take("b", AppendResponse) == [AppendResponse(3, True, 5, 0)]
    assert (bench.replica.commit_index, bench.replica.last_index) == (5, 5)
    bench.append("b", 3, (5, 2), *entries(3, first=6), commit=6)
    assert [e.index for e in bench.applied] == [6]


def test_an_installed_snapshot_is_acknowledged_from_disk_only() -> None:
    """Figure 13: 'Save snapshot file'; and Figure 2: before responding."""
    bench = Bench()
    bench.is_disk_held = True
    bench.receive("b", chunk(0, SNAPSHOT.data, is_last=True))
    assert not bench.take("b", AppendResponse)
    bench.write()
    assert bench.take("b", AppendResponse) == [AppendResponse(3, True, 5, 0)]


def test_a_stale_term_is_refused() -> None:
    """Figure 13: 'Reply immediately if term < currentTerm'"""
    bench = Bench(hard_state=HardState(4))
    bench.receive("b", chunk(0, SNAPSHOT.data, is_last=True))
    assert bench.installed == []
    assert bench.take("b", AppendResponse) == [AppendResponse(4, False, 0, 0)]


def test_entries_that_follow_the_snapshot_are_kept() -> None:
    """Figure 13: 'If existing log entry has same index and term as snapshot's last included entry,
    retain log entries following it and reply'"""
    bench = Bench(log=entries(1, 1, 2, 2, 2, 2, 2), hard_state=HardState(2))
    bench.receive("b", chunk(0, b"01234", is_last=False))
    assert bench.installed == []
    assert bench.terms == [1, 1, 2, 2, 2, 2, 2]
    assert bench.replica.commit_index == 5
    assert bench.take("b", AppendResponse) == [AppendResponse(3, True, 5, 0)]


@pytest.mark.parametrize("first", [6, 5, 3, 2, 1])
def test_a_replica_starts_from_its_snapshot(first: int) -> None:
    """7: the state machine is the snapshot's, and entries up to it are not applied again."""
    log = entries(1, 1, 2, 2, 2, 3, 3)[first - 1 :]
    bench = Bench(2, log=log, snapshot=SNAPSHOT, hard_state=HardState(3))
    assert bench.replica.commit_index == 5
    bench.append("b", 4, (7, 3), commit=7)
    assert [e.index for e in bench.applied] == [6, 7]


def test_appends_from_before_the_snapshot_are_understood() -> None:
    """7: what is committed here equals the leader's, so only what lies beyond needs a look."""
    bench = Bench(2, snapshot=SNAPSHOT, hard_state=HardState(2))
    bench.append("b", 3, (2, 1), *entries(2, 2, 2, 3, first=3), commit=6)
    assert bench.log == [(6, 3)]
    assert [e.index for e in bench.applied] == [6]
    bench.append("b", 3, (1, 1), *entries(2, first=2), commit=6)
    assert bench.log == [(6, 3)]
