"""History is stored once, repaired when damaged, and never served with errors."""

import random
import shutil
from pathlib import Path

import pytest

from roost.chat.history import KIND_EVENT, KINDS, Anchor, Owner, Page, Row, Target, Targets
from roost.chat.ids import Position
from roost.storage import (
    CorruptRowsError,
    DataDirectory,
    FullError,
    HistoryStore,
    MalformedError,
)
from support.stores import copy_as_after_kill, execute, flip, open_directory, row

ALL = Page("r:1", 1000, is_newest=True, kinds=KINDS)


def at(position: int) -> Position:
    return Position(position)


def rows_of(first: int, last: int, conversation: str = "r:1") -> list[Row]:
    return [row(position, conversation) for position in range(first, last + 1)]


def reopen(store: HistoryStore, directory: DataDirectory) -> HistoryStore:
    store.close()
    return HistoryStore(directory)


# Writing


def test_a_new_history_is_empty(history: HistoryStore) -> None:
    assert history.applied == 0
    assert history.gaps() == ()
    assert history.findings == ()
    assert history.answer(ALL) == ()


def test_rows_and_the_applied_position_are_kept(
    directory: DataDirectory, history: HistoryStore
) -> None:
    history.write(rows_of(1, 5), at(7))
    again = reopen(history, directory)
    assert again.applied == 7
    assert again.answer(ALL) == tuple(rows_of(1, 5))
    again.close()


def test_rows_that_exist_stay_when_entries_are_applied_again(history: HistoryStore) -> None:
    history.write(rows_of(1, 5), at(5))
    history.write(rows_of(1, 3), at(3))
    assert history.applied == 5
    assert history.answer(ALL) == tuple(rows_of(1, 5))


def test_one_change_lies_in_several_conversations_and_one_entry_holds_several_changes(
    history: HistoryStore,
) -> None:
    rows = [row(1), row(1, "r:2"), row(1, part=1), row(2)]
    history.write(rows, at(2))
    assert history.answer(ALL) == (row(1), row(1, part=1), row(2))
    assert history.export(at(1), at(2), 10_000)[0] == (
        row(1),
        row(1, "r:2"),
        row(1, part=1),
        row(2),
    )


def test_what_is_synced_needs_no_write_ahead_log(
    directory: DataDirectory, history: HistoryStore, tmp_path: Path
) -> None:
    history.write(rows_of(1, 5), at(5))
    history.add_gap(at(6), at(9))
    history.sync()
    (tmp_path / "copy").mkdir()
    for name in ("history.db", "identity.json"):
        shutil.copy(directory.path / name, tmp_path / "copy" / name)
    with open_directory(tmp_path / "copy") as copy:
        store = HistoryStore(copy)
        assert (store.applied, store.gaps()) == (5, ((6, 9),))
        assert store.answer(ALL) == tuple(rows_of(1, 5))
        store.close()


def test_a_torn_transaction_takes_back_rows_and_position_together(
    directory: DataDirectory, history: HistoryStore, tmp_path: Path
) -> None:
    history.write(rows_of(1, 5), at(5))
    history.write(rows_of(6, 90), at(90))
    copy_as_after_kill(directory.path, tmp_path / "killed")
    wal = tmp_path / "killed" / "history.db-wal"
    wal.write_bytes(wal.read_bytes()[: -4096 - 500])
    with open_directory(tmp_path / "killed") as killed:
        store = HistoryStore(killed)
        assert store.applied == 5
        assert store.answer(ALL) == tuple(rows_of(1, 5))
        store.close()


def test_a_full_disk_stores_nothing_and_the_same_call_works_later(history: HistoryStore) -> None:
    history.write(rows_of(1, 5), at(5))
    connection = history._database.connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    for _ in range(2):
        with pytest.raises(FullError, match="full"):
            history.write(rows_of(6, 900), at(900))
    with pytest.raises(FullError):
        history.import_rows(rows_of(1, 900), at(1), at(900))
    assert history.applied == 5
    assert history.answer(ALL) == tuple(rows_of(1, 5))
    connection.execute("PRAGMA max_page_count = 1000000")
    history.write(rows_of(6, 900), at(900))
    assert history.applied == 900
    assert history.answer(ALL) == tuple(rows_of(1, 900))


# Gaps


