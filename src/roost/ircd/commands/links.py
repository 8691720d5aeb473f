"""LINKS: the servers of the network.

There is one: which nodes there are, and which of them serves a client, is nobody's business.

Source: modern.ircdocs.horse, "LINKS message".
"""

from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.serving.dispatch import command


@command("LINKS")
def links(context: Context, message: Message) -> Result:  # noqa: ARG001  (a handler's shape)
    """Show the one server."""
    server = context.config.server_name
    network = context.state.settings.network
    context.reply(numerics.RPL_LINKS, "*", server, f"0 {network}")
    context.reply(numerics.RPL_ENDOFLINKS, "*", "End of /LINKS list")
    return None
