"""The words of an erased person leave the disk, whenever and from wherever their rows come."""

from pathlib import Path

import pytest

from roost.chat.changes import Change, Quitted, Said, Source, TopicChanged
from roost.chat.erasing import ERASED
from roost.chat.history import (
    KIND_REDACTED,
    KINDS,
    Excerpt,
    Owner,
    Page,
    Row,
    Search,
    Targets,
    decode_change,
    encode_change,
)
from roost.chat.ids import AccountId, Position, RoomId, UserId
from roost.chat.state import Erasure
from roost.storage import HistoryStore, history_erasures
from support.stores import open_directory

ANN = Source(UserId(1), "ann", "annie", "home", "ann", account_id=AccountId(5))
OLD_ANN = Source(UserId(1), "ann", "annie", "home", "ann")
BOB = Source(UserId(2), "bob", "bobby", "away", "bob", account_id=AccountId(6))
ERASURE = Erasure((Owner("i:5"), Owner("a:ann", Position(6))), Position(20))
ALL = Page("r:1", 100, is_newest=True, kinds=KINDS)


def said(position: int, text: str, source: Source, conversation: str = "r:1", to: str = "") -> Row:
    room = RoomId(1 if conversation == "r:1" else 0)
    change = Said(0, source, "PRIVMSG", room, UserId(0), "#r", 0, text, (), to, "")
    return Row(conversation, Position(position), 0, position, 0, "x", encode_change(change))


def event(position: int, change: Change) -> Row:
    return Row("r:1", Position(position), 0, position, 2, "", encode_change(change))


ROWS = (
    said(7, "unspeakable seven", ANN),
    said(8, "unspeakable eight", OLD_ANN),
    said(9, "about ann", BOB),
    event(10, TopicChanged(0, ANN, RoomId(1), "#r", "unspeakable topic")),
    event(11, Quitted(0, ANN, (), "unspeakable reason")),
    said(12, "unspeakable to bob", ANN, "d:i:5 bob", "i:6"),
    said(12, "unspeakable to bob", ANN, "d:i:6 ann", "i:6"),
    said(13, "answer to ann", BOB, "d:i:5 bob", "i:5"),
    said(13, "answer to ann", BOB, "d:i:6 ann", "i:5"),
)
LATER = said(
    25, "speakable", Source(UserId(9), "ann", "other", "h", "ann", account_id=AccountId(21))
)


def erase(store: HistoryStore) -> None:
    while store.erase(AccountId(5), ERASURE):
        pass


def check(store: HistoryStore) -> None:
    rows, _, damaged = store.export(Position(1), Position(30), 10**6)
    assert not damaged
    assert not any(b"unspeakable" in row.record for row in rows)
    assert not any(b"annie" in row.record or b"home" in row.record for row in rows)
    assert [(row.position, row.conversation) for row in rows] == [
        *((at, "r:1") for at in range(7, 12)),
        (12, "d:i:6 ann"),
        (13, "d:i:6 ann"),
        (25, "r:1"),
    ]
    assert [row.kind for row in rows] == [
        KIND_REDACTED,
        KIND_REDACTED,
        0,
        2,
        2,
        KIND_REDACTED,
        0,
        0,
    ]
    change = decode_change(rows[0].record)
    assert isinstance(change, Said)
    assert (change.source.nick, change.source.host, change.source.account) == ("ann", ERASED, "")


@pytest.mark.parametrize("rows_per_step", [1, 2, 500])
def test_rows_that_are_stored_are_erased_in_steps(
    history: HistoryStore, rows_per_step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_erasures, "ROWS_PER_STEP", rows_per_step)
    history.write((*ROWS, LATER), Position(25))
    erase(history)
    check(history)
    assert history.erased == (5,)
    erase(history)
    check(history)


def test_rows_that_come_later_are_erased_before_they_are_stored(history: HistoryStore) -> None:
    erase(history)
    history.write(ROWS[:4], Position(10))
    history.import_rows(ROWS[4:], Position(11), Position(20))
    history.write([LATER], Position(25))
    check(history)


def test_it_is_remembered_and_goes_on_after_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_erasures, "ROWS_PER_STEP", 2)
    with open_directory(tmp_path) as directory:
        store = HistoryStore(directory)
        store.write((*ROWS, LATER), Position(25))
        assert store.erase(AccountId(5), ERASURE)
        store.close()
        store = HistoryStore(directory)
        assert store.erased == ()
        erase(store)
        store.close()
        store = HistoryStore(directory)
        assert store.erased == (5,)
        store.import_rows(ROWS[:1], Position(7), Position(7))
        check(store)
        store.close()


def test_the_words_are_in_no_file_and_are_not_found_any_more(tmp_path: Path) -> None:
    search = Search(("unspeakable",), "", (Excerpt("r:1"),), (), -1, -1, 10, is_newest=True)
    answer = Search(("answer",), "", (), (Owner("i:6"),), -1, -1, 10, is_newest=True)
    with open_directory(tmp_path) as directory:
        store = HistoryStore(directory)
        store.write((*ROWS, LATER), Position(25))
        assert len(store.answer(search)) == 2
        assert len(store.answer(answer)) == 1
        erase(store)
        for path in tmp_path.iterdir():
            assert b"unspeakable" not in path.read_bytes(), path.name
        assert store.answer(search) == ()
        assert len(store.answer(answer)) == 1
        mine = Targets((Owner("i:5"),), (), 0, 100, 10)
        assert store.answer(mine) == ()
        store.close()
