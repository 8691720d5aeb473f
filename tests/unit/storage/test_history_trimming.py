"""A node drops its oldest rows, and knows from where on it has all of them."""

import pytest

from roost.chat.changes import Said, Source
from roost.chat.history import (
    EVERYTHING,
    Excerpt,
    Held,
    Owner,
    Page,
    Row,
    Search,
    Span,
    Target,
    Targets,
)
from roost.chat.history import encode_change as encode
from roost.chat.holes import Hole
from roost.chat.ids import Position, RoomId, UserId
from roost.storage import DataDirectory, HistoryStore, history_trimming
from support.stores import execute

P = Position
ALL = Page("r:1", 1000, is_newest=True)


def said(position: int, text: str = "hello") -> Row:
    source = Source(UserId(1), "ann", "u", "h")
    change = Said(0, source, "PRIVMSG", RoomId(1), UserId(0), "#r", 0, text, (), "", "")
    return Row("r:1", P(position), 0, 10 * position, 0, "", encode(change))


def fill(history: HistoryStore, last: int) -> None:
    history.write([said(position) for position in range(1, last + 1)], P(last))


def positions(history: HistoryStore, span: Span = EVERYTHING) -> list[int]:
    return [row.position for row in history.answer(ALL, span) if isinstance(row, Row)]


def test_rows_that_are_older_than_a_time_are_dropped(history: HistoryStore) -> None:
    fill(history, 10)
    assert history.held == Held(P(1), 0)
    assert not history.trim(P(100), 65)
    assert positions(history) == [7, 8, 9, 10]
    assert history.held == Held(P(7), 60)
    assert not history.trim(P(100), 65)
    assert history.held == Held(P(7), 60)


def test_rows_from_a_position_on_are_kept_however_old(history: HistoryStore) -> None:
    fill(history, 10)
    assert not history.trim(P(4), 1000)
    assert positions(history) == [4, 5, 6, 7, 8, 9, 10]
    assert history.held == Held(P(4), 30)


def test_nothing_is_dropped_that_is_not_applied_yet(history: HistoryStore) -> None:
    fill(history, 3)
    history.trim(P(100), 1000)
    assert history.held == Held(P(4), 30)
    history.write([said(4)], P(4))
    assert positions(history) == [4]


def test_many_rows_are_dropped_in_steps(
    history: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_trimming, "ROWS_PER_STEP", 4)
    rows = [said(position) for position in (1, 2, 3, 5, 6, 7, 8, 9)]
    rows += [Row(f"d:u:{n} x", P(4), 0, 40, 0, "x", b"") for n in range(6)]
    history.write(rows, P(9))
    held = []
    while history.trim(P(9), 85):
        held.append(history.held.position)
    assert held == [4, 5, 8]
    assert positions(history) == [9]
    assert history.held == Held(P(9), 80)


def test_where_the_rows_begin_survives_a_restart(
    directory: DataDirectory, history: HistoryStore
) -> None:
    fill(history, 10)
    history.trim(P(5), 1000)
    history.close()
    again = HistoryStore(directory)
    assert (again.held, again.findings) == (Held(P(5), 40), ())
    again.close()
    execute(directory.path / "history.db", "UPDATE records SET checksum = 0 WHERE name = 'held'")
    again = HistoryStore(directory)
    assert again.held == Held(P(5), 50)
    assert again.findings
    again.close()


def test_a_damaged_row_is_dropped_with_the_sound_ones_around_it(
    directory: DataDirectory, history: HistoryStore
) -> None:
    fill(history, 10)
    history.close()
    execute(directory.path / "history.db", "UPDATE rows SET time_ms = 7 WHERE position IN (3, 6)")
    again = HistoryStore(directory)
    assert not again.trim(P(100), 55)
    # The one at 6 may be too young.
    assert again.held == Held(P(6), 50)
    again.close()


def test_what_is_missing_before_the_first_row_held_is_not_missing(history: HistoryStore) -> None:
    history.add_gap(P(1), P(10))
    history.hold_from(Held(P(8), 80))
    assert history.gaps() == ((P(8), P(10)),)
    assert history.held == Held(P(8), 80)
    history.hold_from(Held(P(2), 20))
    assert history.held == Held(P(2), 20)


