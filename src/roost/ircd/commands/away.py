"""AWAY: be away, or back.

Source: modern.ircdocs.horse, "AWAY message".
"""

from roost.chat.commands import SetAway
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.dispatch import command
from roost.ircd.packing import cut


@command("AWAY")
def away(context: Context, message: Message) -> Result:
    """Set the message; none, or an empty one, means back."""
    given = message.parameters[0] if message.parameters else ""
    return (SetAway(cut(given, context.state.settings.away_bytes_max)),)
