"""MOTD: the message of the day.

Source: modern.ircdocs.horse, "MOTD message".
"""

from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.rendering.packing import space_left, wrap
from roost.ircd.replies.addressing import is_for_us
from roost.ircd.serving.dispatch import command


@command("MOTD")
def motd(context: Context, message: Message) -> Result:
    """Show the configured lines, or say that there are none."""
    if not is_for_us(context, message.parameters):
        return None
    if not context.config.motd:
        context.reply(numerics.ERR_NOMOTD, "There is no message of the day")
        return None
    server = context.config.server_name
    context.reply(numerics.RPL_MOTDSTART, f"- {server} Message of the day - ")
    space = space_left(server, context.nick) - len("- ")
    for line in context.config.motd:
        for part in wrap(line, space):
            context.reply(numerics.RPL_MOTD, f"- {part}")
    context.reply(numerics.RPL_ENDOFMOTD, "End of /MOTD command.")
    return None
