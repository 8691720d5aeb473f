"""Describes rooms to clients whose user is in them because of another client.

Everything else that one client of a user does reaches the others through its audience.
"""

from collections.abc import Callable, Iterable

from roost.chat.ids import RoomId
from roost.chat.state import Room
from roost.irc.capabilities import Capability
from roost.ircd.context import Context
from roost.ircd.rendering.render import away_reply
from roost.ircd.replies.labels import finish
from roost.ircd.replies.room_reply import send_entered, send_entered_by_step


def describe_room(context: Context, room: RoomId) -> bytes:
    """Describe a room that another client of the user has entered."""
    send_entered(context, room)
    return finish(context)


def send_join(context: Context, room: Room) -> None:
    """Tell a client of a user that the user has entered a room.

    The source is what the client is called at the time; it may be told of a change later.
    """
    user = context.user
    parameters: tuple[str, ...] = (room.name,)
    if context.has(Capability.EXTENDED_JOIN):
        parameters = (room.name, user.account or "*", user.realname)
    source = f"{context.nick}!{user.username}@{user.host}"
    context.send("JOIN", *parameters, source=source)


def rooms_for_newcomer(make_context: Callable[[], Context], rooms: Iterable[RoomId]) -> list[bytes]:
    """Describe to a client of a user the rooms that the user is in, as if it had just joined them.

    Also tell it that the user is away, unless it said so itself while it registered.
    """
    payloads = []
    for number in rooms:
        context = make_context()
        room = context.state.rooms.get(number)
        if room is None:
            continue
        send_join(context, room)
        for _ in send_entered_by_step(context, number):
            """All at once, but many clients share the list of a crowd's names."""
        payloads.append(finish(context))
    context = make_context()
    user = context.user
    if user.away and not context.session.registration.away:
        context.send(*away_reply(context.nick, user.away))
        payloads.append(finish(context))
    return payloads
