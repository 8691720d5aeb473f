"""VERSION: the software and its features.

Source: modern.ircdocs.horse, "VERSION message".
"""

from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.replies import isupport
from roost.ircd.replies.addressing import is_for_us
from roost.ircd.serving.dispatch import command


@command("VERSION")
def version(context: Context, message: Message) -> Result:
    """Show the version, and repeat ISUPPORT."""
    if not is_for_us(context, message.parameters):
        return None
    config = context.config
    context.reply(
        numerics.RPL_VERSION, config.version, config.server_name, "A distributed chat system"
    )
    isupport.send(context)
    return None
