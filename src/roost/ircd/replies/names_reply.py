"""RPL_NAMREPLY: the members of a room, for JOIN and NAMES.

Source: modern.ircdocs.horse, "RPL_NAMREPLY (353)"; ircv3.net, multi-prefix, userhost-in-names.
"""

from collections.abc import Iterator

from roost.chat.ids import RoomId
from roost.chat.state import Room
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.ircd.context import Context
from roost.ircd.queries.visibility import HIDES_USER
from roost.ircd.rendering.name_lists import CROWD_MIN
from roost.ircd.rendering.packing import pack, space_left
from roost.ircd.rendering.prefixes import prefixes

_SECRET_SYMBOL = "@"  # noqa: S105  (a room's kind, nothing secret)
_PUBLIC_SYMBOL = "="


LINES_PER_STEP = 64
"""Lines of a long list that are sent before others get their turn: less than a part of an answer,
and a fraction of a millisecond."""


def is_crowded(context: Context, number: RoomId) -> bool:
    """Return whether a room has so many members that they are to be listed step by step."""
    room = context.state.rooms.get(number)
    return room is not None and len(room.members) >= CROWD_MIN


def send_names_by_step(context: Context, room: Room) -> Iterator[None]:
    """List the members of a crowded room; others get their turn at each step."""
    is_inside = context.user.id in room.members
    if context.names is None or not is_inside or len(room.members) < CROWD_MIN:
        send_names(context, room)
        return
    is_multiple = context.has(Capability.MULTI_PREFIX)
    with_hosts = context.has(Capability.USERHOST_IN_NAMES)
    listed = context.names.of(context.state, room, multiple=is_multiple, hosts=with_hosts)
    for count, text in enumerate(listed.texts(), 1):
        if context.user.id not in room.members:
            break
        symbol = _SECRET_SYMBOL if "s" in room.modes else _PUBLIC_SYMBOL
        context.reply(numerics.RPL_NAMREPLY, symbol, room.name, text)
        if not count % LINES_PER_STEP:
            yield
    if listed.is_kept:
        context.reply(numerics.RPL_ENDOFNAMES, room.name, "End of /NAMES list")
    elif room.id in context.state.rooms:
        send_names(context, context.state.rooms[room.id])


def send_names(context: Context, room: Room) -> None:
    """List the members that the client may see, in as few lines as possible."""
    is_multiple = context.has(Capability.MULTI_PREFIX)
    with_hosts = context.has(Capability.USERHOST_IN_NAMES)
    is_inside = context.user.id in room.members
    users = context.state.users
    symbol = _SECRET_SYMBOL if "s" in room.modes else _PUBLIC_SYMBOL
    words = []
    for user_id, member in room.members.items():
        user = users[user_id]
        if not is_inside and HIDES_USER in user.modes:
            continue
        signs = prefixes(member.status, is_multiple=is_multiple)
        name = f"{user.nick}!{user.username}@{user.host}" if with_hosts else user.nick
        words.append(signs + name)
    space = space_left(context.config.server_name, context.nick, symbol, room.name)
    for text in pack(words, space):
        context.reply(numerics.RPL_NAMREPLY, symbol, room.name, text)
    context.reply(numerics.RPL_ENDOFNAMES, room.name, "End of /NAMES list")
