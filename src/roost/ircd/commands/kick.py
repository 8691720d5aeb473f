"""KICK: remove people from rooms.

Source: modern.ircdocs.horse, "KICK message".
"""

from roost.chat.commands.rooms import Kick
from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.rendering.packing import cut
from roost.ircd.serving.dispatch import command


@command("KICK", parameters_min=2)
def kick(context: Context, message: Message) -> Result:
    """Remove several people from one room, or one from each of several rooms.

    "There MUST be either one channel parameter and multiple user parameter, or as many channel
    parameters as there are user parameters. [...] Servers MAY [...] silently drop targets if the
    number of targets exceeds the limit."
    """
    settings = context.state.settings
    rooms = message.parameters[0].split(",")
    nicks = message.parameters[1].split(",")
    if len(rooms) == 1:
        rooms *= len(nicks)
    if len(rooms) != len(nicks):
        text = "Give one channel, or one for each user"
        context.reply(numerics.ERR_NEEDMOREPARAMS, "KICK", text)
        return None
    pairs = [(room, nick) for room, nick in zip(rooms, nicks, strict=True) if room and nick]
    if not pairs:
        context.reply(numerics.ERR_NEEDMOREPARAMS, "KICK", "Not enough parameters")
        return None
    given = message.parameters[2] if len(message.parameters) > 2 else ""
    reason = cut(given, settings.reason_bytes_max)
    return tuple(Kick(room, nick, reason) for room, nick in pairs[: settings.targets_per_line_max])
