"""Damage to the log is found, cut off, reported, and never served."""

import random
import shutil
from pathlib import Path

import pytest

from roost.raft.messages import HardState, Stored
from roost.storage import DataDirectory, LogStore, StorageError
from support.stores import (
    batch,
    copy_as_after_kill,
    entries,
    entry,
    execute,
    flip,
    open_directory,
    snapshot,
)

HARD = HardState(2, "n2")


@pytest.fixture
def file(directory: DataDirectory) -> Path:
    """Write and close a log with entries 1 to 9 of term 1, and 10 to 12 of term 2."""
    log = LogStore(directory)
    log.load()
    log.write([batch(*entries(1, 9), *entries(10, 12, term=2), hard_state=HARD)])
    log.close()
    return directory.path / "log.db"


@pytest.fixture
def compacted(directory: DataDirectory, file: Path) -> Path:
    """Write the same with a snapshot at 8, and the log from 5 on."""
    log = LogStore(directory)
    log.load()
    log.compact(snapshot(8), 5)
    log.close()
    return file


def load(directory: DataDirectory) -> tuple[Stored, tuple[str, ...]]:
    """Load twice: the repair must be stored, so that the second load finds no damage."""
    log = LogStore(directory)
    stored = log.load()
    findings = log.findings
    log.close()
    again = LogStore(directory)
    assert again.load() == stored
    assert again.findings == ()
    again.close()
    return stored, findings


def floor(term: int, index: int) -> HardState:
    return HardState(2, "n2", floor_term=term, floor_index=index)


@pytest.mark.parametrize(
    "change", ["data = x'00'", "term = 3", "time_ms = 5", "kind = 0", "data = 'text'"]
)
def test_a_damaged_record_in_the_middle_cuts_the_log(
    directory: DataDirectory, file: Path, change: str
) -> None:
    assert execute(file, f"UPDATE entries SET {change} WHERE position = 6") == 1
    stored, findings = load(directory)
    assert stored == Stored(floor(2, 12), None, entries(1, 5))
    assert any("(6)" in finding for finding in findings)


def test_a_damaged_last_record_is_cut_and_known_to_have_been_there(
    directory: DataDirectory, file: Path
) -> None:
    assert execute(file, "UPDATE entries SET term = 1 WHERE position = 12") == 1
    stored, _ = load(directory)
    assert stored == Stored(floor(2, 12), None, (*entries(1, 9), *entries(10, 11, term=2)))


@pytest.mark.parametrize(
    "condition", ["position = 4", "position > 3", "position = 4 OR position = 9"]
)
def test_missing_records_cut_the_log(directory: DataDirectory, file: Path, condition: str) -> None:
    assert execute(file, f"DELETE FROM entries WHERE {condition}") >= 1
    assert load(directory)[0] == Stored(floor(2, 12), None, entries(1, 3))


def test_a_record_that_moved_is_not_taken_for_another(directory: DataDirectory, file: Path) -> None:
    execute(file, "DELETE FROM entries WHERE position = 12")
    execute(file, "UPDATE entries SET position = 12 WHERE position = 7")
    assert load(directory)[0] == Stored(floor(2, 12), None, entries(1, 6))


def test_a_flipped_bit_in_the_file_is_found(directory: DataDirectory, file: Path) -> None:
    flip(file, b"command 6 of term 1")
    assert load(directory)[0] == Stored(floor(2, 12), None, entries(1, 5))


def test_what_was_damaged_is_kept_aside(directory: DataDirectory, file: Path) -> None:
    flip(file, b"command 6 of term 1")
    _, findings = load(directory)
    assert any("log.db.corrupt-1" in finding for finding in findings)
    assert b"command 12 of term 2" in (directory.path / "log.db.corrupt-1").read_bytes()


def test_the_log_can_be_fetched_again_after_a_cut(directory: DataDirectory, file: Path) -> None:
    flip(file, b"command 6 of term 1")
    log = LogStore(directory)
    log.load()
    whole = (*entries(6, 9), *entries(10, 13, term=2))
    log.write([batch(*whole, hard_state=HARD)])
    log.close()
    assert load(directory) == (Stored(HARD, None, entries(1, 5) + whole), ())