def test_gaps_are_kept_and_narrowed(directory: DataDirectory, history: HistoryStore) -> None:
    history.add_gap(at(20), at(30))
    history.add_gap(at(5), at(9))
    assert history.gaps() == ((5, 9), (20, 30))
    history.narrow_gap(at(20), at(24))
    history.narrow_gap(at(5), at(9))
    assert history.gaps() == ((25, 30),)
    again = reopen(history, directory)
    assert again.gaps() == ((25, 30),)
    again.close()


@pytest.mark.parametrize(
    ("first", "last", "left"),
    [
        (1, 9, ((10, 20),)),
        (10, 20, ()),
        (1, 99, ()),
        (10, 12, ((13, 20),)),
        (18, 99, ((10, 17),)),
        (13, 14, ((10, 12), (15, 20))),
        (21, 99, ((10, 20),)),
    ],
)
def test_what_was_filled_is_no_gap_any_more(
    history: HistoryStore, first: int, last: int, left: tuple[tuple[int, int], ...]
) -> None:
    history.add_gap(at(10), at(20))
    history.narrow_gap(at(first), at(last))
    assert history.gaps() == left


def test_gaps_that_overlap_are_counted_once(history: HistoryStore) -> None:
    history.add_gap(at(10), at(20))
    history.add_gap(at(15), at(30))
    assert history.gaps() == ((10, 14), (15, 30))
    history.add_gap(at(31), at(30))
    assert history.gaps() == ((10, 14), (15, 30))


def test_the_applied_position_can_be_moved_past_a_gap(
    directory: DataDirectory, history: HistoryStore
) -> None:
    history.write(rows_of(1, 5), at(5))
    history.reset_applied(at(50))
    again = reopen(history, directory)
    assert again.applied == 50
    again.close()


# Neighbours


def test_an_export_gives_whole_positions_up_to_its_limit(history: HistoryStore) -> None:
    rows = [row(1), row(1, "r:2"), row(4), row(4, "r:2"), row(7)]
    history.write(rows, at(9))
    assert history.export(at(1), at(9), 10_000) == (tuple(rows), 9, ())
    assert history.export(at(2), at(6), 10_000) == (tuple(rows[2:4]), 6, ())
    assert history.export(at(1), at(9), 1) == (tuple(rows[:2]), 3, ())
    assert history.export(at(4), at(9), 1) == (tuple(rows[2:4]), 6, ())
    assert history.export(at(7), at(9), 1) == (tuple(rows[4:]), 9, ())
    assert history.export(at(8), at(9), 1) == ((), 9, ())


def test_exports_one_after_the_other_give_everything(history: HistoryStore) -> None:
    rows = [row(position, f"r:{position % 3}") for position in range(1, 400, 3)]
    history.write(rows, at(500))
    found: list[Row] = []
    covered = 0
    while covered < 500:
        part, covered, damaged = history.export(at(covered + 1), at(500), 900)
        assert part
        assert damaged == ()
        found += part
    assert found == rows


def test_an_export_leaves_out_positions_with_damaged_rows(
    directory: DataDirectory, history: HistoryStore
) -> None:
    history.write([*rows_of(1, 9), row(4, "r:2")], at(9))
    history.close()
    file = directory.path / "history.db"
    assert execute(file, "UPDATE rows SET time_ms = 0 WHERE position = 4 AND conversation = 'r:2'")
    assert execute(file, "UPDATE rows SET record = x'00' WHERE position = 6")
    store = HistoryStore(directory)
    rows, covered, damaged = store.export(at(1), at(9), 10_000)
    assert [found.position for found in rows] == [1, 2, 3, 5, 7, 8, 9]
    assert (covered, damaged) == (9, (4, 6))
    store.close()


def test_imported_rows_replace_those_of_their_positions_and_no_others(
    history: HistoryStore,
) -> None:
    history.write([*rows_of(1, 9), row(5, "r:2")], at(9))
    history.import_rows([row(4), row(6, part=1)], at(4), at(6))
    expected = (*rows_of(1, 4), row(6, part=1), *rows_of(7, 9))
    assert history.answer(ALL) == expected
    assert history.export(at(1), at(9), 10_000)[0] == expected


def test_backfilled_rows_lie_between_those_that_were_there(history: HistoryStore) -> None:
    history.write(rows_of(1, 3), at(3))
    history.add_gap(at(4), at(6))
    history.reset_applied(at(6))
    history.write(rows_of(7, 9), at(9))
    history.import_rows(rows_of(4, 6), at(4), at(6))
    assert history.answer(ALL) == tuple(rows_of(1, 9))