def test_a_history_that_is_set_back_holds_the_rows_that_follow(history: HistoryStore) -> None:
    fill(history, 10)
    history.trim(P(8), 1000)
    history.forget(P(5))
    assert history.held.position == 6
    history.write([said(6)], P(6))
    assert positions(history) == [6]


def test_a_question_about_a_span_is_answered_from_that_alone(history: HistoryStore) -> None:
    fill(history, 10)
    assert positions(history, Span(P(3), P(5))) == [3, 4, 5]
    page = Page("r:1", 2, is_newest=True)
    assert [row.position for row in history.answer(page, Span(P(0), P(5)))] == [4, 5]  # type: ignore[union-attr]
    find = Search(("hell",), "", (Excerpt("r:1"),), (), -1, -1, 3, is_newest=True)
    assert [row.position for row in history.answer(find, Span(P(2), P(5)))] == [3, 4, 5]  # type: ignore[union-attr]
    room = (("r:1", "#r", P(0)),)
    targets = Targets((Owner("u:1"),), room, 0, 1000, 10)
    assert history.answer(targets, Span(P(0), P(9))) == ()
    assert history.answer(targets, Span(P(10), P(10))) == (Target("#r", 100),)


def test_the_index_for_searching_forgets_what_is_dropped(
    directory: DataDirectory, history: HistoryStore
) -> None:
    fill(history, 10)
    find = Search(("hell",), "", (Excerpt("r:1"),), (), -1, -1, 100, is_newest=True)
    assert len(history.answer(find)) == 10
    history.trim(P(8), 1000)
    assert len(history.answer(find)) == 3
    history.close()
    again = HistoryStore(directory)
    again.import_rows([said(2)], P(2), P(2))
    assert len(again.answer(find)) == 4
    again.close()


def test_a_hole_is_no_gap_and_is_remembered(directory: DataDirectory) -> None:
    store = HistoryStore(directory)
    fill(store, 30)
    store.add_gap(P(8), P(25))
    store.note_hole(Hole(P(10), P(20), 200, 210))
    assert store.gaps() == ((P(8), P(9)), (P(21), P(25)))
    # Rows of a gap were never compared with the log.
    assert not {*range(10, 21)} & {*positions(store)}
    store.close()
    store = HistoryStore(directory)
    assert store.holes == (Hole(P(10), P(20), 200, 210),)
    store.forget(P(15))
    assert store.holes == (Hole(P(10), P(15), 200, 0),)
    assert not store.trim(P(13), 1000)
    assert store.holes == (Hole(P(13), P(15), 200, 0),)
    store.hold_from(Held(P(15), 150))
    store.note_hole(Hole(P(3), P(4), 40, 50))
    assert store.holes == (Hole(P(15), P(15), 200, 0),), "nothing is before what is held"
    store.close()


def test_rows_of_a_hole_that_come_after_all_are_found_and_in_no_hole(
    directory: DataDirectory,
) -> None:
    store = HistoryStore(directory)
    fill(store, 30)
    rows = store.export(P(10), P(14), 10**6)[0]
    store.note_hole(Hole(P(10), P(20), 200, 210))
    store.import_rows(rows, P(10), P(14))
    left = (Hole(P(15), P(20), 200, 210),)
    assert store.holes == left
    store.close()
    store = HistoryStore(directory)
    assert store.holes == left
    assert set(range(1, 31)) - {*positions(store)} == set(range(15, 21))
    store.close()


def test_a_damaged_record_of_holes_makes_the_node_ask_for_everything(
    directory: DataDirectory,
) -> None:
    store = HistoryStore(directory)
    fill(store, 30)
    store.hold_from(Held(P(4), 30))
    store.note_hole(Hole(P(10), P(20), 200, 210))
    store.close()
    execute(directory.path / "history.db", "UPDATE records SET checksum = 1 WHERE name = 'holes'")
    store = HistoryStore(directory)
    assert any("no node keeps" in finding for finding in store.findings)
    assert (store.holes, store.gaps()) == ((), ((P(4), P(30)),))
    store.close()
