"""PING: check the connection.

Source: modern.ircdocs.horse, "PING message".
"""

from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.serving.dispatch import command


@command("PING", parameters_min=1, is_before_registration=True)
def ping(context: Context, message: Message) -> Result:
    """Answer with the same token, which "may be any non-empty string"."""
    token = message.parameters[0]
    if not token:
        context.reply(numerics.ERR_NOORIGIN, "No origin specified")
        return None
    context.send("PONG", context.config.server_name, token)
    return None
