"""OPERLOG: the log of operators' actions, for operators. An extension of Roost."""

from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.queries.moments import human_time
from roost.ircd.serving.dispatch import command

SHOWN = 20
SHOWN_MAX = 200


@command("OPERLOG")
def operlog(context: Context, message: Message) -> Result:
    """Show the last actions, oldest first; the parameter is their number."""
    context.require_operator()
    text = message.parameters[0] if message.parameters else ""
    count = min(int(text), SHOWN_MAX) if text.isdecimal() and len(text) < 9 else SHOWN
    actions = context.state.operator_actions
    shown = actions[-count:] if count else []
    for action in shown:
        context.notice(f"{human_time(action.time_ms)}: {action.text}")
    context.notice(f"{len(shown)} of {len(actions)} recorded actions")
    return None
