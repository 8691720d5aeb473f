import random

import pytest

from roost.raft.log import ENTRY_BYTES, UNKNOWN_TERM, Log
from roost.raft.messages import Entry, Snapshot
from support.raft_replica import entries, entry

SNAPSHOT = Snapshot(index=5, term=2, time_ms=50, data=b"")


def sized(*sizes: int) -> tuple[Entry, ...]:
    """Return entries of these sizes in bytes."""
    return tuple(
        entry(index, 1, b"x" * (size - ENTRY_BYTES)) for index, size in enumerate(sizes, start=1)
    )


def test_an_empty_log_begins_before_its_first_entry() -> None:
    log = Log(None, ())
    assert (log.first_index, log.last_index, log.last_term, log.last_time_ms) == (1, 0, 0, 0)
    assert log.term_at(0) == 0
    assert log.term_at(1) == UNKNOWN_TERM
    assert log.bytes_total == 0


def test_an_empty_log_goes_on_after_its_snapshot() -> None:
    log = Log(SNAPSHOT, ())
    assert (log.first_index, log.last_index, log.last_term, log.last_time_ms) == (6, 5, 2, 50)
    assert log.term_at(5) == 2
    assert log.term_at(4) == UNKNOWN_TERM


def test_entries_before_the_snapshot_are_kept() -> None:
    log = Log(SNAPSHOT, entries(1, 1, 2, 2, 3, first=2))
    assert log.first_index == 2
    assert log.term_at(1) == UNKNOWN_TERM, "the entry before the first one is described nowhere"
    assert [log.term_at(index) for index in range(2, 8)] == [1, 1, 2, 2, 3, UNKNOWN_TERM]


def test_entries_that_end_before_the_snapshot_are_dropped() -> None:
    log = Log(SNAPSHOT, entries(1, 1, 2))
    assert (log.first_index, log.last_index, log.last_term) == (6, 5, 2)


@pytest.mark.parametrize(
    ("snapshot", "held"),
    [
        (None, entries(1, first=2)),
        (SNAPSHOT, entries(3, first=7)),
        (SNAPSHOT, entries(1, 1, 1, first=4)),  # another term at the snapshot's index
    ],
)
def test_a_log_with_a_hole_is_refused(snapshot: Snapshot | None, held: tuple[Entry, ...]) -> None:
    with pytest.raises(AssertionError):
        Log(snapshot, held)


def test_entries_must_follow_the_last_one() -> None:
    log = Log(None, entries(1, 1))
    with pytest.raises(AssertionError, match="hole"):
        log.append(entries(1, first=4))


def test_truncation_takes_the_end_and_its_bytes() -> None:
    log = Log(None, ())
    log.append((entry(1, 1, b"aa", 10), entry(2, 1, b"bb", 20), entry(3, 2, b"cc", 30)))
    log.truncate(2)
    assert (log.last_index, log.last_term, log.last_time_ms) == (1, 1, 10)
    assert log.bytes_total == 2 + ENTRY_BYTES
    log.truncate(1)
    assert (log.last_index, log.last_term, log.last_time_ms) == (0, 0, 0)
    assert log.bytes_total == 0
    log.append(entries(5))
    assert log.last_term == 5


@pytest.mark.parametrize(
    ("first", "bytes_max", "indices"),
    [
        (1, 100, [1, 2]),
        (1, 99, [1]),
        (1, 1, [1]),  # one at least
        (3, 200, [3]),
        (2, 250, [2, 3]),
        (3, 210, [3, 4]),
        (1, 10_000, [1, 2, 3, 4]),
        (5, 10_000, []),
    ],
)
def test_a_batch_fits_or_has_one_entry(first: int, bytes_max: int, indices: list[int]) -> None:
    log = Log(None, sized(50, 50, 160, 50))
    assert [e.index for e in log.batch(first, bytes_max)] == indices


def test_bytes_are_counted_the_same_after_everything() -> None:
    chance = random.Random(5)
    log = Log(None, ())
    term = 1
    for _ in range(300):
        what = chance.randrange(4)
        if what <= 1:
            term += chance.randrange(2)
            added = [
                entry(log.last_index + 1 + number, term, b"x" * chance.randrange(50))
                for number in range(chance.randint(1, 5))
            ]
            log.append(added)
        elif what == 2 and log.last_index > log.previous_index:
            log.truncate(chance.randint(log.first_index, log.last_index))
        elif log.last_index > log.previous_index and chance.random() < 0.3:
            log.compact(chance.randint(log.first_index, log.last_index + 1))
        held = log.between(log.first_index, log.last_index)
        assert len(held) == log.last_index - log.previous_index
        assert log.bytes_total == sum(len(e.data) + ENTRY_BYTES for e in held)
        after = chance.randint(log.previous_index, log.last_index)
        assert log.bytes_between(after, log.last_index) == sum(
            len(e.data) + ENTRY_BYTES for e in held if e.index > after
        )


def test_compaction_remembers_the_entry_before_the_first() -> None:
    log = Log(None, entries(1, 1, 2, 3))
    log.compact(4)
    assert (log.first_index, log.term_at(3), log.term_at(2)) == (4, 2, UNKNOWN_TERM)
    log.compact(2)
    assert log.first_index == 4, "what is dropped stays dropped"
    log.compact(5)
    assert (log.first_index, log.last_index, log.last_term) == (5, 4, 3)


def test_a_restart_forgets_everything() -> None:
    log = Log(None, entries(1, 1, 2, 3, 3, 3, 3))
    log.restart(SNAPSHOT)
    assert (log.first_index, log.last_index, log.last_term, log.last_time_ms) == (6, 5, 2, 50)
    log.append(entries(4, first=6))
    assert log.bytes_total == 1 + ENTRY_BYTES


@pytest.mark.parametrize(
    ("index", "term", "found"),
    [
        (9, 9, 6),  # all of it
        (6, 4, 6),
        (6, 3, 5),  # skips the whole last term
        (6, 2, 3),  # there is no term 2: the end of term 1
        (4, 3, 4),
        (2, 4, 2),
        (6, 0, 0),
        (0, 5, 0),
    ],
)
def test_the_last_place_where_logs_may_agree(index: int, term: int, found: int) -> None:
    log = Log(None, entries(1, 1, 1, 3, 3, 4))
    assert log.last_index_at_most(index, term) == found


@pytest.mark.parametrize(
    ("terms", "first", "position"),
    [
        ((1, 1, 2), 1, 3),  # all there
        ((1, 1, 2, 2, 2), 1, 4),  # the fifth is new
        ((2, 3), 4, 1),  # follows after one that is there
        ((1, 3), 2, 1),  # the second differs
        ((3, 3, 3), 3, 0),
        ((4,), 5, 0),  # just follows
    ],
)
def test_the_first_entry_that_differs(terms: tuple[int, ...], first: int, position: int) -> None:
    log = Log(None, entries(1, 1, 2, 2))
    assert log.first_difference(entries(*terms, first=first)) == position


def test_up_to_dateness_is_term_before_length() -> None:
    log = Log(None, entries(1, 2, 2))
    assert log.is_up_to_date(3, 1)
    assert log.is_up_to_date(2, 3)
    assert not log.is_up_to_date(2, 2)
    assert not log.is_up_to_date(1, 99)
