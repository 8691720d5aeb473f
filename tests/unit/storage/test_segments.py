"""A durable record costs one write and one sync, and the disk's errors are told apart."""

import errno
import os
import random
from itertools import pairwise
from pathlib import Path

import pytest

from roost.raft.messages import HardState, Position
from roost.storage import FullError, StorageError, segments
from roost.storage.segment_records import Found, Record, Segment
from roost.storage.segments import Segments
from roost.storage.witness import Marker
from support.stores import entries, entry

HARD = HardState(2, "n2")
FIRST = Record(Marker(), HardState())
SEGMENT = Segment(b"RL\x01\x02\x03\x04\x05\x06", 7)


def record(first: int, last: int, term: int = 1) -> Record:
    return Record(Marker(last, last, term), HARD, entries(first, last, term), term)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Segments:
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 4096)
    return Segments.create(tmp_path / "log", FIRST)


def found(one: Segments, path: Path) -> list[Record]:
    """Return what is there after a restart, but for the first record."""
    one.close()
    again = Segments(path / "log", one.id)
    records = again.read()
    assert [each.sequence for each in records] == list(range(1, len(records) + 1))
    again.resume()
    again.close()
    return [each.record for each in records][1:]


# Records


def test_records_come_back_as_they_were() -> None:
    written = (record(1, 3), Record(Marker(4, 3, 1), HARD, (), -1, (Position("n1", 1, 2),)))
    content, places = b"", []
    for sequence, one in enumerate(written, 5):
        places.append(len(content))
        content += SEGMENT.encode(one, len(content), sequence)
    for padding in (b"", bytes(100), b"\xff" * 100):
        read = list(SEGMENT.scan(content + padding))
        assert [each.record for each in read] == list(written)
        assert [(each.sequence, each.offset) for each in read] == [(5, 0), (6, places[1])]
        assert read[-1].end == len(content)


@pytest.mark.parametrize("change", ["flipped", "cut"])
def test_a_record_that_is_damaged_anywhere_is_not_read_and_the_next_one_is(change: str) -> None:
    first = SEGMENT.encode(record(1, 2), 0, 1)
    second = SEGMENT.encode(record(3, 4), len(first), 2)
    whole = first + second
    for place in range(len(whole)):
        content = bytearray(whole)
        if change == "cut":
            del content[place:]
        else:
            content[place] ^= 1 << place % 8
        read = [each.sequence for each in SEGMENT.scan(bytes(content))]
        if place >= len(first):
            assert read == [1]
        else:
            assert read == ([] if change == "cut" else [2])


def test_a_record_counts_only_where_it_was_written() -> None:
    data = SEGMENT.encode(record(1, 2), 0, 1)
    assert len(list(SEGMENT.scan(data))) == 1
    assert list(SEGMENT.scan(b"\0" + data)) == []
    assert list(SEGMENT._replace(number=8).scan(data)) == []
    assert list(SEGMENT._replace(id=b"RL\x01\x02\x03\x04\x05\x07").scan(data)) == []


def test_a_message_that_holds_a_record_is_not_taken_for_one() -> None:
    inner = SEGMENT.encode(record(7, 9), 0, 3)
    outer = record(1, 1)
    (only,) = outer.entries
    forged = Record(outer.marker, HARD, (type(only)(1, 1, 0, 1, inner * 3),))
    content = SEGMENT.encode(forged, 0, 1)
    damaged = b"\0" + content[1:]
    assert list(SEGMENT.scan(damaged)) == []


def test_entries_are_cut_out_in_place() -> None:
    content = b""
    for sequence, one in enumerate((record(1, 4), record(5, 8), Record(Marker(9), HARD)), 1):
        content += SEGMENT.encode(one, len(content), sequence)
    before = list(SEGMENT.scan(content))
    after = list(SEGMENT.scan(SEGMENT.without(content, 7)))
    assert [each.sequence for each in after] == [1, 2, 3]
    assert [each.offset for each in after] == [each.offset for each in before]
    assert [each.record.entries for each in after] == [(), entries(7, 8), ()]
    assert [each.record.marker for each in after] == [each.record.marker for each in before]
    assert b"command 6" not in SEGMENT.without(content, 7)


# Files


