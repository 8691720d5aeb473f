"""ISON: which of these people are online.

Source: RFC 2812, section 4.9.
"""

from roost.chat.ids import FoldedNick
from roost.irc import casemapping, numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.rendering.packing import pack, space_left
from roost.ircd.serving.dispatch import command


@command("ISON", parameters_min=1)
def ison(context: Context, message: Message) -> Result:
    """List who is online; nicknames may be separate parameters or words of one."""
    state = context.state
    present: list[str] = []
    for name in " ".join(message.parameters).split():
        user_id = state.nicks.get(FoldedNick(casemapping.fold_nick(name)))
        if user_id is not None:
            present.append(state.users[user_id].nick)
    space = space_left(context.config.server_name, context.nick)
    for text in list(pack(present, space)) or [""]:
        context.reply(numerics.RPL_ISON, text)
    return None
