"""LINKS: the servers of the network.

It shows only one: clients are not told about the nodes.

Source: modern.ircdocs.horse, "LINKS message".
"""

from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.serving.dispatch import command


@command("LINKS")
def links(context: Context, message: Message) -> Result:  # noqa: ARG001  (a handler's shape)
    server = context.config.server_name
    network = context.state.settings.network
    context.reply(numerics.RPL_LINKS, server, server, f"0 {network}")
    context.reply(numerics.RPL_ENDOFLINKS, "*", "End of /LINKS list")
    return None
