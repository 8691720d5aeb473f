"""A query put to several parts of history has the answer that the whole would give."""

import random
from collections.abc import Sequence
from typing import cast

import pytest
from msgspec.structs import replace

from roost.chat.changes import Said, Source
from roost.chat.history import (
    EVERYTHING,
    KIND_EVENT,
    KIND_MESSAGE,
    Anchor,
    Answer,
    Excerpt,
    Owner,
    Page,
    Query,
    Row,
    Search,
    Span,
    Targets,
    encode_change,
)
from roost.chat.ids import Position, RoomId, UserId
from roost.node.engine.spread import (
    GONE,
    GONE_TEXT,
    Found,
    Segment,
    UnavailableError,
    spread,
)
from support.memory_history import MemoryHistory

P = Position
OWNERS = (Owner("i:4"), Owner("a:ann", P(20)))
CONVERSATIONS = ("r:1", "r:2", "d:i:4 bob", "d:i:4 carl", "d:a:ann bob", "d:i:5 ann")


def said(conversation: str, position: int, kind: int, time_ms: int, text: str) -> Row:
    source = Source(UserId(1), "ann", "u", "h")
    change = Said(0, source, "PRIVMSG", RoomId(1), UserId(0), "#r", 0, text, (), "", "")
    peer = "" if conversation.startswith("r:") else conversation.rpartition(" ")[2].upper()
    return Row(conversation, P(position), 0, time_ms, kind, peer, encode_change(change))


def make_rows(dice: random.Random, count: int, *, has_ties: bool = True) -> list[Row]:
    rows, time_ms = [], 0
    for position in range(1, count + 1):
        time_ms += dice.choice((0, 5) if has_ties else (5, 7))
        kind = dice.choice((KIND_MESSAGE, KIND_MESSAGE, KIND_EVENT))
        text = " ".join(dice.choices(("red", "roses", "blue"), k=2))
        rows.append(said(dice.choice(CONVERSATIONS), position, kind, time_ms, text))
    return rows


class Places:
    """History that is cut into segments, and who was asked."""

    def __init__(self, rows: list[Row], cuts: Sequence[int]) -> None:
        self.rows = rows
        self.segments: list[Segment] = []
        self.asked: list[str] = []
        self.down: tuple[str, ...] = ()
        firsts = [0, *cuts]
        for number, first in enumerate(firsts):
            last = firsts[number + 1] - 1 if number + 1 < len(firsts) else 2**63 - 1
            before = [row.time_ms for row in rows if row.position < first]
            since_ms = max(before, default=0)
            self.segments.append(Segment(f"s{number}", Span(P(first), P(last)), since_ms))

    def ask(self, query: Query) -> Found:
        steps = spread(query, self.segments)
        part = next(steps)
        while True:
            self.asked.append(part.segment.source)
            try:
                if part.segment.source in self.down:
                    part = steps.throw(UnavailableError("it sleeps"))
                else:
                    part = steps.send(answer(self.rows, part.query, part.segment.span))
            except StopIteration as end:
                return cast("Found", end.value)


def answer(rows: list[Row], query: Query, span: Span) -> Answer:
    memory = MemoryHistory()
    if not isinstance(query, Targets):
        rows = [row for row in rows if row.position >= span.first]
    memory.rows = [row for row in rows if row.position <= span.last]
    if isinstance(query, Targets):
        # A store that has newer rows leaves their conversations out.
        memory.rows = rows
        shown = memory.answer(query)
        times = {row.time_ms for row in rows if span.first <= row.position <= span.last}
        return tuple(one for one in shown if not isinstance(one, Row) and one.time_ms in times)
    return memory.answer(query)


def any_anchor(dice: random.Random, count: int) -> Anchor:
    if dice.random() < 0.5:
        return Anchor(time_ms=dice.randint(0, 4 * count))
    return Anchor(P(dice.randint(0, count + 1)), dice.randint(0, 1))


