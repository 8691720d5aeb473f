"""Who is in a big room is kept packed, and always says the same as the room."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.chat.ids import FoldedRoom, SessionId
from roost.chat.state import Room
from roost.ircd.rendering import name_lists
from roost.ircd.rendering.name_lists import NameList, NameLists
from roost.ircd.rendering.prefixes import prefixes
from support.dialogue import Client, World
from unit.ircd.delivery.test_missed_as_live import LINES, do, people_of

SPACE = 60
everything = st.sampled_from([line for lines in LINES.values() for line in lines])


def expected(world: World, room: Room, *, multiple: bool, hosts: bool) -> list[str]:
    users = [(world.state.users[number], member) for number, member in room.members.items()]
    return sorted(
        prefixes(member.status, is_multiple=multiple)
        + (f"{user.nick}!{user.username}@{user.host}" if hosts else user.nick)
        for user, member in users
    )


def room_of(world: World, name: str) -> Room | None:
    number = world.state.room_names.get(FoldedRoom(name))
    return None if number is None else world.state.rooms[number]


@given(st.lists(st.tuples(st.integers(0, 2), everything), max_size=25))
@settings(max_examples=60)
def test_kept_lists_say_what_the_rooms_say(script: list[tuple[int, str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(name_lists, "CROWD_MIN", 1)
        world = World()
        lists = NameLists("roost.local")
        people = people_of(world)
        shown = len(world.log)
        for who, line in script:
            do(world, people[who], line)
            for applied in world.log[shown:]:
                for change in applied.results:
                    lists.show(change, world.state)  # type: ignore[arg-type]
            shown = len(world.log)
            for name in ("#a", "#b", "#c", "#d"):
                room = room_of(world, name)
                if room is None:
                    continue
                for multiple in (False, True):
                    kept = lists.of(world.state, room, multiple=multiple, hosts=multiple)
                    words = " ".join(texts(kept)).split()
                    assert sorted(words) == expected(world, room, multiple=multiple, hosts=multiple)


def texts(kept: NameList) -> Iterator[str]:
    return (kept.text(place) for place in kept.places())


def crowd(world: World, count: int) -> tuple[Room, list[Client]]:
    clients = world.join("#a", *(f"member{number}" for number in range(count)))
    room = room_of(world, "#a")
    assert room is not None
    return room, clients


def kept_list(world: World, room: Room) -> NameList:
    return NameList(world.state, room, SPACE, multiple=False, hosts=False)


def refresh(world: World, kept: NameList, room: Room, *clients: Client) -> None:
    for client in clients:
        number = SessionId(client.session)
        user = world.state.sessions[number].user
        kept.refresh(world.state, room, user)


def test_a_reader_misses_nobody_who_stays_while_others_come_and_go() -> None:
    world = World()
    room, clients = crowd(world, 40)
    kept = kept_list(world, room)
    read: list[str] = []
    leaving = clients[1::2]
    for text in texts(kept):
        assert len(text) <= SPACE
        read += text.split()
        if leaving:
            client = leaving.pop()
            client.send("PART #a")
            refresh(world, kept, room, client)
            clients[0].send(f"NICK renamed{len(leaving)}")
            refresh(world, kept, room, clients[0])
    words = expected(world, room, multiple=False, hosts=False)
    # Who has another name was read under the former one, of which the reader is told live.
    assert {word for word in words if "renamed" not in word} <= set(read)


def test_texts_of_a_room_that_most_have_left_are_packed_again() -> None:
    world = World()
    room, clients = crowd(world, 60)
    kept = kept_list(world, room)
    before = len(list(texts(kept)))
    for client in clients[:50]:
        client.send("PART #a")
        refresh(world, kept, room, client)
    assert len(list(texts(kept))) < before / 2
    assert sorted(" ".join(texts(kept)).split()) == sorted(f"member{n}" for n in range(50, 60))


def test_a_long_list_is_made_in_steps_while_people_come_and_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(name_lists, "NAMES_PER_STEP", 10)
    world = World()
    room, clients = crowd(world, 45)
    kept = kept_list(world, room)
    steps = 1
    while not kept.is_whole:
        for client, line in ((clients[steps], "PART #a"), (clients[-steps], f"NICK late{steps}")):
            client.send(line)
            refresh(world, kept, room, client)
        (newcomer,) = world.join("#a", f"new{steps}")
        refresh(world, kept, room, newcomer)
        kept.go_on(world.state, room)
        steps += 1
    assert steps > 3
    assert sorted(" ".join(texts(kept)).split()) == expected(
        world, room, multiple=False, hosts=False
    )
