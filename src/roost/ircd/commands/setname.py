"""SETNAME: change the real name.

Source: ircv3.net/specs/extensions/setname.
"""

from roost.chat.commands.users import SetRealname
from roost.chat.refusals import Reason, Refusal
from roost.irc.message import Message
from roost.ircd.context import Context, RefusedError, Result
from roost.ircd.serving.dispatch import command


@command("SETNAME", parameters_min=1)
def setname(context: Context, message: Message) -> Result:
    """Ask the log for the change; a name that is too long is refused rather than cut."""
    realname = message.parameters[0]
    size = len(realname.encode())
    if not 0 < size <= context.state.settings.realname_bytes_max:
        raise RefusedError(Refusal(Reason.REALNAME_INVALID, realname))
    return (SetRealname(realname),)
