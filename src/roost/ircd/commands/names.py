"""NAMES: list the members of rooms.

Source: modern.ircdocs.horse, "NAMES message".
"""

from collections.abc import Iterator

from roost.chat.ids import FoldedRoom
from roost.irc import casemapping, numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Gradual, Result
from roost.ircd.queries.visibility import can_see_room
from roost.ircd.rendering.packing import middle
from roost.ircd.replies.names_reply import is_crowded, send_names_by_step
from roost.ircd.serving.dispatch import command


@command("NAMES")
def names(context: Context, message: Message) -> Result:
    """List the members of each room; a room that is hidden from the client looks empty."""
    wanted = message.parameters[0] if message.parameters else ""
    if not wanted:
        context.reply(numerics.RPL_ENDOFNAMES, "*", "End of /NAMES list")
        return None
    by_folded = {FoldedRoom(casemapping.fold_room(name)): name for name in wanted.split(",")}
    steps = _steps(context, by_folded)
    known = [context.state.room_names.get(folded) for folded in by_folded]
    if any(number is not None and is_crowded(context, number) for number in known):
        return Gradual(steps)
    for _ in steps:
        """Few lines are sent at once."""
    return None


def _steps(context: Context, by_folded: dict[FoldedRoom, str]) -> Iterator[None]:
    """List the people in each room; others get their turn at each step."""
    state, user = context.state, context.user
    for folded, name in by_folded.items():
        room_id = state.room_names.get(folded)
        if room_id is not None and can_see_room(user, state.rooms[room_id]):
            yield from send_names_by_step(context, state.rooms[room_id])
        else:
            context.reply(numerics.RPL_ENDOFNAMES, middle(name), "End of /NAMES list")
