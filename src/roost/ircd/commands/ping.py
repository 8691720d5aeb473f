"""PING: whether the server is there.

Source: modern.ircdocs.horse, "PING message".
"""

from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.dispatch import command


@command("PING", is_before_registration=True)
def ping(context: Context, message: Message) -> Result:
    """Answer with the same token."""
    if not message.parameters or not message.parameters[0]:
        context.reply(numerics.ERR_NOORIGIN, "No origin specified")
        return None
    context.send("PONG", context.config.server_name, message.parameters[0])
    return None
