"""WHOWAS: earlier users of a nickname.

Source: modern.ircdocs.horse, "WHOWAS message".
"""

from roost.chat.ids import FoldedNick
from roost.irc import casemapping, numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.queries.moments import human_time
from roost.ircd.rendering.packing import middle
from roost.ircd.serving.dispatch import command


@command("WHOWAS")
def whowas(context: Context, message: Message) -> Result:
    """Show earlier users of a nickname, latest first."""
    nick = message.parameters[0] if message.parameters else ""
    if not nick:
        context.reply(numerics.ERR_NONICKNAMEGIVEN, "No nickname given")
        return None
    entries = context.state.whowas.get(FoldedNick(casemapping.fold_nick(nick)), [])
    wanted = _parse_count(message.parameters[1]) if len(message.parameters) > 1 else 0
    if not entries:
        context.reply(numerics.ERR_WASNOSUCHNICK, middle(nick), "There was no such nickname")
    for entry in entries[: -wanted - 1 : -1] if wanted else reversed(entries):
        context.reply(
            numerics.RPL_WHOWASUSER, entry.nick, entry.username, entry.host, "*", entry.realname
        )
        if entry.account:
            context.reply(numerics.RPL_WHOISACCOUNT, entry.nick, entry.account, "was logged in as")
        context.reply(
            numerics.RPL_WHOISSERVER,
            entry.nick,
            context.config.server_name,
            human_time(entry.time_ms),
        )
    context.reply(numerics.RPL_ENDOFWHOWAS, middle(nick), "End of WHOWAS")
    return None


def _parse_count(text: str) -> int:
    """Parse the number of entries; 0, which means all, unless it is positive."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
