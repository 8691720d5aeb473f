"""QUIT: end the session.

Source: modern.ircdocs.horse, "QUIT message".
"""

from roost.chat.commands.users import Quit
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.rendering.packing import cut
from roost.ircd.serving.dispatch import command
from roost.ircd.sessions.session import Phase


@command("QUIT", is_before_registration=True)
def quit_(context: Context, message: Message) -> Result:
    """End the session, and ignore what the client sent after it.

    "Servers SHOULD prepend <reason> with the ASCII string 'Quit: ' [...] even if <reason> is
    empty."
    """
    given = message.parameters[0] if message.parameters else ""
    reason = cut(f"Quit: {given}", context.state.settings.reason_bytes_max)
    session = context.session
    session.queue = ()
    session.end_reason = reason
    if session.phase is Phase.REGISTERING:
        return None
    return (Quit(reason),)
