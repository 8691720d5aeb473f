"""NICK: set or change the nickname.

Source: modern.ircdocs.horse, "NICK message".
"""

from roost.chat.commands.users import ChangeNick
from roost.chat.refusals import Reason, Refusal
from roost.irc import numerics
from roost.irc.message import Message
from roost.irc.names import is_valid_nick
from roost.ircd.context import Context, RefusedError, Result
from roost.ircd.serving.dispatch import command
from roost.ircd.sessions.session import Phase


@command("NICK", is_before_registration=True)
def nick(context: Context, message: Message) -> Result:
    """Note the nickname for the registration, or ask the log to change it."""
    wanted = message.parameters[0] if message.parameters else ""
    if not wanted:
        context.reply(numerics.ERR_NONICKNAMEGIVEN, "No nickname given")
        return None
    if not is_valid_nick(wanted, context.state.settings.nick_bytes_max):
        raise RefusedError(Refusal(Reason.NICK_INVALID, wanted))
    session = context.session
    if session.phase is Phase.REGISTERING:
        session.registration.nick = wanted
        session.nick = wanted
        return None
    return (ChangeNick(wanted),)
