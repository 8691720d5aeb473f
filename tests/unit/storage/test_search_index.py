"""Messages are found by their words, also after the index was lost or damaged."""

import random
from pathlib import Path

import pytest

from roost.chat.changes import Said, Source
from roost.chat.history import KIND_EVENT, Excerpt, Owner, Row, Search, encode_change
from roost.chat.ids import Position, RoomId, UserId
from roost.storage import CorruptRowsError, DataDirectory, HistoryStore, search_index
from support.memory_history import search
from support.stores import execute, open_directory

WORDS = ("Roses", "are", "red", "Violets", "blue", "re", "x", "Stra\u00dfe", "\u6771\u4eac", "42")
NICKS = ("Ann", "bob", "c[x]")
CONVERSATIONS = ("r:1", "r:2", "d:a:ann bob", "d:a:bob ann", "d:u:7 ann")


def said(position: int, text: str, conversation: str = "r:1", nick: str = "Ann") -> Row:
    source = Source(UserId(1), nick, "u", "h")
    change = Said(0, source, "PRIVMSG", RoomId(1), UserId(0), "#r", 0, text, (), "", "")
    time_ms = 10_000 + 10 * position
    return Row(conversation, Position(position), 0, time_ms, 0, "", encode_change(change))


def ask(*words: str, owners: tuple[Owner, ...] = (), sender: str = "", **changes: object) -> Search:
    values: dict[str, object] = {
        "words": words,
        "sender": sender,
        "conversations": (Excerpt("r:1"),),
        "owners": owners,
        "after_ms": -1,
        "before_ms": -1,
        "limit": 100,
        "is_newest": True,
        **changes,
    }
    return Search(**values)  # type: ignore[arg-type]


def positions(history: HistoryStore, query: Search) -> list[int]:
    return [row.position for row in history.answer(query) if isinstance(row, Row)]


def make_rows(dice: random.Random, count: int) -> list[Row]:
    rows = []
    for position in range(1, count + 1):
        text = " ".join(dice.choices(WORDS, k=dice.randint(1, 4)))
        rows += [
            said(position, text, conversation, dice.choice(NICKS))
            for conversation in dice.sample(CONVERSATIONS, dice.choice((0, 1, 2)))
        ]
    return rows


@pytest.mark.parametrize("seed", range(8))
def test_it_finds_what_reading_everything_would_find(seed: int, history: HistoryStore) -> None:
    dice = random.Random(seed)
    rows = make_rows(dice, 300)
    # Rows from neighbours come out of order, and some twice.
    history.write([row for row in rows if row.position <= 100], Position(100))
    assert not history.index_some()
    history.write([row for row in rows if row.position > 200], Position(300))
    while history.index_some():
        pass
    for first in (101, 151, 50):
        last = first + 49
        some = [row for row in rows if first <= row.position <= last]
        history.import_rows(some, Position(first), Position(last))
    ordered = sorted(rows, key=lambda row: (row.position, row.part, row.conversation))
    for _ in range(60):
        query = ask(
            *[dice.choice(("roses", "RE", "x", "42", "vio")) for _ in range(dice.randint(0, 2))],
            owners=dice.choice(
                ((), (Owner("a:ann", Position(40)),), (Owner("a:ann"), Owner("u:7", Position(60))))
            ),
            sender=dice.choice(("", "ann", "c{x}", "nobody")),
            conversations=(Excerpt("r:1", Position(dice.choice((0, 40)))), Excerpt("r:2")),
            after_ms=dice.choice((-1, 11_000)),
            before_ms=dice.choice((-1, 12_500)),
            limit=dice.choice((1, 7, 1000)),
            is_newest=dice.random() < 0.5,
        )
        assert history.answer(query) == search(ordered, query)


@pytest.mark.parametrize("is_newest", [True, False])
def test_rows_that_may_not_be_seen_do_not_hide_others(
    history: HistoryStore, monkeypatch: pytest.MonkeyPatch, is_newest: bool
) -> None:
    monkeypatch.setattr(search_index, "PLACES_MAX", 10)
    rows = [said(1, "hello"), *(said(n, "hello", "r:2") for n in range(2, 30)), said(30, "hello")]
    history.write(rows, Position(30))
    rooms = (Excerpt("r:1"), Excerpt("r:2", Position(100)))
    for limit in (1, 2, 3):
        found = positions(
            history, ask("hello", conversations=rooms, limit=limit, is_newest=is_newest)
        )
        assert found == ([1, 30][-limit:] if is_newest else [1, 30][:limit])


def test_letters_with_marks_and_other_scripts_are_found(history: HistoryStore) -> None:
    history.write(
        [said(1, "Caf\u00e9 \u00fcber alles"), said(2, "\u6771\u4eac\u90fd")], Position(2)
    )
    assert positions(history, ask("cafe")) == [1]
    assert positions(history, ask("UBER")) == [1]
    assert positions(history, ask("\u6771\u4eac")) == [2]


def test_events_are_not_found(history: HistoryStore) -> None:
    row = said(1, "hello")
    event = Row(row.conversation, Position(2), 0, row.time_ms, KIND_EVENT, "", row.record)
    history.write([row, event], Position(2))
    assert positions(history, ask("hello")) == [1]


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_missing_or_damaged_index_is_made_anew(tmp_path: Path, is_gone: bool) -> None:
    with open_directory(tmp_path) as directory:
        store = HistoryStore(directory)
        store.write([said(n, "hello") for n in range(1, 1200)], Position(1199))
        while store.index_some():
            pass
        store.close()
        file = directory.path / "search.db"
        if is_gone:
            file.unlink()
        else:
            file.write_bytes(b"no database " * 1000)
        store = HistoryStore(directory)
        while store.index_some():
            pass
        assert len(positions(store, ask("hello", limit=5000))) == 1199
        store.close()


def test_a_restart_goes_on_where_indexing_stood(directory: DataDirectory) -> None:
    store = HistoryStore(directory)
    store.write([said(n, f"word{n}") for n in range(1, 1001)], Position(1000))
    assert store.index_some()
    store.close()
    store = HistoryStore(directory)
    assert positions(store, ask("word1", limit=1000, is_newest=False))[:2] == [1, 10]
    assert not store.index_some()
    store.close()


def test_a_damaged_row_is_named_to_be_repaired(directory: DataDirectory) -> None:
    store = HistoryStore(directory)
    store.write([said(1, "hello"), said(2, "hello")], Position(2))
    assert not store.index_some()
    store.close()
    execute(directory.path / "history.db", "UPDATE rows SET time_ms = 1 WHERE position = 2")
    store = HistoryStore(directory)
    with pytest.raises(CorruptRowsError) as caught:
        store.answer(ask("hello"))
    assert caught.value.positions == (2,)
    store.import_rows([said(2, "hello")], Position(2), Position(2))
    assert positions(store, ask("hello")) == [1, 2]
    store.close()


def test_a_row_that_is_gone_is_not_found(directory: DataDirectory) -> None:
    store = HistoryStore(directory)
    store.write([said(1, "hello"), said(2, "hello")], Position(2))
    assert positions(store, ask("hello")) == [1, 2]
    store.import_rows([], Position(2), Position(2))
    assert positions(store, ask("hello")) == [1]
    store.close()
