"""SET ALWAYS-ON of NickServ; `chat.presence` decides."""

from roost.chat.changes import AlwaysOnChanged
from roost.chat.commands.users import SetAlwaysOn
from roost.ircd.context import Context, Result
from roost.ircd.services import voice

NAME = "NickServ"

_WORDS = {"ON": True, "TRUE": True, "YES": True, "OFF": False, "FALSE": False, "NO": False}


def set_always_on(context: Context, words: tuple[str, ...]) -> Result:
    """Ask the log to keep the user online without clients, or not; `words` are ON or OFF."""
    is_on = _WORDS.get(words[0].upper()) if words else None
    if is_on is None:
        say(context, "SET ALWAYS-ON needs ON or OFF.")
        return None
    return (SetAlwaysOn(is_on),)


def send_always_on(context: Context, change: AlwaysOnChanged) -> None:
    """Tell the client whether its account is always on."""
    if not change.is_on:
        say(context, "You will leave the network when your last client disconnects.")
        return
    days = context.state.settings.always_on_days_max
    say(context, "You stay in your rooms, shown as away, while none of your clients is connected,")
    say(context, f"for up to {days} days. CHATHISTORY shows what you missed.")


def say(context: Context, text: str) -> None:
    voice.say(context, NAME, text)
