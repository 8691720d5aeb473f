"""USERHOST: the addresses of a few users.

Source: modern.ircdocs.horse, "USERHOST message" and "RPL_USERHOST (302)".
"""

from roost.chat.hosts import is_operator
from roost.chat.ids import FoldedNick
from roost.irc import casemapping, numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.rendering.packing import pack, space_left
from roost.ircd.serving.dispatch import command

NICKS_MAX = 5
"""The limit in the specification."""


@command("USERHOST", parameters_min=1)
def userhost(context: Context, message: Message) -> Result:
    """Show who is online; "*" means an operator, "+" present and "-" away."""
    state = context.state
    found: list[str] = []
    for name in " ".join(message.parameters).split()[:NICKS_MAX]:
        user_id = state.nicks.get(FoldedNick(casemapping.fold_nick(name)))
        if user_id is not None:
            user = state.users[user_id]
            sign = "-" if user.away else "+"
            rank = "*" if is_operator(user) else ""
            found.append(f"{user.nick}{rank}={sign}{user.username}@{user.host}")
    space = space_left(context.config.server_name, context.nick)
    for text in list(pack(found, space)) or [""]:
        context.reply(numerics.RPL_USERHOST, text)
    return None
