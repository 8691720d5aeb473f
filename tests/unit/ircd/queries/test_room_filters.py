"""Which rooms LIST's conditions select."""

import pytest
from hypothesis import given, strategies

from roost.chat.changes import VOICE
from roost.chat.ids import FoldedRoom, Position, RoomId, UserId
from roost.chat.state import Member, Room, Topic
from roost.ircd.queries.room_filters import PATTERNS_MAX, TooManyPatternsError, parse_filter

MINUTE = 60_000
NOW = 1000 * MINUTE


def room(name: str, *, people: int = 0, created: int = 0, topic: int | None = None) -> Room:
    """Create a room; times are minutes before now."""
    return Room(
        id=RoomId(1),
        name=name,
        created_ms=NOW - created * MINUTE,
        topic=None if topic is None else Topic("x", "a!b@c", NOW - topic * MINUTE),
        members={UserId(n): Member(VOICE, Position(n)) for n in range(people)},
    )


def accepts(*parameters: str, given_room: Room) -> bool:
    folded = FoldedRoom(given_room.name.lower())
    return parse_filter(parameters).accepts(folded, given_room, NOW)


@pytest.mark.parametrize(
    ("condition", "people", "expected"),
    [(">3", 3, False), (">3", 4, True), ("<3", 3, False), ("<3", 2, True), ("<1", 0, True)],
)
def test_u_compares_the_number_of_people(condition: str, people: int, *, expected: bool) -> None:
    assert accepts(condition, given_room=room("#r", people=people)) is expected


@pytest.mark.parametrize(
    ("condition", "minutes", "expected"),
    [("C<60", 59, True), ("C<60", 60, False), ("c>60", 61, True), ("C>60", 60, False)],
)
def test_c_compares_the_age(condition: str, minutes: int, *, expected: bool) -> None:
    assert accepts(condition, given_room=room("#r", created=minutes)) is expected


@pytest.mark.parametrize(
    ("condition", "minutes", "expected"),
    [("T<60", 59, True), ("t<60", 61, False), ("T>60", 61, True), ("T>60", 59, False)],
)
def test_t_compares_the_topics_age(condition: str, minutes: int, *, expected: bool) -> None:
    assert accepts(condition, given_room=room("#r", topic=minutes)) is expected


@pytest.mark.parametrize("condition", ["T<60", "T>60"])
def test_a_room_without_topic_has_no_topic_time(condition: str) -> None:
    assert not accepts(condition, given_room=room("#r"))


def test_m_and_n_compare_the_name_whatever_its_case() -> None:
    assert accepts("*CHAT*", given_room=room("#ChatRoom"))
    assert not accepts("*chat", given_room=room("#ChatRoom"))
    assert not accepts("!*chat*", given_room=room("#ChatRoom"))
    assert accepts("!*talk*", given_room=room("#ChatRoom"))


def test_all_conditions_have_to_hold_and_one_of_the_names() -> None:
    few, many = room("#a", people=1), room("#b", people=5)
    assert accepts("#a,#b", ">3", given_room=many)
    assert not accepts("#a,#b", ">3", given_room=few)
    assert accepts("#a,*b", given_room=few)
    assert accepts("#a,*b", given_room=many)
    assert not accepts(">1,<5", given_room=many)


def test_only_names_need_no_look_at_all_rooms() -> None:
    assert parse_filter(("#a,#b", ">3")).is_by_name
    assert not parse_filter(("#a,#b*",)).is_by_name
    assert not parse_filter((">3",)).is_by_name
    assert not parse_filter(()).is_by_name


def test_too_many_masks_are_refused_and_repeated_ones_count_once() -> None:
    parse_filter((",".join(["*a*"] * 50),))
    with pytest.raises(TooManyPatternsError):
        parse_filter((",".join(f"*{n}*" for n in range(PATTERNS_MAX + 1)),))


@given(strategies.lists(strategies.text(max_size=20), max_size=3))
def test_no_parameters_make_the_filter_fail(parameters: list[str]) -> None:
    accepts(*parameters, given_room=room("#r", people=2, topic=3))
