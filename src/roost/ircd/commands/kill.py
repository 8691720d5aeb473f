"""KILL: remove a user from the network.

Source: modern.ircdocs.horse, "KILL message".
"""

from roost.chat.commands.operators import Kill
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.serving.dispatch import command

NO_COMMENT = "no reason given"


@command("KILL", parameters_min=1)
def kill(context: Context, message: Message) -> Result:
    # A service is not a user, so it is not found.
    context.require_operator()
    nick, *rest = message.parameters[:2]
    comment = "".join(rest)
    return (Kill(context.find_user(nick).nick, comment or NO_COMMENT),)
