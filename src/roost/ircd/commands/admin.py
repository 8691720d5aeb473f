"""ADMIN: who runs the network.

Source: modern.ircdocs.horse, "ADMIN message".
"""

from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.replies.addressing import is_for_us
from roost.ircd.serving.dispatch import command

_LINES = (numerics.RPL_ADMINLOC1, numerics.RPL_ADMINLOC2, numerics.RPL_ADMINEMAIL)


@command("ADMIN")
def admin(context: Context, message: Message) -> Result:
    """Show the configured lines; a single line is the contact address."""
    if not is_for_us(context, message.parameters):
        return None
    config = context.config
    if not config.admin:
        context.reply(
            numerics.ERR_NOADMININFO,
            config.server_name,
            "No administrative info available",
        )
        return None
    context.reply(numerics.RPL_ADMINME, config.server_name, "Administrative info")
    lines = config.admin[: len(_LINES)]
    for numeric, line in zip(_LINES[-len(lines) :], lines, strict=True):
        context.reply(numeric, line)
    return None
