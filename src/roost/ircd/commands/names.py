"""NAMES: list the members of rooms.

Source: modern.ircdocs.horse, "NAMES message".
"""

from roost.chat.ids import FoldedRoom
from roost.irc import casemapping, numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.queries.visibility import can_see_room
from roost.ircd.rendering.packing import middle
from roost.ircd.replies.names_reply import send_names
from roost.ircd.serving.dispatch import command


@command("NAMES")
def names(context: Context, message: Message) -> Result:
    """List the members of each room; a room that is hidden from the client looks empty."""
    wanted = message.parameters[0] if message.parameters else ""
    if not wanted:
        context.reply(numerics.RPL_ENDOFNAMES, "*", "End of /NAMES list")
        return None
    state, user = context.state, context.user
    by_folded = {FoldedRoom(casemapping.fold_room(name)): name for name in wanted.split(",")}
    for folded, name in by_folded.items():
        room_id = state.room_names.get(folded)
        if room_id is not None and can_see_room(user, state.rooms[room_id]):
            send_names(context, state.rooms[room_id])
        else:
            context.reply(numerics.RPL_ENDOFNAMES, middle(name), "End of /NAMES list")
    return None
