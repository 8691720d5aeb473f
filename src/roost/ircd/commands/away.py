"""AWAY: go away or come back; with draft/pre-away also during registration.

Source: modern.ircdocs.horse, "AWAY message"; ircv3.net/specs/extensions/pre-away.
"""

from roost.chat.commands.users import SetAway
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.rendering.packing import cut
from roost.ircd.rendering.render import away_reply
from roost.ircd.serving.dispatch import command
from roost.ircd.sessions.session import Phase


@command("AWAY", is_before_registration=True)
def away(context: Context, message: Message) -> Result:
    """Set the message; without one the user is back, and "*" means an unattended client."""
    given = message.parameters[0] if message.parameters else ""
    text = cut(given, context.state.settings.away_bytes_max)
    if context.session.phase is not Phase.REGISTERING:
        return (SetAway(text),)
    if context.has(Capability.PRE_AWAY):
        context.session.registration.away = text
        context.send(*away_reply(context.nick, text))
    else:
        context.reply(numerics.ERR_NOTREGISTERED, "You have not registered")
    return None
