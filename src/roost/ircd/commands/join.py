"""JOIN: join rooms.

Source: modern.ircdocs.horse, "JOIN message".
"""

from roost.chat.commands.rooms import Join, PartAll
from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.replies.targets import split_targets
from roost.ircd.serving.dispatch import command


@command("JOIN", parameters_min=1)
def join(context: Context, message: Message) -> Result:
    """Join each room, with its key if there is one; "0" leaves all rooms."""
    if not message.parameters[0].strip(","):
        context.reply(numerics.ERR_NEEDMOREPARAMS, "JOIN", "Not enough parameters")
        return None
    if message.parameters[0] == "0":
        return (PartAll(),)
    keys = message.parameters[1].split(",") if len(message.parameters) > 1 else []
    rooms = split_targets(context, message.parameters[0])
    return tuple(
        Join(room, keys[number] if number < len(keys) else "")
        for number, room in enumerate(rooms)
        if room
    )
