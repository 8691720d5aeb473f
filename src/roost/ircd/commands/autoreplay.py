"""AUTOREPLAY: choose how many earlier messages this client is shown when it enters a room."""

from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.services.autoreplay import choose, describe
from roost.ircd.serving.dispatch import command


@command("AUTOREPLAY")
def autoreplay(context: Context, message: Message) -> Result:
    """Choose for this client; without a parameter, say what holds."""
    if not message.parameters:
        context.notice(f"*** {describe(context)}")
        return None
    chosen = choose(message.parameters[0], is_for_account=False)
    if isinstance(chosen, str):
        context.fail("INVALID_PARAMS", text=chosen)
        return None
    return (chosen,)
