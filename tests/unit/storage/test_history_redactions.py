"""The text of redacted messages is removed from the disk, in whatever order rows come."""

import itertools
from pathlib import Path

import pytest

from roost.chat.changes import Redacted, Said, Source
from roost.chat.history import (
    KIND_REDACTED,
    KIND_REDACTION,
    KINDS,
    Excerpt,
    Page,
    Row,
    Search,
    encode_change,
)
from roost.chat.ids import Position, RoomId, UserId
from roost.storage import HistoryStore
from support.stores import open_directory

SOURCE = Source(UserId(1), "ann", "u", "h")
ALL = Page("r:1", 100, is_newest=True, kinds=KINDS)


def said(position: int, text: str, conversation: str = "r:1") -> Row:
    change = Said(0, SOURCE, "PRIVMSG", RoomId(1), UserId(0), "#r", 0, text, (), "", "")
    return Row(conversation, Position(position), 0, position, 0, "", encode_change(change))


def redaction(position: int, of: int) -> Row:
    change = Redacted(0, SOURCE, RoomId(1), UserId(0), "#r", "id", Position(of), 0, "", "ann", "")
    return Row("r:1", Position(position), 0, position, KIND_REDACTION, "", encode_change(change))


ROWS = (said(1, "before"), said(2, "unspeakable"), said(3, "after"), redaction(4, 2))


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_order_in_which_rows_come_makes_no_difference(
    order: tuple[int, ...], tmp_path: Path
) -> None:
    with open_directory(tmp_path) as directory:
        store = HistoryStore(directory)
        store.write((), Position(4))
        for number in order:
            row = ROWS[number]
            store.import_rows([row], row.position, row.position)
        shown = store.answer(ALL)
        kinds = [row.kind for row in shown if isinstance(row, Row)]
        assert kinds == [0, KIND_REDACTED, 0, KIND_REDACTION]
        assert not any(b"unspeakable" in row.record for row in shown if isinstance(row, Row))
        assert [row.position for row in store.answer(Page("r:1", 9, is_newest=True))] == [1, 3]  # type: ignore[union-attr]
        rows, _, damaged = store.export(Position(1), Position(4), 10**6)
        assert rows == shown
        assert not damaged
        store.close()


def test_it_is_not_found_any_more(history: HistoryStore) -> None:
    query = Search(("unspeakable",), "", (Excerpt("r:1"),), (), -1, -1, 10, is_newest=True)
    history.write(ROWS[:3], Position(3))
    assert len(history.answer(query)) == 1
    history.write(ROWS[3:], Position(4))
    assert history.answer(query) == ()


def test_both_sides_of_a_private_message_are_forgotten(history: HistoryStore) -> None:
    sides = ("d:a:ann bob", "d:a:bob ann")
    history.write([said(1, "unspeakable", side) for side in sides], Position(1))
    history.write([redaction(2, 1)], Position(2))
    rows, _, _ = history.export(Position(1), Position(1), 10**6)
    assert [row.conversation for row in rows] == list(sides)
    assert not any(b"unspeakable" in row.record for row in rows)


def test_what_was_redacted_by_a_row_that_is_dropped_is_fetched_again(
    history: HistoryStore,
) -> None:
    history.write([said(1, "one"), said(2, "two"), redaction(3, 1)], Position(3))
    assert history.forget(Position(2)) == (1,)
    assert history.gaps() == ((1, 1),)
    history.import_rows([said(1, "one")], Position(1), Position(1))
    assert history.export(Position(1), Position(3), 9999)[0] == (said(1, "one"), said(2, "two"))
