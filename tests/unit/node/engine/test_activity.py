"""The busiest rooms are counted, and hidden ones are not told."""

from roost.chat.applied import Applied
from roost.chat.changes import Said, Source
from roost.chat.ids import Position, RoomId, UserId
from roost.chat.state import Room, State
from roost.node.engine.activity import LOOK_S, MINUTE_MS, ROOMS_MAX, Activity
from roost.protocol.trunk import RoomActivity

SOURCE = Source(UserId(1), "ada", "ada", "host", "", False)
NOW_MS = 100 * MINUTE_MS


def said(room: int, time_ms: int = NOW_MS, *, recipient: int = 0) -> Applied:
    change = Said(
        0, SOURCE, "PRIVMSG", RoomId(room), UserId(recipient), "#x", 0, "text", (), "", ""
    )
    return Applied(Position(1), time_ms, results=(change,))


def state_with(*rooms: tuple[int, str, str]) -> State:
    state = State(time_ms=NOW_MS)
    for number, name, modes in rooms:
        state.rooms[RoomId(number)] = Room(RoomId(number), name, 0, modes)
    return state


def test_the_busiest_come_first_and_hidden_ones_never() -> None:
    activity = Activity()
    for room, count in ((1, 2), (2, 5), (3, 9), (4, 9), (5, 9), (6, 3)):
        for _ in range(count):
            activity.applied(said(room))
    state = state_with(
        (1, "#a", "nt"), (2, "#b", "n"), (3, "#s", "s"), (4, "#i", "i"), (6, "#k", "")
    )
    state.rooms[RoomId(6)].key = "secret"
    assert activity.busiest(state, 0.0) == (RoomActivity("#b", 0, 5), RoomActivity("#a", 0, 2))


def test_what_is_an_hour_old_does_not_count() -> None:
    activity = Activity()
    activity.applied(said(1, NOW_MS - 60 * MINUTE_MS))
    activity.applied(said(1, NOW_MS - 59 * MINUTE_MS))
    activity.applied(said(2))
    state = state_with((1, "#a", ""), (2, "#b", ""))
    assert [one.messages for one in activity.busiest(state, 0.0)] == [1, 1]
    state.time_ms += 2 * MINUTE_MS
    assert [one.name for one in activity.busiest(state, LOOK_S)] == ["#b"]


def test_private_messages_are_not_counted() -> None:
    activity = Activity()
    activity.applied(said(0, recipient=7))
    assert activity.busiest(state_with((1, "#a", "")), 0.0) == ()


def test_only_so_many_rooms_are_counted() -> None:
    activity = Activity()
    for room in range(1, ROOMS_MAX + 2):
        activity.applied(said(room))
    activity.applied(said(1))
    state = state_with((1, "#a", ""), (ROOMS_MAX + 1, "#late", ""))
    assert activity.busiest(state, 0.0) == (RoomActivity("#a", 0, 2),)
