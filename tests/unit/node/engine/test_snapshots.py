"""When snapshots are made, and what the log keeps until the history is on disk."""

import pytest

from roost.chat.ids import Position
from roost.chat.state import State
from roost.node.engine.effects import MakeSnapshot
from roost.node.engine.snapshots import TRIES_MAX, Snapshots
from roost.raft.messages import ENTRY_COMMAND, Entry


def entry(index: int, size: int = 1) -> Entry:
    return Entry(index, 3, 1000 + index, ENTRY_COMMAND, b"x" * size)


def after(snapshots: Snapshots, *indexes: int, size: int = 1) -> MakeSnapshot | None:
    """Apply entries in one turn; return the snapshot that is to be made then."""
    for index in indexes:
        snapshots.applied(entry(index, size), 1, size)
    return snapshots.take_due(State(position=Position(indexes[-1])))


def test_after_so_many_entries_a_snapshot_is_made_and_waits_for_the_history() -> None:
    snapshots = Snapshots(entries_max=3, bytes_max=1000, retained_entries=2)
    assert after(snapshots, 1, 2) is None
    make = after(snapshots, 3)
    assert make is not None
    assert (make.position, make.state.position, make.is_in_place) == (3, 3, False)
    before = snapshots.wants_sync
    snapshots.made(Position(3), b"state")
    assert (before, snapshots.wants_sync) == (False, True)
    snapshots.history_writing()
    assert snapshots.history_written(Position(2)) is None
    compaction = snapshots.history_written(Position(3))
    assert compaction is not None
    snapshot = compaction.snapshot
    assert (snapshot.index, snapshot.term, snapshot.time_ms) == (3, 3, 1003)
    assert snapshot.data == b"state"
    assert compaction.first_index == 2
    assert not snapshots.wants_sync
    assert snapshots.history_written(Position(4)) is None


def test_the_first_one_comes_earlier_by_the_phase_of_the_node() -> None:
    for phase, first in ((0.0, 8), (0.5, 6), (0.99, 5)):
        snapshots = Snapshots(entries_max=8, bytes_max=1000, retained_entries=1, phase=phase)
        made = [position for position in range(1, 9) if after(snapshots, position)]
        assert made == [first]


def test_entries_with_erased_words_are_not_retained() -> None:
    snapshots = Snapshots(entries_max=1000, bytes_max=1000, retained_entries=100)
    assert after(snapshots, 1, 2, 3) is None
    snapshots.drop_behind(Position(4))
    assert snapshots.take_due(State(position=Position(3))) is None
    make = after(snapshots, 4, 5, 6)
    assert make is not None
    assert make.position == 6
    snapshots.made(Position(6), b"state")
    snapshots.history_writing()
    compaction = snapshots.history_written(Position(6))
    assert compaction is not None
    assert compaction.first_index == 5
    assert after(snapshots, 7, 8) is None


def test_a_snapshot_is_of_the_last_entry_of_the_turn() -> None:
    snapshots = Snapshots(entries_max=3, bytes_max=1000, retained_entries=1)
    make = after(snapshots, 1, 2, 3, 4, 5)
    assert make is not None
    assert make.position == 5


def test_rows_that_were_not_synced_cut_nothing_off() -> None:
    snapshots = Snapshots(entries_max=2, bytes_max=1000, retained_entries=1)
    after(snapshots, 1, 2)
    snapshots.history_writing()
    snapshots.made(Position(2), b"state")
    # This write began before the snapshot was made, and did not sync.
    assert snapshots.history_written(Position(2)) is None
    assert snapshots.wants_sync


def test_long_entries_make_a_snapshot_earlier() -> None:
    snapshots = Snapshots(entries_max=100, bytes_max=50, retained_entries=1)
    assert after(snapshots, 1, size=49) is None
    assert after(snapshots, 2) is not None


def test_one_snapshot_is_under_way_at_a_time() -> None:
    snapshots = Snapshots(entries_max=2, bytes_max=1000, retained_entries=1)
    assert after(snapshots, 1, 2) is not None
    assert after(snapshots, 3, 4) is None
    snapshots.made(Position(2), b"state")
    assert after(snapshots, 5) is None
    snapshots.history_writing()
    compaction = snapshots.history_written(Position(5))
    assert compaction is not None
    assert compaction.snapshot.index == 2
    make = after(snapshots, 6)
    assert make is not None
    assert make.position == 6


def test_the_leaders_snapshot_takes_the_place_of_ones_own() -> None:
    snapshots = Snapshots(entries_max=2, bytes_max=1000, retained_entries=1)
    after(snapshots, 1, 2)
    snapshots.made(Position(2), b"state")
    snapshots.history_writing()
    snapshots.installed()
    assert not snapshots.wants_sync
    assert snapshots.history_written(Position(9)) is None
    assert after(snapshots, 10) is None


def test_a_snapshot_made_while_the_leaders_was_installed_is_dropped() -> None:
    snapshots = Snapshots(entries_max=2, bytes_max=1000, retained_entries=1)
    after(snapshots, 1, 2)
    snapshots.installed()
    snapshots.made(Position(2), b"state")
    assert not snapshots.wants_sync
    # The next one's number is what counts, not that one is under way.
    assert after(snapshots, 10, 11) is not None
    snapshots.made(Position(2), b"state")
    assert not snapshots.wants_sync


@pytest.mark.parametrize("entries_max", [2, 20])
def test_what_fails_is_tried_again_and_in_the_end_in_place(entries_max: int) -> None:
    snapshots = Snapshots(entries_max=entries_max, bytes_max=1000, retained_entries=1)
    index = 0
    for failures in range(TRIES_MAX + 1):
        make = None
        entries = 0
        while make is None:
            index += 1
            entries += 1
            make = after(snapshots, index)
        assert entries == entries_max if not failures else entries <= max(1, entries_max // 10)
        assert make.is_in_place == (failures == TRIES_MAX)
        snapshots.failed(Position(index - 1))
        assert after(snapshots, index) is None
        snapshots.failed(make.position)
    assert not snapshots.wants_sync
