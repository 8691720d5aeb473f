"""REHASH: have every node read its configuration again.

What can change while clients are connected is taken over: operators, the message of the day, and
what ADMIN says. A configuration that is not fit changes nothing, and the node's log says why.

Source: modern.ircdocs.horse, "REHASH message".
"""

from roost.chat.commands.operators import Rehash
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.serving.dispatch import command


@command("REHASH")
def rehash(context: Context, message: Message) -> Result:  # noqa: ARG001  (a handler's shape)
    """Ask the log for it, so that all nodes do it."""
    context.require_operator()
    return (Rehash(),)
