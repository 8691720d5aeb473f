"""What a user's clients are shown of each other's doings, and one that joins them of their rooms.

Most of what one client does reaches the others of its user as it reaches everybody in the room.
The rest is here: what only the user is told, and what somebody who enters a room is told of it.
A private message goes to them as it is echoed to the one who sent it.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from roost.chat.applied import Applied
from roost.chat.changes import AwayChanged, Change, Joined, UserModesChanged
from roost.chat.ids import RoomId
from roost.chat.presence import UNATTENDED
from roost.chat.step import mask_of
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.ircd.context import Context
from roost.ircd.replies.labels import finish
from roost.ircd.replies.metadata_reply import send_on_entering
from roost.ircd.replies.room_reply import send_entered

ShowApart: TypeAlias = Callable[[Change, Applied], bytes]
"""`show_apart` for one client."""


def is_shown_apart(change: Change) -> bool:
    """Whether the doer's other clients are shown this change in a way of their own."""
    if isinstance(change, AwayChanged):
        # That one client is unattended says nothing of the user.
        return change.is_news or change.message != UNATTENDED
    return isinstance(change, Joined | UserModesChanged)


def show_apart(context: Context, change: Change, applied: Applied) -> bytes:
    """Write such a change for another client of the one who did it."""
    match change:
        case Joined():
            context.show_change(change, applied.position, applied.time_ms)
            # What is shown late may find the room forgotten.
            room = context.state.rooms.get(change.room)
            if room is not None:
                send_entered(context, room)
                send_on_entering(context, room)
        case UserModesChanged():
            context.show_change(change, applied.position, applied.time_ms)
        case AwayChanged():
            # What is shown late may be from before the user was called something else.
            _send_away(context, change.source.nick, change.message)
    return finish(context)


def send_away(context: Context, message: str) -> None:
    """Tell a client that its user is away, or back."""
    _send_away(context, context.nick, message)


def _send_away(context: Context, nick: str, message: str) -> None:
    if message:
        context.send(numerics.RPL_NOWAWAY, nick, "You have been marked as being away")
    else:
        context.send(numerics.RPL_UNAWAY, nick, "You are no longer marked as being away")


def rooms_for_newcomer(make_context: Callable[[], Context], rooms: Iterable[RoomId]) -> list[bytes]:
    """Tell a client that has just joined its user where that user is, as if it had entered there.

    Also that the user is away, if that is so and it was not said before.
    """
    payloads = []
    for number in rooms:
        context = make_context()
        room = context.state.rooms.get(number)
        if room is None:
            continue
        user = context.user
        parameters: tuple[str, ...] = (room.name,)
        if context.has(Capability.EXTENDED_JOIN):
            parameters = (room.name, user.account or "*", user.realname)
        context.send("JOIN", *parameters, source=mask_of(user))
        send_entered(context, room)
        send_on_entering(context, room)
        payloads.append(finish(context))
    context = make_context()
    if context.user.away and not context.session.registration.away:
        send_away(context, context.user.away)
        payloads.append(finish(context))
    return payloads
