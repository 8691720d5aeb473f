"""Pages match their definition, and cost the same in a conversation of any length."""

import random

import pytest
from msgspec.structs import replace

from roost.chat.changes import RoomRenamed, Said, Source
from roost.chat.history import (
    KIND_EVENT,
    KIND_MESSAGE,
    KIND_REDACTED,
    KIND_REDACTION,
    KIND_TAGMSG,
    KINDS,
    Anchor,
    Answer,
    Excerpt,
    Owner,
    Page,
    Query,
    Row,
    Target,
    Targets,
    encode_change,
)
from roost.chat.ids import Position, RoomId, UserId
from roost.storage import HistoryStore, history_pages
from support.memory_history import MemoryHistory, any_page
from support.stores import row


def at(position: int, part: int = 0) -> Anchor:
    return Anchor(Position(position), part)


def time(time_ms: int) -> Anchor:
    return Anchor(time_ms=time_ms)


def fill(history: HistoryStore, rows: list[Row]) -> None:
    history.write(rows, rows[-1].position)


def positions(history: HistoryStore, page: Page) -> list[int]:
    return [found.position for found in history.answer(page) if isinstance(found, Row)]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (Page("r:1", 3, True), [8, 9, 10]),
        (Page("r:1", 3, False), [1, 2, 3]),
        (Page("r:1", 0, True), []),
        (Page("r:1", -1, True), []),
        (Page("r:2", 3, True), []),
        (Page("r:1", 3, True, before=at(5)), [2, 3, 4]),
        (Page("r:1", 3, False, after=at(5)), [6, 7, 8]),
        (Page("r:1", 3, True, after=at(5)), [8, 9, 10]),
        (Page("r:1", 30, True, after=at(5), before=at(8)), [6, 7]),
        (Page("r:1", 30, True, after=at(8), before=at(5)), []),
        (Page("r:1", 30, True, after=at(5, 7)), [6, 7, 8, 9, 10]),
        (Page("r:1", 30, False, before=at(2, 1)), [1, 2]),
        (Page("r:1", 4, False, around=at(5)), [3, 4, 5, 6]),
        (Page("r:1", 5, False, around=at(5)), [3, 4, 5, 6, 7]),
        (Page("r:1", 1, False, around=at(5)), [5]),
        (Page("r:1", 4, False, around=at(1)), [1, 2, 3, 4]),
        (Page("r:1", 4, False, around=at(10)), [8, 9, 10]),
        (Page("r:1", 4, False, around=at(99)), [9, 10]),
        (Page("r:1", 3, True, before=time(10_050)), [2, 3, 4]),
        (Page("r:1", 3, False, after=time(10_050)), [6, 7, 8]),
        (Page("r:1", 3, False, after=time(10_051)), [6, 7, 8]),
        (Page("r:1", 3, False, after=time(10_049)), [5, 6, 7]),
        (Page("r:1", 3, True, before=time(0)), []),
        (Page("r:1", 3, False, after=time(0)), [1, 2, 3]),
        (Page("r:1", 3, True, before=time(10**15)), [8, 9, 10]),
        (Page("r:1", 3, False, after=time(10**15)), []),
        (Page("r:1", 4, False, around=time(10_050)), [3, 4, 5, 6]),
        (Page("r:1", 4, False, around=time(10_045)), [3, 4, 5, 6]),
        (Page("r:1", 30, True, from_position=Position(8)), [8, 9, 10]),
        (Page("r:1", 30, False, before=at(9), from_position=Position(8)), [8]),
        (Page("r:1", 6, False, around=at(9), from_position=Position(8)), [8, 9, 10]),
        (Page("r:1", 4, False, around=at(3), from_position=Position(8)), [8, 9, 10]),
    ],
)
def test_pages_of_ten_messages(history: HistoryStore, page: Page, expected: list[int]) -> None:
    fill(history, [row(position) for position in range(1, 11)])
    assert positions(history, page) == expected


def test_events_are_shown_on_request_only(history: HistoryStore) -> None:
    kinds = [KIND_MESSAGE, KIND_EVENT, KIND_TAGMSG]
    fill(history, [row(position, kind=kinds[position % 3]) for position in range(1, 10)])
    assert positions(history, Page("r:1", 2, True)) == [6, 9]
    assert positions(history, Page("r:1", 4, True, kinds=KINDS)) == [6, 7, 8, 9]
    assert positions(history, Page("r:1", 4, False, kinds=KINDS)) == [1, 2, 3, 4]
    page = Page("r:1", 4, False, around=at(5), kinds=KINDS)
    assert positions(history, page) == [3, 4, 5, 6]


