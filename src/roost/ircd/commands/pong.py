"""PONG and ERROR: messages that get no answer.

Source: modern.ircdocs.horse, "PONG message", "ERROR message".
"""

from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.serving.dispatch import command


@command("PONG", is_before_registration=True)
def pong(_context: Context, _message: Message) -> Result:
    """Ignore it: the balancer watches whether the client is alive."""
    return None


@command("ERROR", is_before_registration=True)
def error(_context: Context, _message: Message) -> Result:
    """Ignore it: only servers send errors."""
    return None
