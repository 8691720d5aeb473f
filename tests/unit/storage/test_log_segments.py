"""Damage to any file of a log in segments is found, told, and never served."""

import os
import random
from pathlib import Path

import msgspec
import pytest

from roost.raft.messages import HardState, Persist, Stored
from roost.storage import DataDirectory, StorageError
from roost.storage.log_store import SEGMENTS_SINCE
from support.segments import HARD, WHOLE, files, fill, load, opened
from support.stores import batch, entries, entry, execute, flip, open_directory, snapshot

pytestmark = pytest.mark.usefixtures("small_segments")


@pytest.fixture
def directory(segmented: DataDirectory) -> DataDirectory:
    return segmented


def floor(term: int, index: int) -> HardState:
    return msgspec.structs.replace(HARD, floor_term=term, floor_index=index)


@pytest.fixture
def file(directory: DataDirectory) -> Path:
    """Write and close a log with entries 1 to 9 of term 1, and 10 to 12 of term 2."""
    log = opened(directory)
    for one in WHOLE:
        log.write([batch(one, hard_state=HARD)])
    log.close()
    (file,) = files(directory)
    return file


# Damage


def test_a_damaged_record_in_the_middle_cuts_the_log(directory: DataDirectory, file: Path) -> None:
    flip(file, b"command 6 of term 1")
    stored, findings = load(directory)
    assert stored == Stored(floor(2, 12), None, entries(1, 5)), "nothing else is forgotten"
    assert any("1 writes of the log are damaged" in finding for finding in findings)
    assert any("log.corrupt-1" in finding for finding in findings)
    kept = directory.path / "log.corrupt-1" / file.name
    assert b"command 12 of term 2" in kept.read_bytes()


def test_a_damaged_last_record_may_have_been_a_vote(directory: DataDirectory, file: Path) -> None:
    flip(file, b"command 12 of term 2")
    stored, findings = load(directory)
    assert stored == Stored(
        HardState(2, "n2", floor_term=2, floor_index=12, is_amnesiac=True), None, WHOLE[:-1]
    )
    assert "1 durable writes have vanished" in findings


def test_damage_behind_the_snapshot_loses_nothing(directory: DataDirectory, file: Path) -> None:
    log = opened(directory)
    log.compact(snapshot(8), 5)
    log.close()
    flip(file, b"command 6 of term 1")
    stored, findings = load(directory)
    assert stored == Stored(HARD, snapshot(8), WHOLE[6:])
    assert findings


def test_damage_right_after_the_snapshot_leaves_the_snapshot(
    directory: DataDirectory, file: Path
) -> None:
    log = opened(directory)
    log.compact(snapshot(8), 5)
    log.close()
    flip(file, b"command 9 of term 1")
    assert load(directory)[0] == Stored(floor(2, 12), snapshot(8), WHOLE[4:8])


def test_entries_that_a_damaged_record_replaced_are_not_gone_on_from(
    directory: DataDirectory,
) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 9))])
    log.write([batch(*entries(6, 8, term=3), hard_state=HARD)])
    log.write([batch(entry(9, 3))])
    log.close()
    (file,) = files(directory)
    flip(file, b"command 7 of term 3")
    stored, _ = load(directory)
    assert stored == Stored(floor(3, 9), None, entries(1, 9)[:8])


def test_a_damaged_record_without_entries_costs_no_entry(directory: DataDirectory) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 3))])
    log.write([batch(hard_state=HardState(2, "n3"))])
    log.write([batch(*entries(4, 5), hard_state=HARD)])
    log.close()
    (file,) = files(directory)
    flip(file, b"n3")
    stored, findings = load(directory)
    assert stored == Stored(HARD, None, entries(1, 5))
    assert findings


@pytest.mark.parametrize("place", [0, 2, -1])
@pytest.mark.parametrize("damage", ["missing", "empty", "zeros", "of another log", "renamed"])
def test_a_lost_segment_is_missed(
    directory: DataDirectory, tmp_path: Path, place: int, damage: str
) -> None:
    found = fill(directory, HARD)
    file, content = found[place], found[place].read_bytes()
    match damage:
        case "missing":
            file.unlink()
        case "empty":
            file.write_bytes(b"")
        case "zeros":
            file.write_bytes(bytes(len(content)))
        case "of another log":
            with open_directory(tmp_path / "other") as other:
                other.note_version(SEGMENTS_SINCE)
                file.write_bytes(fill(other, HARD)[place].read_bytes())
        case _:
            file.rename(file.with_name("0000000099.segment"))
    stored, findings = load(directory)
    assert findings
    assert stored.entries == entries(1, len(stored.entries))
    assert (len(stored.entries) == 0) == (place == 0)
    assert len(stored.entries) < 60
    hard = stored.hard_state
    assert (hard.floor_term, hard.floor_index) == (1, 60)
    assert hard.is_amnesiac == (place == -1), "a later record has term and vote"


