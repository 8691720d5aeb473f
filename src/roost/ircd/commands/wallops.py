"""WALLOPS: send a message to everybody with user mode w.

Source: modern.ircdocs.horse, "WALLOPS message".
"""

from roost.chat.commands.operators import Wallops
from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.serving.dispatch import command


@command("WALLOPS", parameters_min=1)
def wallops(context: Context, message: Message) -> Result:
    context.require_operator()
    if not message.parameters[0]:
        context.reply(numerics.ERR_NEEDMOREPARAMS, "WALLOPS", "Not enough parameters")
        return None
    return (Wallops(message.parameters[0]),)
