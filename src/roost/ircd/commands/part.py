"""PART: leave rooms.

Source: modern.ircdocs.horse, "PART message".
"""

from roost.chat.commands.rooms import Part
from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.rendering.packing import cut
from roost.ircd.replies.targets import split_targets
from roost.ircd.serving.dispatch import command


@command("PART", parameters_min=1)
def part(context: Context, message: Message) -> Result:
    if not message.parameters[0].strip(","):
        context.reply(numerics.ERR_NEEDMOREPARAMS, "PART", "Not enough parameters")
        return None
    given = message.parameters[1] if len(message.parameters) > 1 else ""
    reason = cut(given, context.state.settings.reason_bytes_max)
    rooms = split_targets(context, message.parameters[0])
    return tuple(Part(room, reason) for room in rooms if room)
