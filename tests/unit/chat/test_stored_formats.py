"""What earlier versions stored is still read."""

import msgspec

from roost.chat.changes import Joined
from roost.chat.commands.operators import BecomeOperator
from roost.chat.history import decode_change
from roost.chat.snapshot import FORMAT, decode_state, encode_state
from support.chat_world import ChatWorld


def test_a_row_that_tells_whether_the_room_was_new() -> None:
    ann = [1, "ann", "ann", "host"]
    record = msgspec.msgpack.encode([2, 0, ann, 64, "#a", "Ann", "away", True, 3])
    joined = decode_change(record)
    assert isinstance(joined, Joined)
    assert (joined.room, joined.away, joined.status) == (64, "away", 3)


def test_a_snapshot_that_tells_when_a_room_was_emptied() -> None:
    world = ChatWorld()
    room = world.room_with("#a", "alice")
    plain = msgspec.msgpack.decode(encode_state(world.state)[1:], strict=False)
    stored = plain["rooms"][room.id]
    stored[12] = 99  # What was called `emptied`, between `invited` and `history_from`.
    data = bytes((FORMAT,)) + msgspec.msgpack.encode(plain)
    state = decode_state(data)
    room.unused = 99
    assert state.rooms[room.id] == room


def test_operators_actions_are_called_deeds_in_snapshots() -> None:
    world = ChatWorld()
    world.open("alice")
    world.act("alice", BecomeOperator("admin"))
    plain = msgspec.msgpack.decode(encode_state(world.state)[1:], strict=False)
    ((_, text),) = plain["deeds"]
    assert text == "alice (admin) is an operator now"
