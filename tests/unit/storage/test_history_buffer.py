"""Rows that wait in memory are found, changed and copied like those on the disk."""

import random
from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from roost.chat.changes import Redacted, Said, Source
from roost.chat.history import (
    EVERYTHING,
    KIND_EVENT,
    KIND_MESSAGE,
    KIND_REDACTED,
    KIND_REDACTION,
    KIND_TAGMSG,
    KINDS,
    Anchor,
    Excerpt,
    Held,
    Owner,
    Page,
    Row,
    Search,
    Span,
    Targets,
    encode_change,
)
from roost.chat.holes import Hole
from roost.chat.ids import AccountId, Position, RoomId, UserId
from roost.chat.state import Erasure
from roost.storage import (
    DataDirectory,
    FullError,
    HistoryBuffer,
    HistoryStore,
    Unindexed,
    history_buffer,
)
from roost.storage.search_chapters import Sought
from support.memory_history import MemoryHistory, any_page
from support.stores import row

ALL = Page("r:1", 1000, is_newest=True, kinds=KINDS)
P = Position


@pytest.fixture
def store(directory: DataDirectory) -> HistoryStore:
    return HistoryStore(directory)


@pytest.fixture
def buffer(store: HistoryStore) -> Iterator[HistoryBuffer]:
    opened = HistoryBuffer(store)
    yield opened
    opened.close()


def rows_of(first: int, last: int) -> list[Row]:
    return [row(position) for position in range(first, last + 1)]


def said(position: int, conversation: str, sender: int, recipient: str = "") -> Row:
    source = Source(UserId(sender), "x", "u", "h")
    room = RoomId(0 if recipient else 1)
    said = Said(0, source, "PRIVMSG", room, UserId(0), "y", 0, "secret", (), recipient, "")
    return replace(row(position, conversation), record=encode_change(said))


def test_rows_wait_for_others_and_are_found_meanwhile(
    buffer: HistoryBuffer, store: HistoryStore
) -> None:
    buffer.write(rows_of(1, 5), P(6))
    buffer.write(rows_of(7, 9), P(9))
    assert (buffer.applied, store.applied) == (9, 0)
    assert buffer.answer(ALL) == (*rows_of(1, 5), *rows_of(7, 9))
    assert store.applied == 0
    buffer.flush()
    assert store.applied == 9
    assert buffer.answer(ALL) == (*rows_of(1, 5), *rows_of(7, 9))


def test_so_many_rows_are_stored_at_once(
    buffer: HistoryBuffer, store: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_buffer, "ROWS_MAX", 10)
    buffer.write(rows_of(1, 10), P(10))
    assert store.applied == 0
    buffer.write(rows_of(11, 11), P(11))
    assert store.applied == 11
    monkeypatch.setattr(history_buffer, "BYTES_MAX", 50)
    buffer.write([replace(row(12), record=b"x" * 51)], P(12))
    assert store.applied == 12


def test_any_page_is_what_the_plain_definition_says(
    buffer: HistoryBuffer, store: HistoryStore
) -> None:
    chance = random.Random(11)
    memory = MemoryHistory()
    position, time_ms = 0, 50_000

    def anchor() -> Anchor | None:
        match chance.randrange(3):
            case 0:
                return None
            case 1:
                return Anchor(P(chance.randint(0, position + 5)), chance.randint(0, 2))
            case _:
                return Anchor(time_ms=chance.randint(49_990, time_ms + 10))

    for number in range(600):
        rows: list[Row] = []
        for _ in range(chance.choice([0, 0, 1, 3])):
            position += chance.randint(1, 3)
            time_ms += chance.choice([0, 0, 1, 50])
            for part in range(chance.choice([1, 1, 3])):
                name = f"r:{chance.randint(1, 3)}"
                kind = chance.choice([KIND_MESSAGE, KIND_MESSAGE, KIND_EVENT, KIND_TAGMSG])
                rows.append(row(position, name, part=part, kind=kind, time_ms=time_ms))
        buffer.write(rows, P(position))
        memory.rows.extend(rows)
        if number % 20 == 0:
            buffer.flush()
        page = any_page(chance, position, anchor)
        assert buffer.answer(page) == memory.answer(page), page
        span = Span(P(chance.randint(0, position)), P(chance.randint(0, position)))
        inside = [one for one in memory.rows if span.first <= one.position <= span.last]
        part_of = MemoryHistory()
        part_of.rows = inside
        if page.around is None:
            assert buffer.answer(page, span) == part_of.answer(page), (page, span)


