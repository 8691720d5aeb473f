"""CS: ask ChanServ something, as by a message to it.

Source: none; it is what people type on networks with services.
"""

from roost.irc.message import Message
from roost.ircd import chanserv
from roost.ircd.context import Context, Result
from roost.ircd.dispatch import command


@command("CS")
def cs(context: Context, message: Message) -> Result:
    """Ask ChanServ."""
    return chanserv.answer(context, " ".join(message.parameters))
