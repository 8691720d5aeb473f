"""Messages are found by their words, also after the index was lost or damaged."""

import contextlib
import random
import re
import sqlite3
from pathlib import Path

import pytest

from roost.chat.changes import Redacted, Said, Source
from roost.chat.history import (
    KIND_EVENT,
    KIND_REDACTION,
    Excerpt,
    Owner,
    Row,
    Search,
    encode_change,
)
from roost.chat.ids import Position, RoomId, UserId
from roost.storage import (
    CorruptRowsError,
    DataDirectory,
    HistoryStore,
    Unindexed,
    search_chapters,
    search_index,
)
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


def make_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make blocks of 4 positions, chapters of 16, and vocabularies of 64 and 256."""
    for module in (search_chapters, search_index):
        monkeypatch.setattr(module, "BLOCK_BITS", 2)
        monkeypatch.setattr(module, "CHAPTER_BITS", 4)
    monkeypatch.setattr(search_index, "_FAN_BITS", 2)
    monkeypatch.setattr(search_index, "READ_BLOCKS_MAX", 6)
    monkeypatch.setattr(search_index, "SECONDS_MAX", 60.0)


def index(history: HistoryStore) -> None:
    while history.index_some():
        pass


def stored_bytes(directory: DataDirectory, *, but_vocabularies: bool = False) -> bytes:
    """Return everything in the index's file, which is closed."""
    first = search_index._bucket_id(0, 0) if but_vocabularies else 0
    with contextlib.closing(sqlite3.connect(directory.path / "search.db")) as connection:
        found = connection.execute("SELECT data FROM spans WHERE id >= ?", (first,))
        return b"|".join(data for (data,) in found)


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
def test_it_finds_what_reading_everything_would_find(
    seed: int, history: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small(monkeypatch)
    monkeypatch.setattr(search_index, "SEARCH_STEPS_MAX", 100)
    dice = random.Random(seed)
    rows = make_rows(dice, 300)
    # Rows from neighbours come out of order, and some twice.
    history.write([row for row in rows if row.position <= 100], Position(100))
    index(history)
    history.write([row for row in rows if row.position > 200], Position(300))
    index(history)
    for first in (101, 151, 50):
        last = first + 49
        some = [row for row in rows if first <= row.position <= last]
        history.import_rows(some, Position(first), Position(last))
    ordered = sorted(rows, key=lambda row: (row.position, row.part, row.conversation))
    for turn in range(60):
        if turn == 30:
            index(history)
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
    make_small(monkeypatch)
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


def test_a_restart_goes_on_where_indexing_stood(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small(monkeypatch)
    store = HistoryStore(directory)
    store.write([said(n, f"word{n}") for n in range(1, 201)], Position(200))
    for _ in range(20):
        assert store.index_some()
    store.close()
    kept = stored_bytes(directory)
    assert b"word1\n" in kept
    assert b"word199\n" not in kept
    store = HistoryStore(directory)
    assert positions(store, ask("word1", limit=1000, is_newest=False))[:2] == [1, 10]
    index(store)
    assert positions(store, ask("word199")) == [199]
    store.close()


def test_the_newest_are_found_even_if_the_index_is_far_behind(
    history: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small(monkeypatch)
    monkeypatch.setattr(search_index, "SEARCH_STEPS_MAX", 1)
    history.write([said(n, "hello") for n in range(1, 1001)], Position(1000))
    found = positions(history, ask("hello", limit=20))
    assert found == [*range(981, 1001)]
    index(history)
    assert positions(history, ask("hello", limit=2000)) == [*range(1, 1001)]


def test_a_busy_process_indexes_only_what_a_search_would_take_too_long_for(
    history: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small(monkeypatch)
    monkeypatch.setattr(search_index, "UNINDEXED_BLOCKS_MAX", 20)
    monkeypatch.setattr(search_index, "SOON_BLOCKS_MAX", 2)
    history.write([said(n, f"word{n}") for n in range(1, 96)], Position(95))
    left = [history.index_some(is_busy=True) for _ in range(6)]
    assert left == [Unindexed.DUE, *[Unindexed.SOON] * 2, *[Unindexed.WAITING] * 3]
    index(history)
    assert history.index_some(is_busy=True) is Unindexed.NONE


@pytest.mark.parametrize("is_newest", [True, False])
def test_a_search_finds_what_waits_to_be_indexed(
    history: HistoryStore, monkeypatch: pytest.MonkeyPatch, is_newest: bool
) -> None:
    make_small(monkeypatch)
    monkeypatch.setattr(search_index, "UNINDEXED_BLOCKS_MAX", 20)
    monkeypatch.setattr(search_index, "SEARCH_STEPS_MAX", 20)
    rows = [said(n, f"word{n}", CONVERSATIONS[n % 5]) for n in range(1, 2001)]
    owners = (Owner("a:ann"), Owner("u:7"))
    rooms = (Excerpt("r:2"),)
    for first in range(0, 2000, 20):
        history.write(rows[first : first + 20], Position(first + 20))
        while history.index_some(is_busy=True) > Unindexed.WAITING:
            pass
        if first % 100:
            continue
        query = ask("word", conversations=rooms, owners=owners, limit=5000, is_newest=is_newest)
        seen = ("r:2", "d:a:ann bob", "d:u:7 ann")
        expected = [row for row in rows[: first + 20] if row.conversation in seen]
        assert [*history.answer(query)] == expected


def test_long_stretches_without_messages_take_no_room_and_few_steps(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small(monkeypatch)
    store = HistoryStore(directory)
    store.write([said(3, "first"), said(1_000_003, "last")], Position(1_000_100))
    assert sum(1 for _ in iter(store.index_some, False)) < 40
    assert positions(store, ask("first")) == [3]
    assert positions(store, ask("last")) == [1_000_003]
    store.close()
    assert len(stored_bytes(directory)) < 500


def test_vocabularies_that_would_be_too_large_are_left_out(
    history: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small(monkeypatch)
    monkeypatch.setattr(search_chapters, "VOCABULARY_MAX", 30)
    history.write([said(n, f"word{n}") for n in range(1, 401)], Position(400))
    index(history)
    assert positions(history, ask("word77")) == [77]
    assert positions(history, ask("word39")) == [39, *range(390, 400)]


def test_words_of_dropped_messages_leave_the_index(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small(monkeypatch)
    store = HistoryStore(directory)
    rows = [said(n, f"word{n} hello", f"r:{n % 3}") for n in range(1, 500)]
    store.write(rows, Position(499))
    index(store)
    rooms = (Excerpt("r:0"), Excerpt("r:1"), Excerpt("r:2"))
    for end in (90, 333):
        assert not store.trim(Position(end), 10**9)
        index(store)
        assert positions(store, ask("hello", conversations=rooms, limit=1000)) == [*range(end, 500)]
    while store.trim_room("r:1", Position(400)):
        pass
    index(store)
    left = [n for n in range(333, 500) if n % 3 != 1 or n >= 400]
    assert positions(store, ask("hello", conversations=rooms, limit=1000)) == left
    assert positions(store, ask("word332", conversations=rooms)) == []
    store.close()
    kept = stored_bytes(directory)
    words = {int(word[4:]) for word in re.findall(rb"word\d+", kept)}
    assert words >= {333, 399, 450}
    assert not words & {*range(1, 320)}, "only the vocabulary of a chapter keeps words of dropped"
    assert b"@ann\nword334\n" not in kept, "which it does without their messages"
    assert b"@ann\nword333\n" in kept


@pytest.mark.parametrize("is_stored", [True, False])
def test_the_words_of_a_redacted_message_leave_the_index(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch, is_stored: bool
) -> None:
    make_small(monkeypatch)
    store = HistoryStore(directory)
    store.write([said(n, f"secret{n} plan") for n in range(1, 18)], Position(17))
    if is_stored:
        index(store)
    source = Source(UserId(1), "Ann", "u", "h")
    redacted = Redacted(0, source, RoomId(1), UserId(0), "#r", "", Position(7), 0, "", "Ann", "")
    record = encode_change(redacted)
    redaction = Row("r:1", Position(18), 0, 10_180, KIND_REDACTION, "", record)
    store.write([redaction], Position(18))
    index(store)
    assert positions(store, ask("secret7")) == []
    assert positions(store, ask("plan")) == [*range(1, 7), *range(8, 18)]
    store.close()
    # The words of a vocabulary are in no order, so any two can be neighbours in it.
    kept = stored_bytes(directory, but_vocabularies=True)
    assert b"\nsecret7\nplan" not in kept
    assert b"\nsecret8\nplan" in kept


def test_other_messages_at_the_same_places_are_found_instead(
    history: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small(monkeypatch)
    history.write([said(n, f"lost{n}") for n in range(1, 31)], Position(30))
    history.index_some()
    history.forget(Position(3))
    history.write([said(n, f"kept{n}") for n in range(4, 31)], Position(30))
    history.add_gap(Position(31), Position(38))
    history.reset_applied(Position(38))
    history.write([said(n, f"kept{n}") for n in range(39, 80)], Position(79))
    history.import_rows([said(33, "fetched")], Position(31), Position(38))
    index(history)
    assert positions(history, ask("lost")) == [1, 2, 3]
    assert positions(history, ask("kept")) == [*range(4, 31), *range(39, 80)]
    assert positions(history, ask("fetched")) == [33]


def test_what_is_not_indexed_in_time_is_read_again(
    history: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small(monkeypatch)
    monkeypatch.setattr(search_chapters, "RECENT_MAX", 40)
    for first in range(1, 401, 50):
        history.write([said(n, f"word{n}") for n in range(first, first + 50)], Position(first + 49))
    index(history)
    assert positions(history, ask("word", limit=1000)) == [*range(1, 401)]


def test_an_index_of_version_1_is_made_anew(tmp_path: Path) -> None:
    with open_directory(tmp_path) as directory:
        file = directory.path / "search.db"
        execute(file, "CREATE VIRTUAL TABLE words USING fts5(text)")
        store = HistoryStore(directory)
        store.write([said(1, "hello")], Position(1))
        assert positions(store, ask("hello")) == [1]
        store.close()
        assert not [*directory.path.glob("*corrupt*")]


def test_a_damaged_chapter_makes_the_index_anew(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small(monkeypatch)
    store = HistoryStore(directory)
    store.write([said(n, "hello") for n in range(1, 201)], Position(200))
    index(store)
    store.close()
    assert execute(directory.path / "search.db", "UPDATE spans SET data = x'90'")
    store = HistoryStore(directory)
    positions(store, ask("hello", limit=1000))
    index(store)
    assert positions(store, ask("hello", limit=1000)) == [*range(1, 201)]
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
