"""What +i and +s hide, and from whom."""

import pytest

from roost.chat.ids import Position, RoomId, UserId
from roost.chat.state import Member, Room, State, User
from roost.ircd.queries.visibility import (
    can_see_membership,
    can_see_room,
    can_see_user,
    room_to_name,
    shares_room,
    visible_rooms,
)

OPEN, SECRET, OTHER = RoomId(1), RoomId(2), RoomId(3)
ROOM_IDS = {"open": OPEN, "secret": SECRET, "other": OTHER}


def world(viewer: str, user: str, *, is_invisible: bool = False) -> tuple[State, User, User]:
    """Let two users join rooms, whose names are separated by spaces; "secret" is +s."""
    state = State()
    for name, room_id in ROOM_IDS.items():
        modes = "nst" if name == "secret" else "nt"
        state.rooms[room_id] = Room(id=room_id, name=f"#{name}", created_ms=0, modes=modes)
    people = []
    for number, rooms in enumerate((viewer, user), start=1):
        user_id = UserId(number)
        person = User(
            id=user_id,
            nick=f"n{number}",
            username="u",
            realname="r",
            host="h",
            account="",
            modes="i" if is_invisible and number == 2 else "",
            away="",
            signed_on_ms=0,
            active_ms=0,
            rooms=tuple(ROOM_IDS[name] for name in rooms.split()),
        )
        for room_id in person.rooms:
            state.rooms[room_id].members[user_id] = Member(0, Position(number))
        state.users[user_id] = person
        people.append(person)
    return state, people[0], people[1]


@pytest.mark.parametrize(
    ("viewer", "user", "expected"),
    [("", "", False), ("open", "other", False), ("open other", "open", True), ("open", "", False)],
)
def test_rooms_are_shared_or_not(viewer: str, user: str, *, expected: bool) -> None:
    _, first, second = world(viewer, user)
    assert shares_room(first, second) is expected
    assert shares_room(second, first) is expected


def test_a_secret_room_is_seen_from_inside_only() -> None:
    state, outsider, insider = world("open", "secret")
    assert not can_see_room(outsider, state.rooms[SECRET])
    assert can_see_room(insider, state.rooms[SECRET])
    assert can_see_room(insider, state.rooms[OPEN])


def test_an_invisible_user_is_seen_from_a_shared_room_and_by_themselves() -> None:
    _, stranger, hidden = world("open", "other", is_invisible=True)
    assert not can_see_user(stranger, hidden)
    assert can_see_user(hidden, hidden)
    assert can_see_user(hidden, stranger)
    _, friend, hidden = world("other", "other", is_invisible=True)
    assert can_see_user(friend, hidden)


def test_rooms_are_named_unless_secret_or_of_the_invisible() -> None:
    state, viewer, user = world("open", "open secret other")
    assert [room.name for room in visible_rooms(state, viewer, user)] == ["#open", "#other"]
    assert [room.name for room in visible_rooms(state, user, user)] == [
        "#open",
        "#secret",
        "#other",
    ]
    state, viewer, user = world("open", "open secret other", is_invisible=True)
    assert [room.name for room in visible_rooms(state, viewer, user)] == ["#open"]
    assert not can_see_membership(viewer, user, state.rooms[OTHER])


@pytest.mark.parametrize(
    ("viewer", "user", "is_invisible", "expected"),
    [
        ("", "", False, None),
        ("", "secret", False, None),
        ("", "secret other", False, "#other"),
        ("secret", "other secret", False, "#secret"),
        ("open", "other", True, None),
        ("open", "other open", True, "#open"),
    ],
)
def test_the_room_named_for_somebody_is_a_shared_or_an_open_one(
    viewer: str, user: str, expected: str | None, *, is_invisible: bool
) -> None:
    state, first, second = world(viewer, user, is_invisible=is_invisible)
    room = room_to_name(state, first, second)
    assert (room.name if room else None) == expected
