"""A log in segments survives a crash at any moment, and what it drops is gone."""

import os
import random
from pathlib import Path

import msgspec
import pytest

from roost.raft.messages import HardState, Position, Stored
from roost.storage import DataDirectory, LogStore
from roost.storage.log_store import SEGMENTS_SINCE
from support.segments import (
    HARD,
    WHOLE,
    all_files,
    files,
    fill,
    found_if_killed,
    load,
    load_copy_of,
    opened,
)
from support.stores import (
    batch,
    copy_as_after_kill,
    entries,
    entry,
    execute,
    open_directory,
    snapshot,
)

pytestmark = pytest.mark.usefixtures("small_segments")


@pytest.fixture
def directory(segmented: DataDirectory) -> DataDirectory:
    return segmented


# A write that was cut short


def _tear(before: bytes, after: bytes, number: int) -> bytes:
    """Return what is on the disk if a write was cut short, or parts of it are not there yet."""
    start, end = len(before.rstrip(b"\0")), len(after.rstrip(b"\0"))
    chance = random.Random(number)
    torn = bytearray(after)
    if number % 2:
        cut = chance.randrange(start, end)
        torn[cut:] = before[cut:]
    else:
        missing = chance.randrange(start, end)
        for place in range(start, end, 16):
            if place <= missing < place + 16 or chance.random() < 0.5:
                torn[place : place + 16] = before[place : place + 16]
    return bytes(torn)


@pytest.mark.parametrize("number", range(24))
def test_a_torn_write_was_never_there(
    directory: DataDirectory, tmp_path: Path, number: int
) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 3), hard_state=HARD)])
    copy_as_after_kill(directory.path, tmp_path / "killed")
    (file,) = files(directory)
    before = file.read_bytes()
    log.write([batch(*entries(4, 9), hard_state=HardState(7, "n1"))])
    torn = _tear(before, file.read_bytes(), number)
    log.close()
    (tmp_path / "killed" / "log" / file.name).write_bytes(torn)
    with open_directory(tmp_path / "killed") as killed:
        log = LogStore(killed)
        assert log.load() == Stored(HARD, None, entries(1, 3))
        assert log.findings == ()
        # What is written then does not depend on what is left of the torn one.
        log.write([batch(entry(4, 2))])
        log.close()
        assert load(killed) == (Stored(HARD, None, (*entries(1, 3), entry(4, 2))), ())


def test_a_node_killed_within_a_write_has_all_of_it_or_nothing(
    directory: DataDirectory, tmp_path: Path
) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 20), hard_state=HARD)])
    more = [batch(*entries(18, 40, term=3)), batch(hard_state=HardState(3, "n3"))]
    assert found_if_killed(directory, tmp_path, log, lambda: log.write(more)) == [
        Stored(HARD, None, entries(1, 20)),
        Stored(HardState(3, "n3"), None, (*entries(1, 17), *entries(18, 40, term=3))),
    ]


def test_a_node_killed_while_the_log_moves_into_segments_loses_nothing(tmp_path: Path) -> None:
    with open_directory(tmp_path / "data") as directory:
        log = opened(directory)
        known = (Position("n3", 1, 2),)
        log.write([msgspec.structs.replace(batch(*WHOLE, hard_state=HARD), positions=known)])
        directory.note_version(SEGMENTS_SINCE)
        more = [batch(entry(13, 2))]
        assert found_if_killed(directory, tmp_path, log, lambda: log.write(more)) == [
            Stored(HARD, None, WHOLE, known),
            Stored(HARD, None, (*WHOLE, entry(13, 2)), known),
        ]
        (file,) = files(directory)
        assert b"command 12" not in file.read_bytes(), "old entries stay where they are"


