"""STATS: what the server counts.

Only "u" has anything to say to people. The other queries are about links, operators and bans of a
kind that Roost does not have, so that their lists are empty in truth.

Source: modern.ircdocs.horse, "STATS message".
"""

from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.addressing import is_for_us
from roost.ircd.context import Context, Result
from roost.ircd.dispatch import command
from roost.ircd.packing import middle

_SECOND_MS = 1000


@command("STATS", parameters_min=1)
def stats(context: Context, message: Message) -> Result:
    """Answer one query; the network's age is counted from its first entry, alike on all nodes."""
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
    context.reply(numerics.RPL_ENDOFSTATS, middle(query), "End of /STATS report")
    return None
