"""INFO: information about the software.

Source: modern.ircdocs.horse, "INFO message".
"""

from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.queries.moments import human_time
from roost.ircd.replies.addressing import is_for_us
from roost.ircd.serving.dispatch import command

_LINES = (
    "Roost, a distributed chat system.",
    "Identical nodes share one history behind a single entrance;",
    "whatever you see has been stored by a majority of them.",
)


@command("INFO")
def info(context: Context, message: Message) -> Result:
    if not is_for_us(context, message.parameters):
        return None
    for line in _LINES:
        context.reply(numerics.RPL_INFO, line)
    context.reply(numerics.RPL_INFO, f"Version: {context.config.version}")
    context.reply(numerics.RPL_INFO, f"History since: {human_time(context.state.created_ms)}")
    context.reply(numerics.RPL_ENDOFINFO, "End of INFO list")
    return None