def test_a_node_killed_while_it_stores_a_leaders_snapshot_has_all_or_nothing(
    directory: DataDirectory, tmp_path: Path
) -> None:
    log = opened(directory)
    log.write([batch(*entries(1, 20), hard_state=HARD)])
    log.write([batch(*entries(21, 40))])
    hard = HardState(5, "")
    more = [batch(entry(101, 4), snapshot=snapshot(100, 4), hard_state=hard)]
    assert found_if_killed(directory, tmp_path, log, lambda: log.write(more)) == [
        Stored(HARD, None, entries(1, 40)),
        Stored(hard, snapshot(100, 4), (entry(101, 4),)),
    ]
    assert len(files(directory)) == 1
    assert b"command 20" not in b"".join(path.read_bytes() for path in all_files(directory))


def test_a_node_killed_while_it_drops_entries_has_what_is_kept(
    directory: DataDirectory, tmp_path: Path
) -> None:
    found = fill(directory, HARD)
    log = opened(directory)
    seen = found_if_killed(directory, tmp_path, log, lambda: log.compact(snapshot(40), 30))
    for stored in seen:
        assert stored.hard_state == HARD
        assert stored.snapshot in (None, snapshot(40))
        assert stored.entries == entries(stored.entries[0].index, 60)
        assert stored.snapshot is not None or stored.entries[0].index == 1
    assert load(directory)[0].entries == entries(30, 60)
    assert len(files(directory)) < len(found)


# What is dropped


@pytest.mark.parametrize("moved", [False, True])
def test_what_is_dropped_is_gone_from_the_disk(tmp_path: Path, moved: bool) -> None:
    with open_directory(tmp_path / "data") as directory:
        if not moved:
            directory.note_version(SEGMENTS_SINCE)
        log = opened(directory)
        for index in range(1, 50):
            log.write([batch(entry(index))])
        directory.note_version(SEGMENTS_SINCE)
        log.write([batch(*entries(50, 70))])
        held = [(path, os.open(path, os.O_RDONLY)) for path in files(directory)]
        log.compact(snapshot(60), 56)
        log.write([batch(entry(71))])
        kept = b"".join(path.read_bytes() for path in all_files(directory))
        assert b"command 55 " not in kept
        assert b"command 56 " in kept
        for path, descriptor in held:
            content = os.pread(descriptor, 100_000, 0)
            assert b"command 55 " not in content, path
            os.close(descriptor)
        assert load_copy_of(directory, tmp_path).entries == entries(56, 71)
        log.compact(snapshot(71), 72)
        assert not any(b"command" in path.read_bytes() for path in all_files(directory))
        assert load_copy_of(directory, tmp_path).entries == ()
        log.write([batch(entry(72))])
        log.close()
        assert load(directory) == (Stored(HardState(), snapshot(71), (entry(72),)), ())


def test_what_a_leaders_snapshot_replaces_is_gone_from_the_disk(tmp_path: Path) -> None:
    with open_directory(tmp_path / "data") as directory:
        log = opened(directory)
        log.write([batch(*entries(1, 9), hard_state=HARD)])
        directory.note_version(SEGMENTS_SINCE)
        log.write([batch(*entries(10, 20))])
        (file,) = files(directory)
        held = os.open(file, os.O_RDONLY)
        log.write([batch(snapshot=snapshot(40))])
        log.close()
        assert not os.pread(held, 100_000, 0).strip(b"\0")
        os.close(held)
        assert not any(b"command" in path.read_bytes() for path in all_files(directory))
        assert execute(directory.path / "log.db", "DELETE FROM entries") == 0
        assert load(directory) == (Stored(HARD, snapshot(40), ()), ())


def test_a_file_that_has_another_name_is_not_overwritten(
    directory: DataDirectory, tmp_path: Path
) -> None:
    found = fill(directory, HARD)
    os.link(found[0], tmp_path / "copy")
    log = opened(directory)
    log.compact(snapshot(60), 61)
    log.close()
    assert b"command 1 of term 1" in (tmp_path / "copy").read_bytes()
    assert not found[0].exists()