def test_a_durable_record_is_one_write_and_then_one_sync(
    made: Segments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in ("pwrite", "fdatasync", "fsync", "open"):
        monkeypatch.setattr(os, name, _noting(calls, name, getattr(os, name)))
    for index in range(1, 9):
        made.append(record(index, index), ())
        assert calls == ["pwrite", "fdatasync"]
        calls.clear()
    made.append(record(9, 9), (), is_lazy=True)
    assert calls == ["pwrite"]
    made.append(record(10, 10), ())
    assert calls == ["pwrite", "fdatasync", "pwrite", "fdatasync"], "in order on the disk, too"
    assert len(found(made, tmp_path)) == 10


def _noting(calls: list[str], name: str, call: object) -> object:
    def noted(*arguments: object) -> object:
        calls.append(name)
        return call(*arguments)  # type: ignore[operator]

    return noted


def test_a_write_never_changes_the_size_of_a_file(made: Segments, tmp_path: Path) -> None:
    for index in range(1, 200):
        made.append(record(index, index), ())
    sizes = {path.stat().st_size for path in (tmp_path / "log").iterdir()}
    assert sizes == {4096}
    assert len(list((tmp_path / "log").iterdir())) > 3
    assert [one.entries[0].index for one in found(made, tmp_path)] == list(range(1, 200))


def test_a_record_larger_than_a_file_has_one_of_its_own(made: Segments, tmp_path: Path) -> None:
    large = record(1, 500)
    made.append(large, ())
    made.append(record(501, 501), ())
    assert [one.entries for one in found(made, tmp_path)] == [large.entries, (entry(501),)]


def test_each_file_says_how_far_the_members_were(made: Segments, tmp_path: Path) -> None:
    known = (Position("n1", 1, 5),)
    for index in range(1, 100):
        made.append(record(index, index), known)
    while made.drop_before(90):
        pass
    made.close()
    again = Segments(tmp_path / "log", made.id)
    assert again.read()[0].record.positions == known


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("is_short", [False, True])
def test_without_room_nothing_is_stored_and_the_same_call_works_later(
    made: Segments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, is_short: bool
) -> None:
    real = os.pwrite

    def full(descriptor: int, data: bytes, offset: int) -> int:
        if is_short and len(data) > 10:
            return real(descriptor, data[: len(data) // 2], offset)
        raise OSError(number, os.strerror(number))

    written = [record(index, index) for index in range(1, 100)]
    for index, one in enumerate(written):
        if index % 9 == 0:
            with monkeypatch.context() as patch:
                patch.setattr(os, "pwrite", full)
                with pytest.raises(FullError):
                    made.append(record(index + 1, index + 2, term=9), ())
        made.append(one, ())
    assert [one.entries for one in found(made, tmp_path)] == [one.entries for one in written]


def test_a_new_file_that_does_not_fit_is_removed_and_tried_again(
    made: Segments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = segments._make
    refused: list[Path] = []

    def make(path: Path, content: bytes) -> None:
        if len(refused) < 2:
            refused.append(path)
            path.write_bytes(content[:100])
            raise OSError(errno.ENOSPC, "no room")
        real(path, content)

    monkeypatch.setattr(segments, "_make", make)
    index = 0
    while len(refused) < 2:
        try:
            made.append(record(index + 1, index + 1), ())
            index += 1
        except FullError:
            assert not refused[-1].exists()
    made.append(record(index + 1, index + 1), ())
    assert refused[0] == refused[1]
    assert len(found(made, tmp_path)) == index + 1


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_failed_sync_is_final(
    made: Segments, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def broken(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", broken)
        with pytest.raises(StorageError) as failure:
            made.append(record(1, 1), ())
        assert not isinstance(failure.value, FullError)
    with pytest.raises(StorageError, match="earlier write failed"):
        made.append(record(1, 1), ())
    made.close()


def test_what_another_log_left_is_removed_but_nothing_else(made: Segments, tmp_path: Path) -> None:
    made.append(record(1, 3), ())
    other = Segments.create(tmp_path / "log", FIRST)
    other.append(record(1, 1), ())
    other.close()
    (tmp_path / "log" / "notes.txt").write_text("mine")
    (tmp_path / "log" / "0000000001.new").write_text("half")
    assert [one.entries for one in found(made, tmp_path)] == [entries(1, 3)]
    names = sorted(path.name for path in (tmp_path / "log").iterdir())
    assert names == ["0000000001.segment", "notes.txt"]


def test_dropping_while_appending_keeps_exactly_what_is_asked_for(
    made: Segments, tmp_path: Path
) -> None:
    chance = random.Random(1)
    kept: dict[int, int] = {}
    last = first = 0
    for term in range(1, 400):
        begin = chance.randint(max(first, last - 3, 0), last) + 1
        end = begin + chance.randint(0, 6)
        made.append(record(begin, end, term), ())
        kept = {index: of for index, of in kept.items() if index < begin}
        kept |= dict.fromkeys(range(begin, end + 1), term)
        last = end
        if chance.random() < 0.05:
            first = chance.randint(first, last)
            while made.drop_before(first):
                pass
            kept = {index: of for index, of in kept.items() if index >= first}
    made.close()
    again = Segments(tmp_path / "log", made.id)
    assert _replayed(again.read()) == kept


def _replayed(records: tuple[Found, ...]) -> dict[int, int]:
    """Return the term of each entry."""
    assert {after.sequence - one.sequence for one, after in pairwise(records)} == {1}
    terms: dict[int, int] = {}
    for each in records:
        if each.record.entries:
            first = each.record.entries[0].index
            terms = {index: term for index, term in terms.items() if index < first}
            terms |= {one.index: one.term for one in each.record.entries}
    return terms