def test_older_rows_that_are_not_shown_do_not_count(history: HistoryStore) -> None:
    source = Source(UserId(1), "ann", "u", "h")
    rename = encode_change(RoomRenamed(0, source, RoomId(1), "#a", "#b", "", False, None, ()))
    said = Said(0, source, "TAGMSG", RoomId(1), UserId(0), "#r", 0, "", (), "", "")
    # Older versions stored these with the kinds of events and of redacted messages.
    hidden = [(KIND_EVENT, rename), (KIND_REDACTED, encode_change(said))]
    rows = [row(1), *(row(position) for position in range(2, 22)), row(22)]
    for number in range(1, 21):
        kind, record = hidden[number % 2]
        rows[number] = replace(rows[number], kind=kind, record=record)
    fill(history, rows)
    kinds = (KIND_MESSAGE, KIND_EVENT, KIND_REDACTED)
    for limit in (1, 2, 3, 5):
        expected = [1, 22][-limit:]
        assert positions(history, Page("r:1", limit, True, kinds=kinds)) == expected
        expected = [1, 22][:limit]
        assert positions(history, Page("r:1", limit, False, kinds=kinds)) == expected
    assert positions(history, Page("r:1", 4, False, around=at(10), kinds=kinds)) == [1, 22]


def test_rows_of_one_position_are_ordered_by_part(history: HistoryStore) -> None:
    rows = [row(position, part=part) for position in (1, 2, 3) for part in range(4)]
    fill(history, rows)
    assert history.answer(Page("r:1", 3, False, after=at(2, 2))) == (rows[7], rows[8], rows[9])
    assert history.answer(Page("r:1", 3, True, before=at(2, 2))) == (rows[3], rows[4], rows[5])
    assert history.answer(Page("r:1", 4, False, around=at(2, 1))) == tuple(rows[3:7])


def test_any_page_is_what_the_plain_definition_says(history: HistoryStore) -> None:
    chance = random.Random(7)
    memory = MemoryHistory()
    position, time_ms = 0, 50_000
    for _ in range(300):
        position += chance.randint(1, 3)
        time_ms += chance.choice([0, 0, 1, 500])
        for part in range(chance.choice([1, 1, 1, 3])):
            name = f"r:{chance.randint(1, 3)}"
            kind = chance.choice([KIND_MESSAGE, KIND_MESSAGE, KIND_EVENT, KIND_TAGMSG])
            memory.rows.append(row(position, name, part=part, kind=kind, time_ms=time_ms))
    fill(history, memory.rows)

    def anchor() -> Anchor | None:
        match chance.randrange(3):
            case 0:
                return None
            case 1:
                return at(chance.randint(0, position + 5), chance.randint(0, 2))
            case _:
                return time(chance.randint(49_990, time_ms + 10))

    for _ in range(600):
        page = any_page(chance, position, anchor)
        assert history.answer(page) == memory.answer(page), page


def private(position: int, sender: int, recipient: str, key: str) -> Row:
    source = Source(UserId(sender), "x", "u", "h")
    said = Said(0, source, "PRIVMSG", RoomId(0), UserId(0), "y", 0, "", (), recipient, "")
    return replace(row(position, key), record=encode_change(said))


