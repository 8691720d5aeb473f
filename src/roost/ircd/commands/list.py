"""LIST: which rooms there are.

Rooms outlive their members, so that an empty one is listed too, with nobody in it.

Source: modern.ircdocs.horse, "LIST message" and "ELIST Parameter".
"""

from collections.abc import Iterator

from roost.chat.ids import FoldedRoom
from roost.chat.state import Room
from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd import room_filters
from roost.ircd.context import Context, Result
from roost.ircd.dispatch import command
from roost.ircd.room_filters import PATTERNS_MAX, RoomFilter, TooManyPatternsError
from roost.ircd.visibility import can_see_room

ELIST = room_filters.ELIST
"""The value of ISUPPORT's token."""


@command("LIST")
def list_rooms(context: Context, message: Message) -> Result:
    """List the rooms that are asked for, except secret ones that the client is not in."""
    context.reply(numerics.RPL_LISTSTART, "Channel", "Users  Name")
    try:
        room_filter = room_filters.parse_filter(message.parameters)
    except TooManyPatternsError:
        context.notice(f"*** LIST takes up to {PATTERNS_MAX} masks at once")
    else:
        user, now_ms = context.user, context.now.wall_ms
        for folded, room in _candidates(context, room_filter):
            if can_see_room(user, room) and room_filter.accepts(folded, room, now_ms):
                _send_room(context, room)
    context.reply(numerics.RPL_LISTEND, "End of /LIST")
    return None


def _candidates(context: Context, room_filter: RoomFilter) -> Iterator[tuple[FoldedRoom, Room]]:
    """Give the rooms that have to be looked at: the named ones, or all of them."""
    state = context.state
    wanted = room_filter.names if room_filter.is_by_name else state.room_names
    for folded in wanted:
        room_id = state.room_names.get(folded)
        if room_id is not None:
            yield folded, state.rooms[room_id]


def _send_room(context: Context, room: Room) -> None:
    count = str(len(room.members))
    topic = room.topic.text if room.topic else ""
    context.reply(numerics.RPL_LIST, room.name, count, topic)
