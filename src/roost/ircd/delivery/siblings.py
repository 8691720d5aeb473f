"""Describes rooms to clients whose user is in them because of another client.

Everything else that one client of a user does reaches the others through its audience.
"""

from collections.abc import Callable, Container, Iterable, Iterator

from roost.chat.changes import Change, RoomRenamed
from roost.chat.ids import RoomId
from roost.chat.state import Room
from roost.irc.capabilities import Capability
from roost.ircd.context import Context
from roost.ircd.rendering.renaming import is_told_apart
from roost.ircd.rendering.render import away_reply
from roost.ircd.replies.labels import finish
from roost.ircd.replies.names_reply import is_crowded, send_names_by_step
from roost.ircd.replies.room_reply import send_entered_by_step

LISTED_MS_MAX = 60_000
"""After a room got another name, the time in which everybody has been told who is in it."""


def describe_room(context: Context, room: RoomId) -> Iterator[bytes]:
    """Describe a room that another client of the user has entered, in parts."""
    for _ in send_entered_by_step(context, room):
        yield finish(context)
        context.lines.clear()
    yield finish(context)


def lists_apart(change: Change, context: Context) -> bool:
    """Return whether the client is to be told apart who is in a room that got another name."""
    return (
        isinstance(change, RoomRenamed)
        and is_told_apart(change)
        and not context.has(Capability.CHANNEL_RENAME)
        and not context.has(Capability.NO_IMPLICIT_NAMES)
    )


def is_list_due(context: Context, room: Room, renamed: Container[RoomId]) -> bool:
    """Return whether a client that is taken over is still to be told who is in a renamed room.

    It missed that the room was `renamed`, or another node may have been listing the members when it
    died. Then they are listed again, which does no harm.
    """
    return (
        is_crowded(context, room.id)
        and (room.id in renamed or room.renamed_ms > context.now.wall_ms - LISTED_MS_MAX)
        and not context.has(Capability.CHANNEL_RENAME)
        and not context.has(Capability.NO_IMPLICIT_NAMES)
    )


def list_members(context: Context, number: RoomId) -> Iterator[None]:
    """List who is in a room that got another name; others get their turn at each step."""
    room = context.state.rooms.get(number)
    if room is not None and context.user.id in room.members:
        yield from send_names_by_step(context, room)


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


def rooms_for_newcomer(
    make_context: Callable[[], Context], rooms: Iterable[RoomId]
) -> Iterator[bytes]:
    """Describe to a client of a user the rooms that the user is in, as if it had just joined them.

    Also tell it that the user is away, unless it said so itself while it registered. This comes in
    parts.
    """
    for number in rooms:
        context = make_context()
        room = context.state.rooms.get(number)
        if room is None:
            continue
        send_join(context, room)
        yield from describe_room(context, number)
    context = make_context()
    user = context.user
    if user.away and not context.session.registration.away:
        context.send(*away_reply(context.nick, user.away))
        yield finish(context)