@pytest.mark.parametrize("is_newest", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 12, 100])
def test_under_a_former_nickname_only_that_persons_rows_are_read(
    buffer: HistoryBuffer, limit: int, is_newest: bool
) -> None:
    memory = MemoryHistory()
    for position in range(1, 41):
        other = 2 + position // 3 % 2
        sender, recipient = (1, f"u:{other}") if position % 2 else (other, "u:1")
        memory.rows.append(said(position, "d:u:1 bob", sender, recipient))
    memory.rows += [said(position, "d:u:1 rob", 2, "u:1") for position in range(41, 50)]
    buffer.write(memory.rows[:25], P(25))
    buffer.flush()
    buffer.write(memory.rows[25:], P(50))
    more = (Excerpt("d:u:1 bob", P(4), (Owner("u:2", P(8)), Owner("u:9"))),)
    page = Page("d:u:1 rob", limit, is_newest, more=more)
    assert buffer.answer(page) == memory.answer(page)


def test_redacted_words_wait_nowhere(buffer: HistoryBuffer, store: HistoryStore) -> None:
    buffer.write([said(3, "r:1", 1)], P(3))
    source = Source(UserId(1), "x", "u", "h")
    change = Redacted(0, source, RoomId(1), UserId(0), "#r", "id", P(3), 0, "", "x", "")
    redaction = replace(row(4, kind=KIND_REDACTION), record=encode_change(change))
    buffer.write([redaction], P(4))
    assert [found.kind for found in buffer.answer(ALL) if isinstance(found, Row)] == [
        KIND_REDACTED,
        KIND_REDACTION,
    ]
    assert store.applied == 4
    # A crash may take messages whose redaction a neighbour has sent before.
    later = replace(change, position=P(9))
    buffer.import_rows([replace(row(2), kind=4, record=encode_change(later))], P(2), P(2))
    buffer.write([said(9, "r:1", 1)], P(9))
    found = buffer.answer(Page("r:1", 1, is_newest=True, kinds=KINDS))
    assert [one.kind for one in found if isinstance(one, Row)] == [KIND_REDACTED]


def test_erased_words_wait_nowhere(buffer: HistoryBuffer, store: HistoryStore) -> None:
    erasure = Erasure((Owner("u:1"),), P(20))
    buffer.write([said(1, "r:1", 1)], P(1))
    while buffer.erase(AccountId(5), erasure):
        pass
    buffer.write([said(7, "r:1", 1)], P(7))
    assert all(
        b"secret" not in found.record for found in buffer.answer(ALL) if isinstance(found, Row)
    )
    buffer.write([said(21, "r:1", 1)], P(21))
    assert store.applied == 7


@pytest.mark.parametrize(
    "use",
    [
        lambda b: b.sync(),
        lambda b: b.index_some(),
        lambda b: b.export(P(1), P(5), 1000),
        lambda b: b.find_kept("r:1", 0, 2),
        lambda b: b.trim_room("r:1", P(2)),
        lambda b: b.trim(P(2), 1),
        lambda b: b.import_rows([], P(7), P(8)),
        lambda b: b.add_gap(P(6), P(7)),
        lambda b: b.narrow_gap(P(6), P(7)),
        lambda b: b.skip_terms(P(6), P(7), 2),
        lambda b: b.hold_from(Held(P(2), 1)),
        lambda b: b.note_hole(Hole(P(2), P(3), 0, 0)),
        lambda b: b.answer(replace(ALL, around=Anchor(P(3)))),
        lambda b: b.answer(Targets((), (("r:1", "#r", P(0)),), 0, 10**9, 5)),
        lambda b: b.answer(Search(("a",), "", (Excerpt("r:1"),), (), -1, -1, 5, True)),
        lambda b: b.write(rows_of(4, 4), P(5)),
        lambda b: b.write((), P(5), ((P(5), 2),)),
    ],
)
def test_everything_else_stores_what_waits_first(
    buffer: HistoryBuffer, store: HistoryStore, use: Callable[[HistoryBuffer], object]
) -> None:
    buffer.write(rows_of(1, 5), P(5))
    use(buffer)
    assert store.applied == buffer.applied == 5


def test_nodes_store_the_same_rows_at_different_moments(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_buffer, "ROWS_MAX", 100)
    store = HistoryStore(directory)
    buffer = HistoryBuffer(store, 0.5)
    stored_at: list[int] = []

    def write(first: int, last: int) -> None:
        for position in range(first, last + 1):
            before = store.applied
            buffer.write(rows_of(position, position), P(position))
            if store.applied != before:
                stored_at.append(position)

    write(1, 300)
    assert stored_at == [76, 177, 278]
    buffer.flush()
    write(301, 400)
    assert stored_at == [76, 177, 278, 376]
    buffer.close()


