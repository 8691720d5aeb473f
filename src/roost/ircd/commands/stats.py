"""STATS: statistics of the server.

"u" shows everybody how long the network has existed, and "k" (or "d") shows operators the network
bans. Other queries are about things that Roost does not have, so their lists are empty.

Source: modern.ircdocs.horse, "STATS message".
"""

from roost.chat.bans import is_expired
from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.queries.moments import human_time
from roost.ircd.rendering.packing import middle
from roost.ircd.replies.addressing import is_for_us
from roost.ircd.serving.dispatch import command

_SECOND_MS = 1000


@command("STATS", parameters_min=1)
def stats(context: Context, message: Message) -> Result:
    """Answer a query; the network's age counts from its first entry, on all nodes alike."""
    if not is_for_us(context, message.parameters, 1):
        return None
    query = message.parameters[0]
    if query == "u":
        age_ms = context.now.wall_ms - context.state.created_ms
        minutes, seconds = divmod(max(0, age_ms) // _SECOND_MS, 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        context.reply(
            numerics.RPL_STATSUPTIME,
            f"Server Up {days} days {hours}:{minutes:02}:{seconds:02}",
        )
    elif query and query in "kKdD":
        _send_bans(context)
    context.reply(numerics.RPL_ENDOFSTATS, middle(query), "End of /STATS report")
    return None


def _send_bans(context: Context) -> None:
    """List the network bans, for operators."""
    context.require_operator()
    for ban in context.state.bans.values():
        if not is_expired(ban, context.now.wall_ms):
            until = f" until {human_time(ban.expires_ms)}" if ban.expires_ms else ""
            text = f"{ban.reason} (by {ban.setter}, {human_time(ban.time_ms)}{until})"
            context.reply(numerics.RPL_STATSKLINE, "K", ban.mask, "*", "*", text)
