"""When snapshots are created, and what the log keeps until the history is on disk."""

from roost.chat.ids import Position
from roost.chat.snapshot import decode_state
from roost.chat.state import State
from roost.node.engine.snapshots import Snapshots
from roost.raft.messages import ENTRY_COMMAND, Entry


def entry(index: int, size: int = 1) -> Entry:
    return Entry(index, 3, 1000 + index, ENTRY_COMMAND, b"x" * size)


def after(snapshots: Snapshots, *indexes: int, size: int = 1) -> bool:
    """Apply entries; return whether a snapshot waits then."""
    for index in indexes:
        snapshots.applied(entry(index, size), State(position=Position(index)))
    return snapshots.wants_sync


def test_after_so_many_entries_the_state_is_kept_until_the_history_has_caught_up() -> None:
    snapshots = Snapshots(entries_max=3, bytes_max=1000, retained_entries=2)
    assert not after(snapshots, 1, 2)
    assert after(snapshots, 3)
    snapshots.history_writing()
    assert snapshots.history_written(Position(2)) is None
    compaction = snapshots.history_written(Position(3))
    assert compaction is not None
    assert (compaction.snapshot.index, compaction.snapshot.term) == (3, 3)
    assert compaction.first_index == 2
    assert decode_state(compaction.snapshot.data).position == 3
    assert not snapshots.wants_sync
    assert snapshots.history_written(Position(4)) is None


def test_rows_that_were_not_synced_cut_nothing_off() -> None:
    snapshots = Snapshots(entries_max=2, bytes_max=1000, retained_entries=1)
    snapshots.history_writing()
    after(snapshots, 1, 2)
    # This write began before the snapshot was due, and did not sync.
    assert snapshots.history_written(Position(2)) is None
    assert snapshots.wants_sync


def test_long_entries_make_a_snapshot_earlier() -> None:
    snapshots = Snapshots(entries_max=100, bytes_max=50, retained_entries=1)
    assert not after(snapshots, 1, size=49)
    assert after(snapshots, 2)


def test_one_snapshot_waits_at_a_time() -> None:
    snapshots = Snapshots(entries_max=2, bytes_max=1000, retained_entries=1)
    after(snapshots, 1, 2, 3, 4)
    snapshots.history_writing()
    compaction = snapshots.history_written(Position(4))
    assert compaction is not None
    assert compaction.snapshot.index == 2
    assert after(snapshots, 5)


def test_the_leaders_snapshot_takes_the_place_of_ones_own() -> None:
    snapshots = Snapshots(entries_max=2, bytes_max=1000, retained_entries=1)
    after(snapshots, 1, 2)
    snapshots.history_writing()
    snapshots.installed()
    assert not snapshots.wants_sync
    assert snapshots.history_written(Position(9)) is None
    assert not after(snapshots, 10)