def test_an_older_floor_stays_when_it_is_higher(directory: DataDirectory, file: Path) -> None:
    log = LogStore(directory)
    log.load()
    log.write([batch(hard_state=floor(2, 50))])
    log.close()
    execute(file, "DELETE FROM entries WHERE position = 12")
    assert load(directory)[0].hard_state == floor(2, 50)


def test_damage_behind_the_snapshot_loses_nothing(
    directory: DataDirectory, compacted: Path
) -> None:
    assert execute(compacted, "UPDATE entries SET data = x'00' WHERE position = 6") == 1
    kept = (*entries(7, 9), *entries(10, 12, term=2))
    stored, findings = load(directory)
    assert stored == Stored(HARD, snapshot(8), kept)
    assert findings


def test_damage_at_the_snapshots_own_entry_loses_nothing(
    directory: DataDirectory, compacted: Path
) -> None:
    assert execute(compacted, "UPDATE entries SET data = x'00' WHERE position = 8") == 1
    assert load(directory)[0] == Stored(HARD, snapshot(8), (entry(9), *entries(10, 12, term=2)))


def test_damage_right_after_the_snapshot_leaves_the_snapshot(
    directory: DataDirectory, compacted: Path
) -> None:
    assert execute(compacted, "UPDATE entries SET data = x'00' WHERE position = 9") == 1
    assert load(directory)[0] == Stored(floor(2, 12), snapshot(8), entries(5, 8))


@pytest.mark.parametrize("change", ["data = x'00'", "position = 9", "term = 2", "time_ms = 1"])
def test_a_damaged_snapshot_is_dropped_with_the_log_that_goes_on_from_it(
    directory: DataDirectory, compacted: Path, change: str
) -> None:
    assert execute(compacted, f"UPDATE snapshot SET {change}") == 1
    assert load(directory)[0] == Stored(floor(2, 12), None, ())


def test_a_damaged_snapshot_of_a_log_that_is_all_there_loses_nothing(
    directory: DataDirectory, file: Path
) -> None:
    log = LogStore(directory)
    log.load()
    log.compact(snapshot(8), 1)
    log.close()
    flip(file, b"state at 8")
    whole = (*entries(1, 9), *entries(10, 12, term=2))
    assert load(directory)[0] == Stored(HARD, None, whole)


def test_a_snapshot_that_is_missing_is_missed(directory: DataDirectory, compacted: Path) -> None:
    assert execute(compacted, "DELETE FROM snapshot") == 1
    assert load(directory)[0] == Stored(floor(2, 12), None, ())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records SET value = replace(value, 'n2', 'n1') WHERE name = 'hard state'",
        "DELETE FROM records WHERE name = 'hard state'",
    ],
)
def test_a_damaged_vote_is_amnesia_and_spares_the_log(
    directory: DataDirectory, file: Path, statement: str
) -> None:
    assert execute(file, statement) == 1
    stored, findings = load(directory)
    assert stored.hard_state == HardState(term=2, is_amnesiac=True)
    assert stored.entries[-1].index == 12
    assert any("vote" in finding for finding in findings)


def test_a_damaged_marker_is_amnesia_for_what_followed_is_unknown(
    directory: DataDirectory, file: Path
) -> None:
    assert execute(file, "UPDATE records SET value = x'00' WHERE name = 'marker'") == 1
    stored, _ = load(directory)
    assert stored.hard_state.is_amnesiac
    assert stored.entries[-1].index == 12


@pytest.mark.parametrize("damage", ["header", "tree", "garbage", "short"])
def test_a_malformed_file_is_moved_aside_and_all_is_forgotten(
    directory: DataDirectory, file: Path, damage: str
) -> None:
    content = bytearray(file.read_bytes())
    if damage == "header":
        content[0] ^= 1
    elif damage == "tree":
        for start in range(4096, len(content), 4096):
            content[start : start + 16] = b"\xee" * 16
    elif damage == "garbage":
        content[:] = random.Random(1).randbytes(len(content))
    else:
        del content[3000:]
    file.write_bytes(content)
    stored, findings = load(directory)
    assert stored.hard_state.is_amnesiac
    assert stored.snapshot is None
    assert stored.entries == ()
    assert any("log.db.corrupt-1" in finding for finding in findings)
    assert (directory.path / "log.db.corrupt-1").read_bytes() == content