# Damage


@pytest.mark.parametrize(
    "change", ["record = x'00'", "time_ms = 3", "peer = 'x'", "kind = 1", "record = 'text'"]
)
def test_a_damaged_row_is_refused_until_a_neighbours_replaces_it(
    directory: DataDirectory, history: HistoryStore, change: str
) -> None:
    history.write(rows_of(1, 9), at(9))
    history.close()
    file = directory.path / "history.db"
    assert execute(file, f"UPDATE rows SET {change} WHERE position IN (4, 6)") == 2
    store = HistoryStore(directory)
    with pytest.raises(CorruptRowsError, match="4, 6") as caught:
        store.answer(ALL)
    assert caught.value.positions == (4, 6)
    # Other queries are answered as before.
    newest = Page("r:1", 3, is_newest=True, kinds=KINDS)
    assert store.answer(newest) == tuple(rows_of(7, 9))
    for position in caught.value.positions:
        store.import_rows([row(position)], position, position)
    assert store.answer(ALL) == tuple(rows_of(1, 9))
    store.close()


def test_a_flipped_bit_in_the_file_is_found(
    directory: DataDirectory, history: HistoryStore
) -> None:
    history.write(rows_of(1, 9), at(9))
    history.close()
    flip(directory.path / "history.db", b"record 5.0")
    store = HistoryStore(directory)
    with pytest.raises(CorruptRowsError) as caught:
        store.answer(ALL)
    assert caught.value.positions == (5,)
    store.close()


def test_a_damaged_row_on_the_way_to_a_time_is_found(
    directory: DataDirectory, history: HistoryStore
) -> None:
    history.write(rows_of(1, 9), at(9))
    history.close()
    execute(directory.path / "history.db", "UPDATE rows SET time_ms = 99999999 WHERE position = 5")
    store = HistoryStore(directory)
    page = Page("r:1", 2, is_newest=False, after=Anchor(time_ms=row(6).time_ms))
    with pytest.raises(CorruptRowsError) as caught:
        store.answer(page)
    assert caught.value.positions == (5,)
    store.import_rows([row(5)], at(5), at(5))
    assert store.answer(page) == (row(7), row(8))
    store.close()


def test_a_row_whose_place_is_damaged_condemns_the_file(
    directory: DataDirectory, history: HistoryStore
) -> None:
    history.write(rows_of(1, 9), at(9))
    history.close()
    execute(directory.path / "history.db", "UPDATE rows SET position = 1000 WHERE position = 5")
    store = HistoryStore(directory)
    with pytest.raises(MalformedError, match=r"history\.db\.corrupt-1"):
        store.answer(ALL)
    store.close()
    again = HistoryStore(directory)
    assert again.applied == 0, "it is filled anew from the neighbours"
    again.close()


def test_a_damaged_applied_position_is_found_out_from_the_rows(
    directory: DataDirectory, history: HistoryStore
) -> None:
    history.write(rows_of(1, 5), at(7))
    history.close()
    file = directory.path / "history.db"
    assert execute(file, "UPDATE records SET value = '9999' WHERE name = 'applied'") == 1
    assert execute(file, "UPDATE rows SET record = x'00' WHERE position = 5") == 1
    store = HistoryStore(directory)
    assert store.applied == 4
    assert store.findings
    again = reopen(store, directory)
    assert again.applied == 4
    assert again.findings == ()
    again.close()


def test_damaged_gaps_make_everything_a_gap(
    directory: DataDirectory, history: HistoryStore
) -> None:
    history.write(rows_of(1, 5), at(7))
    history.close()
    execute(directory.path / "history.db", "DELETE FROM records WHERE name = 'gaps'")
    store = HistoryStore(directory)
    assert store.gaps() == ((1, 7),)
    assert store.findings
    store.close()


@pytest.mark.parametrize("damage", ["header", "tree", "index"])
def test_a_malformed_file_is_moved_aside_and_history_starts_empty(
    directory: DataDirectory, history: HistoryStore, damage: str
) -> None:
    history.write(rows_of(1, 500), at(500))
    history.close()
    file = directory.path / "history.db"
    content = bytearray(file.read_bytes())
    if damage == "index":
        # If table and index disagreed, rows would silently be missing from pages.
        place = content.rindex(b"r:1")
        content[place : place + 3] = b"r:9"
    else:
        start = 0 if damage == "header" else len(content) // 2 // 4096 * 4096
        content[start : start + 8] = b"\xee" * 8
    file.write_bytes(content)
    store = HistoryStore(directory)
    assert (store.applied, store.gaps()) == (0, ())
    assert store.answer(ALL) == ()
    assert any("history.db.corrupt-1" in finding for finding in store.findings)
    assert (directory.path / "history.db.corrupt-1").exists()
    store.close()


