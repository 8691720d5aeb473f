"""The log says from where on a room's history is kept, and nobody reads what is before."""

import pytest

from roost.chat.commands.cluster import ForgetRoomHistory
from roost.chat.commands.ownership import RegisterRoom, SetRetention
from roost.chat.commands.rooms import Join
from roost.chat.ids import Position, RoomId
from roost.chat.refusals import Reason, Refusal
from roost.chat.snapshot import decode_state, encode_state
from roost.chat.state import Retention
from support.chat_world import ChatWorld


@pytest.fixture
def world() -> ChatWorld:
    world = ChatWorld()
    world.open("alice", account="Alice")
    world.open("bob", account="Bob")
    world.act("alice", Join("#a"))
    world.act("alice", RegisterRoom("#a"))
    return world


def test_it_is_set_and_lifted_by_the_founder(world: ChatWorld) -> None:
    room = world.room("#a")
    world.act("alice", SetRetention("#a", 3600, 50))
    assert world.state.retention == {room.id: Retention(3_600_000, 50)}
    assert decode_state(encode_state(world.state)) == world.state
    for nick, wrong in (
        ("bob", SetRetention("#a", 3600, 50)),
        ("alice", SetRetention("#a", 5, 0)),
        ("alice", SetRetention("#a", 0, 10**9)),
        ("alice", SetRetention("#none", 3600, 0)),
    ):
        (refusal,) = world.act(nick, wrong).results
        assert isinstance(refusal, Refusal)
        assert refusal.reason in (
            Reason.NOT_FOUNDER,
            Reason.RETENTION_INVALID,
            Reason.NO_SUCH_ROOM,
        )
    assert world.state.retention == {room.id: Retention(3_600_000, 50)}
    world.act("alice", SetRetention("#a", 0, 0))
    assert world.state.retention == {}


def test_history_begins_later_and_never_earlier(world: ChatWorld) -> None:
    room = world.room("#a")
    now = world.state.position
    world.command(ForgetRoomHistory(room.id, now))
    assert room.history_from == 0, "the founder has taken the limit back"
    world.act("alice", SetRetention("#a", 3600, 0))
    world.command(ForgetRoomHistory(room.id, now))
    assert room.history_from == now
    world.command(ForgetRoomHistory(room.id, Position(now - 1)))
    world.command(ForgetRoomHistory(room.id, Position(now + 1000)))
    assert room.history_from == now


def test_a_room_that_is_gone_needs_no_limit(world: ChatWorld) -> None:
    world.state.retention[RoomId(99)] = Retention(1, 0)
    world.command(ForgetRoomHistory(RoomId(99), Position(1)))
    assert world.state.retention == {}
