"""LIST: list rooms.

Rooms outlive their members, so empty ones are listed too.

Source: modern.ircdocs.horse, "LIST message" and "ELIST Parameter".
"""

from collections.abc import Iterator

from roost.chat.ids import FoldedRoom
from roost.chat.state import Room
from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Gradual, Result
from roost.ircd.queries import room_filters
from roost.ircd.queries.room_filters import PATTERNS_MAX, RoomFilter, TooManyPatternsError
from roost.ircd.queries.visibility import can_see_room
from roost.ircd.serving.dispatch import command

ELIST = room_filters.ELIST
"""The value of ELIST in ISUPPORT."""
ROOMS_PER_STEP = 250
"""Rooms checked before other clients have their turn: a millisecond or two if all are listed."""


@command("LIST")
def list_rooms(context: Context, message: Message) -> Result:
    """List the requested rooms, except secret ones that the client is not in."""
    context.reply(numerics.RPL_LISTSTART, "Channel", "Users  Name")
    try:
        room_filter = room_filters.parse_filter(message.parameters)
    except TooManyPatternsError:
        context.notice(f"*** LIST accepts at most {PATTERNS_MAX} masks")
        context.reply(numerics.RPL_LISTEND, "End of /LIST")
        return None
    steps = _steps(context, room_filter)
    if len(context.state.rooms) > ROOMS_PER_STEP:
        return Gradual(steps)
    for _ in steps:
        pass
    return None


def _steps(context: Context, room_filter: RoomFilter) -> Iterator[None]:
    """Check the named rooms, or all, in steps.

    Rooms that are created or forgotten meanwhile are left out.
    """
    if len(context.state.rooms) > ROOMS_PER_STEP:
        yield
    names = room_filter.names if room_filter.is_by_name else tuple(context.state.room_names)
    for start in range(0, len(names), ROOMS_PER_STEP):
        if start:
            yield
        user, now_ms = context.user, context.now.wall_ms
        for folded in names[start : start + ROOMS_PER_STEP]:
            room = _room_named(context, folded)
            if room is None or not can_see_room(user, room):
                continue
            if room_filter.accepts(folded, room, now_ms):
                _send_room(context, room)
    context.reply(numerics.RPL_LISTEND, "End of /LIST")


def _room_named(context: Context, folded: FoldedRoom) -> Room | None:
    room_id = context.state.room_names.get(folded)
    return None if room_id is None else context.state.rooms[room_id]


def _send_room(context: Context, room: Room) -> None:
    count = str(len(room.members))
    topic = room.topic.text if room.topic else ""
    context.reply(numerics.RPL_LIST, room.name, count, topic)