@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_damaged_no_answer_is_false(
    directory: DataDirectory, history: HistoryStore, seed: int
) -> None:
    kinds = (0, KIND_EVENT)
    rows = [
        row(position, f"r:{position % 2}", kind=kinds[position % 3 == 0])
        for position in range(1, 300)
    ]
    pages = [Page(f"r:{number}", 500, is_newest=True, kinds=KINDS) for number in range(2)]
    pages.append(Page("r:1", 20, is_newest=False, after=Anchor(time_ms=row(150).time_ms)))
    history.write(rows, at(299))
    expected = [history.answer(page) for page in pages]
    history.close()
    chance = random.Random(seed)
    content = bytearray((directory.path / "history.db").read_bytes())
    place = chance.randrange(len(content))
    content[place : place + 4] = chance.randbytes(4)
    (directory.path / "history.db").write_bytes(content)
    store = HistoryStore(directory)
    if (directory.path / "history.db.corrupt-1").exists():
        store.close()
        return
    by_position = {found.position: found for found in rows}
    for page, answer in zip(pages, expected, strict=True):
        for _ in range(20):
            try:
                found = store.answer(page)
            except CorruptRowsError as error:
                for position in error.positions:
                    store.import_rows([by_position[position]], position, position)
            except MalformedError:
                return
            else:
                assert found == answer
                break
        else:
            pytest.fail("repairs do not help")
    store.close()


# Targets


ANN = (Owner("a:ann"),)
TARGETS = Targets(ANN, (("r:1", "#one", at(0)), ("r:2", "#two", at(0))), 0, 10**9, 100)


def test_targets_are_made_anew_from_the_rows_when_they_are_damaged(
    directory: DataDirectory, history: HistoryStore
) -> None:
    history.write([row(1), row(2), row(3, "d:a:ann bob", peer="Bob")], at(3))
    expected = (Target("#one", row(2).time_ms), Target("Bob", row(3).time_ms))
    assert history.answer(TARGETS) == expected
    history.close()
    file = directory.path / "history.db"
    assert execute(file, "UPDATE latest SET time_ms = 5, position = 1000, name = 'Eve'") == 2
    store = HistoryStore(directory)
    assert store.answer(TARGETS) == expected
    assert execute_open(store, "SELECT count(*) FROM latest WHERE position = 1000") == 0
    store.close()


def test_targets_of_damaged_rows_are_not_made_up(
    directory: DataDirectory, history: HistoryStore
) -> None:
    history.write([row(1), row(2)], at(2))
    history.close()
    file = directory.path / "history.db"
    execute(file, "UPDATE latest SET time_ms = 5")
    execute(file, "UPDATE rows SET record = x'00' WHERE position = 2")
    store = HistoryStore(directory)
    with pytest.raises(CorruptRowsError) as caught:
        store.answer(TARGETS)
    assert caught.value.positions == (2,)
    store.close()


def execute_open(store: HistoryStore, question: str) -> int:
    return int(store._database.connection.execute(question).fetchone()[0])


def test_a_target_that_is_none_does_not_stand_for_another(directory: DataDirectory) -> None:
    store = HistoryStore(directory)
    rows = [row(n, f"d:a:ann p{n}", peer=f"p{n}", time_ms=n) for n in range(1, 6)]
    store.write(rows, Position(5))
    store.close()
    file = directory.path / "history.db"
    # Lines of conversations that nobody had come first from either end.
    execute(file, "UPDATE latest SET conversation = 'd:a:ann x' WHERE name = 'p1'")
    execute(file, "UPDATE latest SET conversation = 'd:a:ann y' WHERE name = 'p5'")
    store = HistoryStore(directory)
    assert store.answer(Targets(ANN, (), 0, 9, 2)) == (
        Target("p2", 2),
        Target("p3", 3),
    )
    assert store.answer(Targets(ANN, (), 9, 0, 2)) == (
        Target("p4", 4),
        Target("p3", 3),
    )
    store.close()