def test_a_torn_transaction_was_never_there(directory: DataDirectory, tmp_path: Path) -> None:
    log = LogStore(directory)
    log.load()
    log.write([batch(*entries(1, 9), hard_state=HARD)])
    copy_as_after_kill(directory.path, tmp_path / "killed")
    log.write([batch(*entries(10, 200))])
    # The crash came during the last write, which was not yet noted.
    shutil.copy(directory.path / "log.db-wal", tmp_path / "killed" / "log.db-wal")
    log.close()
    wal = tmp_path / "killed" / "log.db-wal"
    wal.write_bytes(wal.read_bytes()[: -4096 - 500])
    with open_directory(tmp_path / "killed") as killed:
        assert load(killed) == (Stored(HARD, None, entries(1, 9)), ())


def test_durable_writes_that_vanish_with_the_write_ahead_log_are_missed(
    directory: DataDirectory, tmp_path: Path
) -> None:
    log = LogStore(directory)
    log.load()
    log.write([batch(*entries(1, 9), hard_state=HARD)])
    log.write([batch(entry(10, 2), hard_state=HardState(3, "n3"))])
    copy_as_after_kill(directory.path, tmp_path / "killed")
    log.close()
    flip(tmp_path / "killed" / "log.db-wal", b"command 3 of term 1")
    with open_directory(tmp_path / "killed") as killed:
        stored, findings = load(killed)
    assert stored.hard_state.is_amnesiac, "a vote may be among what is lost"
    assert (stored.hard_state.floor_term, stored.hard_state.floor_index) == (2, 10)
    assert stored.entries == ()
    assert any("vanished" in finding for finding in findings)


def test_a_witness_that_lags_behind_or_is_damaged_accuses_nobody(
    directory: DataDirectory, file: Path
) -> None:
    witness = directory.path / "log.witness"
    before = witness.read_bytes()
    log = LogStore(directory)
    log.load()
    log.write([batch(entry(13, 2))])
    log.close()
    expected = (*entries(1, 9), *entries(10, 13, term=2))
    for content in (before, b"", b"\xff" * 28):
        witness.write_bytes(content)
        assert load(directory) == (Stored(HARD, None, expected), ())


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("name", ["log.db", "log.db-wal"])
def test_whatever_is_damaged_nothing_false_is_served_and_no_loss_goes_untold(
    directory: DataDirectory, tmp_path: Path, seed: int, name: str
) -> None:
    log = LogStore(directory)
    log.load()
    log.write([batch(*entries(1, 60), hard_state=HARD)])
    log.compact(snapshot(40), 21)
    log.write([batch(*entries(61, 99, term=2), hard_state=HardState(3, "n3"))])
    if name == "log.db":
        log.close()
    shutil.copytree(directory.path, tmp_path / "damaged")
    log.close()
    _damage(tmp_path / "damaged" / name, random.Random(seed))
    with open_directory(tmp_path / "damaged", is_founding=False) as damaged:
        try:
            stored, findings = load(damaged)
        except StorageError as error:
            pytest.fail(f"the node could never start again: {error!r}")
    truth = {found.index: found for found in (*entries(1, 60), *entries(61, 99, term=2))}
    assert all(truth[found.index] == found for found in stored.entries)
    assert stored.snapshot in (None, snapshot(40))
    hard = stored.hard_state
    has_all = bool(stored.entries) and stored.entries[-1].index == 99
    if not (has_all and (hard.term, hard.voted_for) == (3, "n3")):
        assert hard.is_amnesiac or (hard.floor_term, hard.floor_index) == (2, 99)
        assert findings


def _damage(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    place = chance.randrange(len(content))
    match chance.randrange(3):
        case 0:
            content[place] ^= 1 << chance.randrange(8)
        case 1:
            content[place : place + 16] = chance.randbytes(16)
        case _:
            place -= place % 512
            content[place : place + 512] = bytes(512)
    file.write_bytes(content)