def test_under_a_former_nickname_only_that_persons_rows_are_read(history: HistoryStore) -> None:
    """The reader is user 1, who wrote to users 2 and 3 while they were called bob."""
    former = "d:u:1 bob"
    memory = MemoryHistory()
    for position in range(1, 41):
        other = 2 + position // 3 % 2
        sender, recipient = (1, f"u:{other}") if position % 2 else (other, "u:1")
        memory.rows.append(private(position, sender, recipient, former))
    memory.rows += [private(p, 2, "u:1", "d:u:1 rob") for p in range(41, 50)]
    fill(history, memory.rows)
    more = (Excerpt(former, Position(4), (Owner("u:2", Position(8)), Owner("u:9"))),)
    for limit in (1, 3, 12, 100):
        for is_newest in (True, False):
            page = Page("d:u:1 rob", limit, is_newest, more=more)
            assert history.answer(page) == memory.answer(page)
            page = replace(page, around=at(20))
            assert history.answer(page) == memory.answer(page)
    found = [p for p in positions(history, Page("d:u:1 rob", 100, False, more=more)) if p <= 40]
    assert found == [p for p in range(8, 41) if p // 3 % 2 == 0]


def test_strangers_under_a_former_nickname_cost_little(
    history: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_pages, "PASSED_OVER_MAX", 20)
    rows = [private(p, 2 if p == 1 else 3, "u:1", "d:u:1 bob") for p in range(1, 100)]
    fill(history, [*rows, private(100, 2, "u:1", "d:u:1 rob")])
    more = (Excerpt("d:u:1 bob", peers=(Owner("u:2"),)),)
    assert positions(history, Page("d:u:1 rob", 5, True, more=more)) == [100]
    assert positions(history, Page("d:u:1 rob", 5, False, more=more)) == [1, 100]


def steps(history: HistoryStore, query: Query) -> int:
    """Return what an answer costs, in hundreds of instructions of SQLite's virtual machine."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection = history._database.connection
    connection.set_progress_handler(step, 100)
    history.answer(query)
    connection.set_progress_handler(None, 0)
    return count


@pytest.mark.parametrize(
    "query",
    [
        Page("r:1", 100, True),
        Page("r:1", 100, True, kinds=KINDS),
        Page("r:1", 100, False),
        Page("r:1", 100, False, around=at(1500)),
        Page("r:1", 100, True, before=time(25_000)),
        Page("r:1", 100, False, after=time(25_000)),
        Page("r:1", 100, False, around=time(25_000), kinds=KINDS),
        Page("r:1", 100, True, kinds=(KIND_MESSAGE, KIND_REDACTION)),
        Targets((Owner("a:ann"),), (("r:1", "#one", Position(0)),), 0, 10**9, 10),
    ],
)
def test_an_answer_costs_the_same_in_a_long_conversation(
    history: HistoryStore, query: Query
) -> None:
    def write(first: int, last: int) -> None:
        # Most rows of the room are events, and many people write to Ann.
        rows = [
            row(position, kind=KIND_EVENT if position % 10 else KIND_MESSAGE)
            for position in range(first, last)
        ]
        rows += [row(p, f"d:a:ann x{p}", peer=f"x{p}") for p in range(first, last, 7)]
        history.write(rows, Position(last))

    write(1, 3_000)
    before = steps(history, query)
    write(3_000, 30_000)
    # There is ten times as much history; only the bisection takes a few more steps.
    assert steps(history, query) <= before * 1.2 + 5


# Targets


def targets(after_ms: int, before_ms: int, limit: int = 10) -> Targets:
    rooms = (("r:1", "#one", Position(0)), ("r:2", "#two", Position(5)))
    return Targets((Owner("a:ann"),), rooms, after_ms, before_ms, limit)


@pytest.fixture
def busy(history: HistoryStore) -> HistoryStore:
    fill(
        history,
        [
            row(1, time_ms=100),
            row(2, "r:2", time_ms=200),
            row(3, "d:a:ann bob", peer="Bob", time_ms=300),
            row(4, "d:a:ann carl", peer="carl", time_ms=400),
            row(4, "d:a:carl ann", peer="Ann", time_ms=400),
            row(5, "d:a:anna bob", peer="Bob", time_ms=450),
            row(6, "r:2", time_ms=500),
            row(7, time_ms=600),
            row(8, "d:a:ann bob", peer="BOB", time_ms=700),
            row(9, "d:a:ann bob", kind=KIND_TAGMSG, peer="bob", time_ms=800),
            row(9, "r:3", time_ms=800),
            row(10, "r:1", kind=KIND_EVENT, time_ms=900),
        ],
    )
    return history


ONE, TWO, BOB, CARL = (
    Target("#one", 600),
    Target("#two", 500),
    Target("BOB", 700),
    Target("carl", 400),
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (targets(0, 1000), (CARL, TWO, ONE, BOB)),
        (targets(1000, 0), (BOB, ONE, TWO, CARL)),
        (targets(0, 1000, limit=2), (CARL, TWO)),
        (targets(1000, 0, limit=2), (BOB, ONE)),
        (targets(0, 1000, limit=0), ()),
        (targets(400, 700), (TWO, ONE)),
        (targets(700, 400), (ONE, TWO)),
        (targets(399, 701), (CARL, TWO, ONE, BOB)),
        (targets(600, 600), ()),
    ],
)
def test_targets_are_conversations_by_their_latest_message(
    busy: HistoryStore, query: Targets, expected: tuple[Target, ...]
) -> None:
    assert busy.answer(query) == expected


def test_targets_of_several_identities_are_those_of_one_person(busy: HistoryStore) -> None:
    fill(
        busy,
        [
            row(11, "d:i:4 bob", peer="bOb", time_ms=1000),
            row(12, "d:i:4 dora", peer="Dora", time_ms=1100),
        ],
    )
    memory = MemoryHistory()
    memory.store(list(busy.export(Position(1), Position(12), 10**6)[0]))
    bob, dora = Target("bOb", 1000), Target("Dora", 1100)

    def ask(from_position: int, after_ms: int, before_ms: int, limit: int = 10) -> Answer:
        owners = (Owner("i:4"), Owner("a:ann", Position(from_position)))
        query = Targets(owners, (), after_ms, before_ms, limit)
        answer = busy.answer(query)
        assert answer == memory.answer(query)
        return answer

    assert ask(0, 0, 2000) == (CARL, bob, dora)
    assert ask(0, 2000, 0, 2) == (dora, bob)
    assert ask(0, 0, 2000, 2) == (CARL, bob)
    # Bob's latest message is not in this span, though an earlier one is.
    assert ask(0, 0, 1000) == (CARL,)
    # Somebody else had the name then.
    assert ask(5, 0, 2000) == (bob, dora)


def test_a_room_that_was_emptied_since_its_latest_message_is_no_target(busy: HistoryStore) -> None:
    rooms = (("r:1", "#one", Position(8)), ("r:2", "#two", Position(6)))
    assert busy.answer(Targets((Owner("a:nobody"),), rooms, 0, 1000, 10)) == (TWO,)


def test_backfilled_messages_count_as_latest_only_when_they_are(busy: HistoryStore) -> None:
    busy.import_rows(
        [row(5, "r:2", time_ms=450), row(5, "d:a:ann dan", peer="dan", time_ms=450)],
        Position(5),
        Position(5),
    )
    assert busy.answer(targets(0, 1000)) == (CARL, Target("dan", 450), TWO, ONE, BOB)
