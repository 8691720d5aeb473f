"""PONG and ERROR: what clients say without wanting an answer.

Source: modern.ircdocs.horse, "PONG message", "ERROR message".
"""

from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.serving.dispatch import command


@command("PONG", is_before_registration=True)
def pong(_context: Context, _message: Message) -> Result:
    """Take no notice: that the client lives is the balancer's to see."""
    return None


@command("ERROR", is_before_registration=True)
def error(_context: Context, _message: Message) -> Result:
    """Take no notice: only servers have errors to report."""
    return None
