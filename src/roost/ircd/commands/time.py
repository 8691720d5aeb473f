"""TIME: the server's clock.

Source: modern.ircdocs.horse, "TIME message".
"""

from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.queries.moments import human_time
from roost.ircd.replies.addressing import is_for_us
from roost.ircd.serving.dispatch import command


@command("TIME")
def tell_time(context: Context, message: Message) -> Result:
    """Show the time, as a Unix timestamp and in words."""
    if is_for_us(context, message.parameters):
        now_ms = context.now.wall_ms
        context.reply(
            numerics.RPL_TIME,
            context.config.server_name,
            str(now_ms // 1000),
            human_time(now_ms),
        )
    return None
