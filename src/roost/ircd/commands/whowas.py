"""WHOWAS: earlier users of a nickname.

Source: modern.ircdocs.horse, "WHOWAS message".
"""

from roost.chat.hosts import is_operator
from roost.chat.ids import FoldedNick
from roost.chat.state import Whowas
from roost.irc import casemapping, numerics
from roost.irc.masks import compile_mask
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.queries.moments import human_time
from roost.ircd.rendering.packing import middle
from roost.ircd.serving.dispatch import command

ENTRIES_MAX = 100
"""Entries shown for a mask; three lines each, as much as a client can read in one turn."""


@command("WHOWAS")
def whowas(context: Context, message: Message) -> Result:
    """Show earlier users of a nickname or of those that a mask matches, latest first."""
    nick = message.parameters[0] if message.parameters else ""
    if not nick:
        context.reply(numerics.ERR_NONICKNAMEGIVEN, "No nickname given")
        return None
    wanted = _parse_count(message.parameters[1]) if len(message.parameters) > 1 else 0
    is_mask = any(character in nick for character in "*?")
    entries = _matching(context, nick) if is_mask else _of_nick(context, nick)
    if not entries:
        context.reply(numerics.ERR_WASNOSUCHNICK, middle(nick), "There was no such nickname")
    for entry in entries[:wanted] if wanted else entries:
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


def _of_nick(context: Context, nick: str) -> list[Whowas]:
    return context.state.whowas.get(FoldedNick(casemapping.fold_nick(nick)), [])[::-1]


def _matching(context: Context, mask: str) -> list[Whowas]:
    """Return the latest entries that a mask matches; only operators find who was invisible."""
    is_allowed = is_operator(context.user)
    pattern = compile_mask(casemapping.fold(mask))
    found = [
        entry
        for folded, entries in context.state.whowas.items()
        if pattern.fullmatch(folded)
        for entry in entries
        if entry.is_visible or is_allowed
    ]
    found.sort(key=lambda entry: entry.time_ms)
    return found[: -ENTRIES_MAX - 1 : -1]


def _parse_count(text: str) -> int:
    """Parse the number of entries; 0, which means all, unless it is positive."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
