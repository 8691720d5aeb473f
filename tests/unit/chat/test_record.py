import msgspec
import pytest

from roost.chat.commands.messages import Say
from roost.chat.commands.modes import ModeChange, SetRoomModes
from roost.chat.commands.rooms import Part, SetTopic
from roost.chat.commands.users import ChangeNick, Quit
from roost.chat.history import KIND_EVENT, KIND_MESSAGE, KIND_TAGMSG, Row, decode_change
from roost.chat.ids import FoldedNick, Position, message_id, parse_message_id
from roost.chat.record import history_rows
from roost.chat.snapshot import (
    FORMAT,
    FORMAT_IN_PARTS,
    SnapshotError,
    decode_state,
    encode_state,
)
from roost.irc.casemapping import fold_nick
from support.chat_world import ChatWorld


@pytest.fixture
def world() -> ChatWorld:
    world = ChatWorld()
    world.room_with("#a", "alice", "Bob")
    world.room_with("#b", "alice")
    return world


def conversations(rows: list[Row]) -> list[str]:
    return [row.conversation for row in rows]


def test_a_rooms_message_is_one_row_that_holds_all_of_it(world: ChatWorld) -> None:
    applied = world.act("alice", Say("PRIVMSG", "#a", "hi"))
    (row,) = history_rows(applied)
    assert row.conversation == f"r:{world.room('#a').id}"
    assert (row.position, row.part, row.time_ms) == (applied.position, 0, applied.time_ms)
    assert row.kind == KIND_MESSAGE
    assert decode_change(row.record) == applied.results[0]


def test_a_private_message_is_a_row_for_each_side(world: ChatWorld) -> None:
    rows = history_rows(world.act("alice", Say("PRIVMSG", "bob", "hi")))
    alice, bob = world.user("alice").id, world.user("bob").id
    assert [(row.conversation, row.peer) for row in rows] == [
        (f"d:u:{alice} bob", "Bob"),
        (f"d:u:{bob} alice", "alice"),
    ]
    assert len(history_rows(world.act("alice", Say("PRIVMSG", "alice", "hi")))) == 1


def test_what_is_for_operators_only_is_not_kept_for_everybody(world: ChatWorld) -> None:
    assert history_rows(world.act("alice", Say("PRIVMSG", "@#a", "hi"))) == []


def test_events_are_kept_where_they_were_seen(world: ChatWorld) -> None:
    a, b = (f"r:{world.room(name).id}" for name in ("#a", "#b"))
    kinds = [
        (world.act("alice", SetTopic("#a", "x")), [a]),
        (world.act("alice", SetRoomModes("#a", (ModeChange(True, "m"),))), [a]),
        (world.act("alice", ChangeNick("carol")), [a, b]),
        (world.act("Bob", Part("#a")), [a]),
        (world.act("alice", Quit("bye")), [a, b]),
    ]
    for applied, where in kinds:
        rows = history_rows(applied)
        assert conversations(rows) == where
        assert all(row.kind == KIND_EVENT for row in rows)


def test_a_tagmsg_is_a_kind_of_its_own(world: ChatWorld) -> None:
    (row,) = history_rows(world.act("alice", Say("TAGMSG", "#a", "", (("+react", "y"),))))
    assert row.kind == KIND_TAGMSG


def test_message_ids_sort_like_the_log_and_come_back() -> None:
    ids = [message_id(Position(p), part) for p in (1, 15, 16, 4096, 10**12) for part in (0, 1, 200)]
    assert ids == sorted(ids)
    assert [parse_message_id(i) for i in ids[:2]] == [(1, 0), (1, 1)]
    for wrong in (
        "",
        "x",
        "1-1",
        "00000000001-",
        "00000000001-0g",
        "0x000000001-00",
        "00000000001-00 ",
    ):
        assert parse_message_id(wrong) is None


@pytest.mark.parametrize("data", [b"", bytes((FORMAT_IN_PARTS + 1,)) + b"rest"])
def test_a_snapshot_of_another_format_is_refused(data: bytes) -> None:
    with pytest.raises(SnapshotError, match="format"):
        decode_state(data)


def part(value: object) -> bytes:
    data = msgspec.msgpack.encode(value)
    return len(data).to_bytes(4, "big") + data


@pytest.mark.parametrize(
    "data",
    [
        bytes((FORMAT,)) + b"rest",
        bytes((FORMAT_IN_PARTS,)),
        bytes((FORMAT_IN_PARTS,)) + b"\0\0",
        bytes((FORMAT_IN_PARTS,)) + b"\0\0\1\0" + b"short",
        bytes((FORMAT_IN_PARTS,)) + part({}) + part(["nothing", {}]),
        bytes((FORMAT_IN_PARTS,)) + part({}) + part(["users", {1: "not a user"}]),
        bytes((FORMAT_IN_PARTS,)) + part({}) + b"x",
    ],
)
def test_a_snapshot_that_is_damaged_is_refused(data: bytes) -> None:
    with pytest.raises(SnapshotError, match=r"cannot be read|ends within"):
        decode_state(data)


@pytest.mark.parametrize("part_items", [1, 2, 3, 1000])
def test_a_snapshot_is_the_whole_state(world: ChatWorld, part_items: int) -> None:
    data = encode_state(world.state, part_items)
    state = decode_state(data)
    assert state == world.state
    # The order of what is kept is part of the state.
    assert encode_state(state, part_items) == data
    assert encode_state(state) == encode_state(world.state)


def test_a_decoded_state_has_each_number_once(world: ChatWorld) -> None:
    state = decode_state(encode_state(world.state, 1))
    for number, session in state.sessions.items():
        user = state.users[session.user]
        assert session.id is number
        assert session.user is user.id
        assert user.sessions[0] is number
        assert state.nicks[FoldedNick(fold_nick(user.nick))] is user.id
