"""OPERLOG: what operators did last, for operators. Roost's own."""

from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.queries.moments import human_time
from roost.ircd.serving.dispatch import command

SHOWN = 20
SHOWN_MAX = 200


@command("OPERLOG")
def operlog(context: Context, message: Message) -> Result:
    """Show the last deeds, oldest first; a number says how many."""
    context.require_operator()
    text = message.parameters[0] if message.parameters else ""
    count = min(int(text), SHOWN_MAX) if text.isdecimal() and len(text) < 9 else SHOWN
    deeds = context.state.deeds[-count:] if count else []
    for deed in deeds:
        context.notice(f"{human_time(deed.time_ms)}: {deed.text}")
    context.notice(f"{len(deeds)} of {len(context.state.deeds)} remembered deeds")
    return None
