"""RPL_NAMREPLY: the members of a room, for JOIN and NAMES.

Source: modern.ircdocs.horse, "RPL_NAMREPLY (353)"; ircv3.net, multi-prefix, userhost-in-names.
"""

from collections.abc import Iterable, Iterator

from roost.chat.ids import RoomId, UserId
from roost.chat.state import Room
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.ircd.context import Context
from roost.ircd.queries.visibility import HIDES_USER, can_see_room
from roost.ircd.rendering.name_lists import CROWD_MIN, NameList, shown_name
from roost.ircd.rendering.packing import pack, space_left

_SECRET_SYMBOL = "@"  # noqa: S105  (a room's kind, nothing secret)
_PUBLIC_SYMBOL = "="


LINES_PER_STEP = 64
"""Lines of a long list that are sent before others get their turn: less than a part of an answer,
and a fraction of a millisecond."""


def is_crowded(context: Context, number: RoomId) -> bool:
    """Return whether a room has so many members that they are to be listed step by step."""
    room = context.state.rooms.get(number)
    return room is not None and len(room.members) >= CROWD_MIN


def kept_list(context: Context, room: Room) -> NameList | None:
    """Return the list of a crowded room's members; None if there is none."""
    if context.names is None or len(room.members) < CROWD_MIN:
        return None
    is_multiple = context.has(Capability.MULTI_PREFIX)
    with_hosts = context.has(Capability.USERHOST_IN_NAMES)
    return context.names.of(context.state, room, multiple=is_multiple, hosts=with_hosts)


def complete(context: Context, listed: NameList, number: RoomId) -> Iterator[None]:
    """Complete a list, maybe together with others who wait for it; they have turns at each step."""
    while not listed.is_whole:
        room = context.state.rooms.get(number)
        if room is None:
            return
        listed.go_on(context.state, room)
        yield


def send_names_by_step(context: Context, room: Room) -> Iterator[None]:
    """List the members of a room; if it is crowded, others get their turn at each step."""
    listed = kept_list(context, room)
    if listed is None:
        send_names(context, room)
        return
    _note(context, room)
    yield from context.steps_that_differ()
    yield from complete(context, listed, room.id)
    for count, text in enumerate(_texts(context, listed, room.id), 1):
        symbol = _SECRET_SYMBOL if "s" in room.modes else _PUBLIC_SYMBOL
        context.reply(numerics.RPL_NAMREPLY, symbol, room.name, text)
        if not count % LINES_PER_STEP:
            yield
    context.reply(numerics.RPL_ENDOFNAMES, room.name, "End of /NAMES list")


def _texts(context: Context, listed: NameList, number: RoomId) -> Iterator[str]:
    """Iterate over the texts of a list, as the client may see them at each moment."""
    for place in listed.places():
        room = context.state.rooms.get(number)
        if room is None or not can_see_room(context.user, room):
            return
        if listed.is_kept and context.user.id in room.members:
            yield listed.text(place)
        else:
            yield from _pack(context, room, listed.members(place))


def send_names(context: Context, room: Room) -> None:
    """List the members that the client may see, in as few lines as possible."""
    _note(context, room)
    symbol = _SECRET_SYMBOL if "s" in room.modes else _PUBLIC_SYMBOL
    for text in _pack(context, room, room.members):
        context.reply(numerics.RPL_NAMREPLY, symbol, room.name, text)
    context.reply(numerics.RPL_ENDOFNAMES, room.name, "End of /NAMES list")


def _note(context: Context, room: Room) -> None:
    """Note that a client that has just entered may be shown changes that are older than the list.

    Whoever was in the room before knows whose names these changes are about.
    """
    handover = context.session.handover
    if handover is not None and room.id in handover.listed:
        handover.listed[room.id].append(handover.shown)


def _pack(context: Context, room: Room, members: Iterable[UserId]) -> Iterator[str]:
    """Return the names of those who are still in the room, and whom the client may see."""
    is_multiple = context.has(Capability.MULTI_PREFIX)
    with_hosts = context.has(Capability.USERHOST_IN_NAMES)
    is_inside = context.user.id in room.members
    users = context.state.users
    words = []
    for user_id in members:
        member = room.members.get(user_id)
        if member is None:
            continue
        user = users[user_id]
        if is_inside or HIDES_USER not in user.modes:
            words.append(shown_name(user, member.status, multiple=is_multiple, hosts=with_hosts))
    return pack(words, space_left(context.config.server_name, context.nick, "=", room.name))