def test_rows_are_inserted_as_they_come(buffer: HistoryBuffer, store: HistoryStore) -> None:
    connection = store._database.connection
    before = connection.total_changes
    for position in range(1, 6):
        buffer.write(rows_of(position, position), P(position))
        assert connection.total_changes == before + position
    assert store.applied == 0
    buffer.flush()
    assert connection.total_changes == before + 5 + 2, "the newest message, and what is applied"
    assert buffer.answer(ALL) == tuple(rows_of(1, 5))


def test_a_message_that_is_redacted_before_it_is_stored_is_not_indexed(
    buffer: HistoryBuffer, store: HistoryStore
) -> None:
    buffer.write([said(n, "r:1", 1) for n in range(1, 2100)], P(2099))
    source = Source(UserId(1), "x", "u", "h")
    # In the second block: the first one is read from the file, because position 0 was never given.
    change = Redacted(0, source, RoomId(1), UserId(0), "#r", "", P(1500), 0, "", "x", "")
    redaction = replace(row(2100, kind=KIND_REDACTION), record=encode_change(change))
    buffer.write([redaction], P(2100))
    while buffer.index_some() is not Unindexed.NONE:
        pass
    search = Search(("secret",), "", (Excerpt("r:1"),), (), -1, -1, 5000, True)
    found = [one.position for one in buffer.answer(search) if isinstance(one, Row)]
    assert found == [*range(1, 1500), *range(1501, 2100)]
    places = store._index._chapter.find(Sought(search))
    assert [place.position for place in places] == [*range(1, 1500), *range(1501, 2048)]


def test_rows_wait_longer_while_the_process_is_busy(
    buffer: HistoryBuffer, store: HistoryStore
) -> None:
    assert buffer.index_some(is_busy=True) is Unindexed.NONE
    buffer.write(rows_of(1, 5), P(5))
    assert buffer.index_some(is_busy=True) is Unindexed.WAITING
    assert (buffer.applied, store.applied) == (5, 0)
    assert buffer.index_some() is Unindexed.NONE
    assert store.applied == 5
    assert buffer.index_some(is_busy=True) is Unindexed.NONE
    buffer.write((), P(7))
    assert buffer.index_some(is_busy=True) is Unindexed.WAITING


def test_applied_follows_snapshots_and_histories_that_were_set_back(
    buffer: HistoryBuffer, store: HistoryStore
) -> None:
    buffer.write(rows_of(1, 5), P(5))
    buffer.reset_applied(P(50))
    assert buffer.applied == store.applied == 50
    buffer.write(rows_of(51, 55), P(55))
    assert buffer.forget(P(52)) == ()
    assert buffer.applied == store.applied == 52
    buffer.write(rows_of(53, 53), P(53))
    assert buffer.answer(ALL) == (*rows_of(1, 5), *rows_of(51, 53))


def test_a_crash_takes_what_waits_and_a_close_does_not(directory: DataDirectory) -> None:
    first = HistoryBuffer(HistoryStore(directory))
    first.write(rows_of(1, 5), P(5))
    first.flush()
    first.write(rows_of(6, 9), P(9))
    first._store.close()
    second = HistoryBuffer(HistoryStore(directory))
    assert second.applied == 5
    second.write(rows_of(6, 9), P(9))
    second.close()
    third = HistoryBuffer(HistoryStore(directory))
    assert third.applied == 9
    assert third.answer(ALL, EVERYTHING) == tuple(rows_of(1, 9))
    third.close()


def test_on_a_full_disk_rows_wait_and_none_is_taken_for_missing(
    buffer: HistoryBuffer, store: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_buffer, "ROWS_MAX", 900)
    buffer.write(rows_of(1, 5), P(5))
    buffer.flush()
    connection = store._database.connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    buffer.write(rows_of(6, 900), P(900))
    for _ in range(2):
        with pytest.raises(FullError, match="full"):
            buffer.write(rows_of(901, 920), P(920))
        with pytest.raises(FullError):
            buffer.index_some()
        assert buffer.applied == 900
        assert buffer.answer(replace(ALL, limit=3)) == tuple(rows_of(898, 900))
        assert buffer.export(P(3), P(800), 10**6) == (tuple(rows_of(3, 5)), 5, ())
        assert buffer.export(P(8), P(800), 10**6) == ((), 7, ())
        assert buffer.find_kept("r:1", 0, 2) == 4
    connection.execute("PRAGMA max_page_count = 100000")
    buffer.write(rows_of(901, 920), P(920))
    assert store.applied == 920
    assert buffer.export(P(3), P(1000), 10**6) == (tuple(rows_of(3, 920)), 1000, ())