def test_segments_that_begin_late_do_not_go_on_from_what_the_database_has(tmp_path: Path) -> None:
    with open_directory(tmp_path / "data") as directory:
        log = opened(directory)
        log.write([batch(*entries(1, 40))])
        directory.note_version(SEGMENTS_SINCE)
        log.write([batch(*entries(5, 9, term=2), hard_state=HARD)])
        for index in range(10, 61):
            log.write([batch(entry(index, 3))])
        log.close()
        files(directory)[0].unlink()
        stored, findings = load(directory)
        assert stored == Stored(floor(3, 60), None, entries(1, len(stored.entries)))
        assert 9 < len(stored.entries) < 40
        assert findings


@pytest.mark.parametrize("cut", [1, 60, 2000])
def test_a_segment_that_was_cut_is_missed_unless_only_zeros_are_gone(
    directory: DataDirectory, cut: int
) -> None:
    last = fill(directory, HARD)[-1]
    content = last.read_bytes()
    used = len(content.rstrip(b"\0"))
    os.truncate(last, max(0, used - cut))
    stored, findings = load(directory)
    assert findings
    assert stored.hard_state.is_amnesiac
    assert stored.hard_state.floor_index == 60


def test_a_segment_without_its_zeros_is_whole(directory: DataDirectory) -> None:
    last = fill(directory, HARD)[-1]
    os.truncate(last, len(last.read_bytes().rstrip(b"\0")))
    assert load(directory) == (Stored(HARD, None, entries(1, 60)), ())


def test_a_segment_of_an_earlier_time_is_missed(directory: DataDirectory) -> None:
    log = opened(directory)
    for index in range(1, 4):
        log.write([batch(entry(index), hard_state=HARD)])
    (file,) = files(directory)
    earlier = file.read_bytes()
    log.write([batch(entry(4))])
    log.close()
    file.write_bytes(earlier)
    stored, findings = load(directory)
    assert stored.hard_state.is_amnesiac
    assert stored.hard_state.floor_index == 4
    assert findings


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records SET value = x'00' WHERE name = 'segments'",
        "UPDATE records SET checksum = 1 WHERE name = 'segments'",
        "DELETE FROM records WHERE name = 'segments'",
    ],
)
def test_without_the_id_of_its_segments_the_log_is_lost(
    directory: DataDirectory, file: Path, statement: str
) -> None:
    assert execute(directory.path / "log.db", statement) == 1
    stored, findings = load(directory)
    assert stored.hard_state.is_amnesiac
    assert stored.entries == ()
    assert findings
    assert (directory.path / "log.corrupt-1" / file.name).exists()


def test_a_lost_database_is_a_lost_log_and_the_segments_are_kept_aside(
    directory: DataDirectory, file: Path
) -> None:
    (directory.path / "log.db").unlink()
    stored, findings = load(directory)
    assert stored.hard_state.is_amnesiac
    assert stored.hard_state.floor_index == 12
    assert any("missing" in finding for finding in findings)
    assert (directory.path / "log.corrupt-1" / file.name).exists()


# Anything


@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_damaged_nothing_false_is_served_and_no_loss_goes_untold(
    directory: DataDirectory, seed: int
) -> None:
    chance = random.Random(seed)
    log = opened(directory)
    truth: list[Persist] = [batch(*entries(1, 5), hard_state=HARD)]
    truth += [batch(entry(index)) for index in range(6, 40)]
    truth += [batch(*entries(index, index + 3, term=2)) for index in range(37, 90, 3)]
    truth.append(batch(*entries(91, 99, term=3), hard_state=HardState(3, "n3")))
    for one in truth:
        log.write([one])
        if one.entries[-1].index == 61:
            log.compact(snapshot(50, 2), 21)
    log.close()
    whole = {found.index: found for one in truth for found in one.entries}
    for _ in range(chance.randint(1, 2)):
        _damage(chance.choice(files(directory)), chance)
    try:
        stored, findings = load(directory)
    except StorageError as error:
        pytest.fail(f"the node could never start again: {error!r}")
    end = stored.entries[-1].index if stored.entries else 0
    hard = stored.hard_state
    has_all = end == 99 and all(whole[found.index] == found for found in stored.entries)
    if not (has_all and (hard.term, hard.voted_for) == (3, "n3")):
        assert hard.is_amnesiac or (hard.floor_term, hard.floor_index) == (3, 99)
        assert findings
    # An entry that was replaced may come back, but then nothing that followed it.
    written = {(found.index, found.term): found for one in truth for found in one.entries}
    assert all(written[found.index, found.term] == found for found in stored.entries)
    terms = [found.term for found in stored.entries]
    assert terms == sorted(terms)
    assert stored.snapshot == snapshot(50, 2)


def _damage(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    place = chance.randrange(max(1, len(content.rstrip(b"\0"))))
    match chance.randrange(5):
        case 0:
            content[place] ^= 1 << chance.randrange(8)
        case 1:
            content[place : place + 16] = chance.randbytes(16)
        case 2:
            place -= place % 512
            content[place : place + 512] = bytes(512)
        case 3:
            del content[place:]
        case _:
            file.unlink()
            return
    file.write_bytes(content)
