"""The lists of MONITOR, in as few lines as possible.

Source: ircv3.net/specs/extensions/monitor.
"""

from collections.abc import Iterable, Mapping

from roost.chat.ids import FoldedNick
from roost.irc import casemapping, numerics
from roost.ircd.context import Context
from roost.ircd.rendering.packing import pack, space_left


def send_presence(context: Context, nicks: Iterable[str]) -> None:
    """Tell the client which of `nicks`, as it typed them, are online."""
    online: list[str] = []
    offline: list[str] = []
    state = context.state
    for nick in nicks:
        user_id = state.nicks.get(FoldedNick(casemapping.fold_nick(nick)))
        if user_id is None:
            offline.append(nick)
        else:
            user = state.users[user_id]
            online.append(f"{user.nick}!{user.username}@{user.host}")
    send_list(context, numerics.RPL_MONONLINE, online)
    send_list(context, numerics.RPL_MONOFFLINE, offline)


def send_monitored(context: Context, monitored: Mapping[FoldedNick, str]) -> None:
    """Tell the client its whole list and who of it is online, if there is any."""
    if monitored:
        send_list(context, numerics.RPL_MONLIST, monitored.values())
        context.reply(numerics.RPL_ENDOFMONLIST, "End of MONITOR list")
        send_presence(context, monitored.values())


def send_list(context: Context, numeric: str, words: Iterable[str]) -> None:
    """Send words joined by commas; nothing if there are none."""
    space = space_left(context.config.server_name, context.nick)
    # No word contains a space, and a comma is as long as a space.
    for text in pack(words, space):
        context.reply(numeric, text.replace(" ", ","))
