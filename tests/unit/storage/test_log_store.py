"""After a restart, each batch is in the log as a whole or not at all."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from roost.raft.messages import Configuration, HardState, Position, Snapshot, Stored
from roost.storage import DataDirectory, FullError, LogStore, segments
from roost.storage.log_store import SEGMENTS_SINCE
from roost.storage.snapshot_parts import PART_BYTES
from support.stores import (
    batch,
    copy_as_after_kill,
    entries,
    entry,
    execute,
    open_directory,
    snapshot,
)


@pytest.fixture(params=["database", "segments"])
def directory(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DataDirectory]:
    """Open a directory whose log is kept in either way, with small segments."""
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 16 * 1024)
    with open_directory(tmp_path / "data") as made:
        if request.param == "segments":
            made.note_version(SEGMENTS_SINCE)
        yield made


@pytest.fixture
def database(tmp_path: Path) -> Iterator[DataDirectory]:
    """Open a directory whose log is kept in the database, as up to version 1."""
    with open_directory(tmp_path / "data") as made:
        yield made


def opened(directory: DataDirectory) -> LogStore:
    log = LogStore(directory)
    log.load()
    return log


def reloaded(log: LogStore, directory: DataDirectory) -> Stored:
    """Return what the log holds after a restart; it must be undamaged."""
    log.close()
    again = LogStore(directory)
    stored = again.load()
    assert again.findings == ()
    again.close()
    return stored


def test_a_founding_nodes_log_is_empty_and_sound(directory: DataDirectory) -> None:
    log = LogStore(directory)
    assert log.load() == Stored(HardState(), None, ())
    assert log.findings == ()
    log.close()


def test_batches_come_back_in_order(directory: DataDirectory) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 3), hard_state=HardState(1, "n1"))])
    log.write([batch(*entries(4, 5)), batch(entry(6, 2), hard_state=HardState(2, "n2"))])
    expected = Stored(HardState(2, "n2"), None, (*entries(1, 5), entry(6, 2)))
    assert reloaded(log, directory) == expected


def test_a_batch_replaces_the_log_from_its_first_entry_on(directory: DataDirectory) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 9, term=3))])
    log.write([batch(*entries(4, 5, term=2)), batch(entry(5, 4))])
    expected = (*entries(1, 3, term=3), entry(4, 2), entry(5, 4))
    assert reloaded(log, directory).entries == expected


def test_a_hole_in_the_log_is_a_bug_and_nothing_of_the_call_is_stored(
    directory: DataDirectory,
) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 3))])
    with pytest.raises(AssertionError, match="hole"):
        log.write([batch(entry(4)), batch(entry(6))])
    log.write([batch(entry(4, 2))])
    assert reloaded(log, directory).entries == (*entries(1, 3), entry(4, 2))


def test_a_leaders_snapshot_drops_the_whole_log(directory: DataDirectory) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 9))])
    log.write([batch(*entries(21, 22, term=2), snapshot=snapshot(20, 2))])
    expected = Stored(HardState(), snapshot(20, 2), entries(21, 22, term=2))
    assert reloaded(log, directory) == expected


def test_the_log_goes_on_after_a_leaders_snapshot(directory: DataDirectory) -> None:
    log = opened(directory)
    log.write([batch(snapshot=snapshot(20, 2))])
    log.write([batch(entry(21, 2))])
    assert reloaded(log, directory).entries == (entry(21, 2),)


def test_compaction_keeps_the_entries_from_the_first_index_on(directory: DataDirectory) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 30))])
    log.compact(snapshot(20), 15)
    assert reloaded(log, directory) == Stored(HardState(), snapshot(20), entries(15, 30))


def test_compaction_may_leave_nothing_but_the_snapshot(directory: DataDirectory) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 20))])
    log.compact(snapshot(20), 21)
    assert reloaded(log, directory) == Stored(HardState(), snapshot(20), ())


def test_a_compaction_that_a_leaders_snapshot_overtook_changes_nothing(
    directory: DataDirectory,
) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 9))])
    log.write([batch(entry(21), snapshot=snapshot(20))])
    log.compact(snapshot(8), 3)
    assert reloaded(log, directory) == Stored(HardState(), snapshot(20), (entry(21),))


def big(index: int, parts: float = 2.5) -> Snapshot:
    """Return a snapshot that takes several parts."""
    return Snapshot(index, 1, 1_000 + index, bytes([index % 256]) * int(PART_BYTES * parts))


def test_a_big_snapshot_replaces_another_and_comes_back_whole(directory: DataDirectory) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 30))])
    for index, parts in ((8, 2.5), (9, 4.0), (10, 1.1)):
        log.compact(big(index, parts), 5)
        stored = reloaded(log, directory)
        assert stored == Stored(HardState(), big(index, parts), entries(5, 30))
        log = opened(directory)
    log.compact(snapshot(11), 5)
    assert part_names(log) == []
    assert reloaded(log, directory).snapshot == snapshot(11)


def test_a_leaders_big_snapshot_comes_back_whole(directory: DataDirectory) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 9))])
    log.compact(big(8), 5)
    log.write([batch(entry(21), snapshot=big(20))])
    assert {name.split()[1] for name in part_names(log)} == {"20"}
    assert reloaded(log, directory) == Stored(HardState(), big(20), (entry(21),))


def test_between_any_two_steps_of_a_compaction_the_log_is_sound_and_goes_on(
    directory: DataDirectory, tmp_path: Path
) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 3000))])
    log.compact(big(8), 5)
    compaction = log.begin_compaction(big(2999), 2990)
    steps, last, seen = 0, 3000, []
    while log.step(compaction):
        steps += 1
        last += 1
        log.write([batch(entry(last))])
        copy_as_after_kill(directory.path, tmp_path / f"killed{steps}")
        with open_directory(tmp_path / f"killed{steps}") as killed:
            again = LogStore(killed)
            stored = again.load()
            assert again.findings == ()
            assert stored.snapshot in (big(8), big(2999))
            assert stored.entries == entries(stored.entries[0].index, last)
            seen.append((stored.snapshot == big(2999), stored.entries[0].index))
            # What the crash left is tidied up by the next compaction.
            again.compact(big(3000), 2995)
            assert {name.split()[1] for name in part_names(again)} == {"3000"}
            again.close()
    assert seen[0] == (False, 5)
    assert seen[-1][0]
    assert seen == sorted(seen)
    assert reloaded(log, directory) == Stored(HardState(), big(2999), entries(2990, last))


def test_a_leaders_snapshot_overtakes_a_compaction_between_two_steps(
    directory: DataDirectory,
) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 9))])
    compaction = log.begin_compaction(big(8), 5)
    assert log.step(compaction)
    log.write([batch(entry(21), snapshot=big(20))])
    while log.step(compaction):
        pass
    assert {name.split()[1] for name in part_names(log)} == {"20"}
    assert reloaded(log, directory) == Stored(HardState(), big(20), (entry(21),))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM records WHERE name = 'snapshot 8 part 1 of 3'",
        "UPDATE records SET value = x'00' WHERE name = 'snapshot 8 part 2 of 3'",
        "DELETE FROM records WHERE name LIKE 'snapshot%'",
    ],
)
def test_a_big_snapshot_with_a_damaged_part_is_not_used(
    directory: DataDirectory, statement: str
) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 9))])
    log.compact(big(8), 9)
    assert log._database.connection.execute(statement).rowcount >= 1
    log.close()
    log = LogStore(directory)
    assert log.load().snapshot is None
    assert "the snapshot is damaged" in log.findings
    log.close()


def part_names(log: LogStore) -> list[str]:
    rows = log._database.connection.execute("SELECT name FROM records WHERE name LIKE 'snap%'")
    return [name for (name,) in rows]


def test_what_was_written_survives_a_kill(directory: DataDirectory, tmp_path: Path) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 9), hard_state=HardState(1, "n2"))])
    copy_as_after_kill(directory.path, tmp_path / "killed")
    log.close()
    with open_directory(tmp_path / "killed") as killed:
        again = LogStore(killed)
        assert again.load() == Stored(HardState(1, "n2"), None, entries(1, 9))
        assert again.findings == ()
        again.close()


def test_a_full_disk_stores_nothing_and_the_same_call_works_later(
    database: DataDirectory,
) -> None:
    log = opened(database)
    log.write([batch(*entries(1, 9), hard_state=HardState(1, "n1"))])
    connection = log._database.connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    wanted = [
        batch(*entries(5, 9, term=2), hard_state=HardState(2, "n2")),
        batch(*entries(10, 900, term=2)),
    ]
    for _ in range(2):
        with pytest.raises(FullError, match="full"):
            log.write(wanted)
    with pytest.raises(FullError):
        log.compact(Snapshot(9, 1, 1_009, bytes(100_000)), 5)
    stored = reloaded(log, database)
    assert stored == Stored(HardState(1, "n1"), None, entries(1, 9))

    log = opened(database)
    connection = log._database.connection
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(FullError):
        log.write(wanted)
    connection.execute("PRAGMA max_page_count = 1000000")
    log.write(wanted)
    stored = reloaded(log, database)
    assert stored == Stored(HardState(2, "n2"), None, (*entries(1, 4), *entries(5, 900, term=2)))


def test_one_call_is_one_transaction_and_fsyncs_before_it_returns(
    database: DataDirectory,
) -> None:
    log = opened(database)
    connection = log._database.connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    log.write([batch(entry(index), number=index) for index in range(1, 50)])
    assert statements.count("COMMIT") == 1
    assert sum(statement.startswith("BEGIN") for statement in statements) == 1
    log.close()


def test_a_lost_disk_is_remembered_until_raft_says_otherwise(tmp_path: Path) -> None:
    with open_directory(tmp_path, is_founding=False) as directory:
        log = opened(directory)
        log.close()
        again = LogStore(directory)
        assert again.load() == Stored(HardState(is_amnesiac=True), None, ())
        again.write([batch(hard_state=HardState(4, "n2"))])
        again.close()
        assert opened(directory).load().hard_state == HardState(4, "n2")


def test_a_founding_node_that_crashed_before_it_had_a_log_has_lost_nothing(tmp_path: Path) -> None:
    open_directory(tmp_path, is_founding=True).close()
    (tmp_path / "log.db").touch()
    with open_directory(tmp_path, is_founding=False) as directory:
        log = LogStore(directory)
        assert log.load() == Stored(HardState(), None, ())
        log.close()


@pytest.mark.parametrize("is_emptied", [False, True])
def test_a_log_that_is_gone_is_a_loss_whatever_the_caller_believes(
    directory: DataDirectory, is_emptied: bool
) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 9, term=3), hard_state=HardState(3, "n1"))])
    log.close()
    if is_emptied:
        (directory.path / "log.db").write_bytes(b"")
    else:
        (directory.path / "log.db").unlink()
    again = LogStore(directory)
    stored = again.load()
    assert again.findings
    again.close()
    assert stored == Stored(
        HardState(term=3, floor_term=3, floor_index=9, is_amnesiac=True), None, ()
    )


def test_how_far_the_members_were_is_kept(directory: DataDirectory) -> None:
    known = (Position("n1", 1, 5), Position("n2", 2, 9))
    store = LogStore(directory)
    assert store.load().positions == ()
    store.write([msgspec.structs.replace(batch(entry(1)), positions=known), batch(entry(2))])
    store.close()
    again = LogStore(directory)
    assert again.load().positions == known
    again.close()


def test_damaged_positions_are_none(database: DataDirectory) -> None:
    store = opened(database)
    store.write([msgspec.structs.replace(batch(entry(1)), positions=(Position("n1", 1, 5),))])
    store.close()
    execute(database.path / "log.db", "UPDATE records SET value = x'00' WHERE name = 'positions'")
    damaged = LogStore(database)
    assert damaged.load().positions == ()
    damaged.close()


def test_a_snapshot_is_stored_with_its_configuration(directory: DataDirectory) -> None:
    with_group = msgspec.structs.replace(
        snapshot(8), configuration=Configuration(("n1", "n2"), ("n3",))
    )
    log = LogStore(directory)
    log.load()
    log.write([batch(*entries(1, 10))])
    log.compact(with_group, 5)
    log.close()
    again = LogStore(directory)
    assert again.load().snapshot == with_group
    again.close()


def test_a_damaged_configuration_costs_the_snapshot(directory: DataDirectory) -> None:
    log = LogStore(directory)
    log.load()
    log.write([batch(*entries(1, 10))])
    log.compact(msgspec.structs.replace(snapshot(8), configuration=Configuration(("n1",))), 9)
    log.close()
    statement = "UPDATE records SET checksum = checksum + 1 WHERE name = 'configuration'"
    assert execute(directory.path / "log.db", statement) == 1
    again = LogStore(directory)
    stored = again.load()
    assert stored.snapshot is None
    assert stored.hard_state.floor_index == 10, "it does not vote before it has all again"
    assert any("members" in finding for finding in again.findings)
    again.close()


def test_a_lazy_batch_may_vanish_without_being_missed(directory: DataDirectory) -> None:
    log = LogStore(directory)
    log.load()
    log.write([batch(*entries(1, 3))])
    noted = log._witness.read()
    log.write([msgspec.structs.replace(batch(entry(9), snapshot=snapshot(8)), is_lazy=True)])
    assert log._witness.read() == noted
    log.close()
    again = LogStore(directory)
    assert again.load().entries == (entry(9),)
    assert again.findings == ()
    again.write([batch(*entries(10, 12))])
    again.close()