def any_page(dice: random.Random, count: int) -> Page:
    after, before, around = (
        any_anchor(dice, count) if dice.random() < chance else None for chance in (0.5, 0.5, 0.3)
    )
    return Page(
        dice.choice(CONVERSATIONS),
        dice.choice((1, 2, 3, 10, 100)),
        is_newest=around is None and dice.random() < 0.5,
        after=None if around else after,
        before=None if around else before,
        around=around,
        kinds=dice.choice(((KIND_MESSAGE,), (KIND_MESSAGE, KIND_EVENT))),
        from_position=P(dice.choice((0, 0, count // 2))),
    )


@pytest.mark.parametrize("seed", range(30))
def test_pages_and_searches_are_those_of_the_whole(seed: int) -> None:
    dice = random.Random(seed)
    count = 60
    rows = make_rows(dice, count)
    places = Places(rows, sorted(dice.sample(range(2, count), dice.choice((0, 1, 2)))))
    memory = MemoryHistory()
    memory.rows = rows
    for _ in range(40):
        page = any_page(dice, count)
        assert places.ask(page) == Found(memory.answer(page)), page
        find = Search(
            words=(dice.choice(("red", "ro", "blue")),),
            sender="",
            conversations=(Excerpt("r:1"), Excerpt("r:2", P(dice.randint(0, count)))),
            owners=OWNERS[: dice.randint(0, 2)],
            after_ms=dice.choice((-1, dice.randint(0, 3 * count))),
            before_ms=dice.choice((-1, dice.randint(0, 3 * count))),
            limit=dice.choice((1, 3, 100)),
            is_newest=dice.random() < 0.5,
        )
        assert places.ask(find) == Found(memory.answer(find)), find


@pytest.mark.parametrize("seed", range(30))
def test_targets_are_those_of_the_whole(seed: int) -> None:
    dice = random.Random(seed)
    count = 60
    rows = make_rows(dice, count, has_ties=False)
    places = Places(rows, sorted(dice.sample(range(2, count), dice.choice((0, 1, 2)))))
    memory = MemoryHistory()
    memory.rows = rows
    rooms = (("r:1", "#one", P(0)), ("r:2", "#two", P(5)))
    for _ in range(40):
        after_ms, before_ms = dice.randint(0, 8 * count), dice.randint(0, 8 * count)
        targets = Targets(OWNERS, rooms, after_ms, before_ms, limit=dice.choice((1, 2, 3, 10)))
        assert places.ask(targets) == Found(memory.answer(targets)), targets


class StaleArchive(Places):
    """One whose oldest segment knows nothing of what was said later."""

    def ask(self, query: Query) -> Found:
        steps = spread(query, self.segments)
        part = next(steps)
        while True:
            span = part.segment.span
            memory = MemoryHistory()
            memory.rows = [row for row in self.rows if span.first <= row.position <= span.last]
            try:
                part = steps.send(memory.answer(part.query))
            except StopIteration as end:
                return cast("Found", end.value)


@pytest.mark.parametrize("seed", range(30))
def test_an_older_part_may_not_know_what_was_said_later(seed: int) -> None:
    dice = random.Random(seed)
    count = 60
    rows = make_rows(dice, count, has_ties=False)
    places = StaleArchive(rows, [dice.randint(2, count)])
    memory = MemoryHistory()
    memory.rows = rows
    rooms = (("r:1", "#one", P(0)), ("r:2", "#two", P(0)))
    for _ in range(40):
        after_ms, before_ms = dice.randint(0, 8 * count), dice.randint(0, 8 * count)
        targets = Targets(OWNERS[:1], rooms, after_ms, before_ms, limit=dice.choice((1, 2, 3, 10)))
        assert places.ask(targets) == Found(memory.answer(targets)), targets


def places_of_ten() -> Places:
    rows = [said("r:1", position, KIND_MESSAGE, 10 * position, "hi") for position in range(1, 11)]
    return Places(rows, [6])


@pytest.mark.parametrize(
    ("page", "asked"),
    [
        (Page("r:1", 5, is_newest=True), ["s1"]),
        (Page("r:1", 6, is_newest=True), ["s1", "s0"]),
        (Page("r:1", 9, is_newest=False, after=Anchor(time_ms=50)), ["s1"]),
        (Page("r:1", 9, is_newest=False, after=Anchor(time_ms=49)), ["s0", "s1"]),
        (Page("r:1", 1, is_newest=False, after=Anchor(P(3))), ["s0"]),
        (Page("r:1", 9, is_newest=False, after=Anchor(P(6))), ["s1"]),
        (Page("r:1", 9, is_newest=True, before=Anchor(P(5))), ["s0"]),
        (Page("r:1", 9, is_newest=True, before=Anchor(time_ms=50)), ["s0"]),
        (Page("r:1", 9, is_newest=True, from_position=P(6)), ["s1"]),
        (Page("r:1", 4, is_newest=False, around=Anchor(P(9))), ["s1", "s1"]),
    ],
)
def test_only_those_are_asked_who_may_have_something(page: Page, asked: list[str]) -> None:
    places = places_of_ten()
    places.ask(page)
    assert places.asked == asked


def test_what_is_newer_is_shown_when_the_rest_is_not_available() -> None:
    places = places_of_ten()
    places.down = ("s0",)
    found = places.ask(Page("r:1", 100, is_newest=True))
    assert ([row.position for row in found.answer if isinstance(row, Row)], found.lack) == (
        [6, 7, 8, 9, 10],
        "it sleeps",
    )
    with pytest.raises(UnavailableError):
        places.ask(Page("r:1", 100, is_newest=False))
    with pytest.raises(UnavailableError):
        places.ask(Page("r:1", 100, is_newest=True, before=Anchor(P(3))))
    rooms = (("r:1", "#one", P(0)),)
    assert places.ask(Targets((), rooms, 0, 1000, 10)).lack == "it sleeps"
    with pytest.raises(UnavailableError):
        places.ask(Targets((), rooms, 0, 30, 10))


@pytest.mark.parametrize("seed", range(30))
def test_over_a_hole_a_page_has_what_is_left_and_says_so(seed: int) -> None:
    dice = random.Random(seed)
    rows = make_rows(dice, 40, has_ties=False)
    first, last = sorted(dice.sample(range(5, 36), 2))
    lost = [row for row in rows if first <= row.position <= last]
    left = [row for row in rows if row not in lost]
    places = Places(left, (first, last + 1))
    # What comes after a hole may be as old as anything, as far as anybody knows.
    hole = Segment(GONE, Span(P(first), P(last)), lost[-1].time_ms)
    rest = places.segments[2]._replace(since_ms=dice.choice((0, places.segments[2].since_ms)))
    places.segments = [places.segments[0], hole, rest]
    for _ in range(30):
        page = any_page(dice, 40)
        whole = answer(rows, replace(page, limit=1000), EVERYTHING)
        found = places.ask(page)
        assert found.answer == answer(left, page, EVERYTHING)
        assert GONE not in places.asked
        ends = [row.position for row in found.answer if isinstance(row, Row)]
        if ends and ends[0] < first and last < ends[-1]:
            assert found.lack == GONE_TEXT
        elif {*lost} & {*whole} and len(found.answer) < page.limit and not page.around:
            # A time within the hole is the exception: nobody knows when it began.
            is_within = page.before is not None and 0 <= page.before.time_ms <= hole.since_ms
            assert is_within or found.lack == GONE_TEXT, "there seems to have been nothing"


def test_conversations_are_asked_for_on_both_sides_of_a_hole() -> None:
    places = Places(make_rows(random.Random(1), 40), (10, 20))
    places.segments[1] = places.segments[1]._replace(source=GONE)
    places.ask(Targets(OWNERS, (("r:1", "#1", P(1)),), -1, 10_000, 10))
    assert {*places.asked} == {"s0", "s2"}
