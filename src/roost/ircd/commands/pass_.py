"""PASS: a connection password, which is accepted and ignored.

Source: modern.ircdocs.horse, "PASS message".
"""

from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.serving.dispatch import command


@command("PASS", parameters_min=1, is_before_registration=True, is_after_registration=False)
def pass_(_context: Context, _message: Message) -> Result:
    """Ignore the password."""
    return None
