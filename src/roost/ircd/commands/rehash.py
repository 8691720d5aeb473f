"""REHASH: make every node reload its configuration.

Settings that can change while clients are connected take effect: operators, the message of the day,
and ADMIN. An invalid configuration changes nothing; the node's log says why.

Source: modern.ircdocs.horse, "REHASH message".
"""

from roost.chat.commands.operators import Rehash
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.serving.dispatch import command


@command("REHASH")
def rehash(context: Context, message: Message) -> Result:  # noqa: ARG001  (a handler's shape)
    context.require_operator()
    return (Rehash(),)
