"""RELAYMSG: speak in the name of somebody on another network.

Source: ircv3.net/specs/extensions/relaymsg.
"""

from roost.chat.commands.messages import Relay
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.irc.message import Message
from roost.ircd.commands.privmsg import client_tags
from roost.ircd.context import Context, Result
from roost.ircd.serving.dispatch import command


@command("RELAYMSG", parameters_min=3)
def relaymsg(context: Context, message: Message) -> Result:
    """Ask the log to relay; "clients MUST request the capability before using this command"."""
    room, nick, text = message.parameters[:3]
    if not context.has(Capability.RELAYMSG):
        context.fail("NOT_NEGOTIATED", text="Request the capability draft/relaymsg first")
    elif not text:
        context.reply(numerics.ERR_NOTEXTTOSEND, "No text to send")
    else:
        return (Relay(room, nick, text, client_tags(message)),)
    return None
