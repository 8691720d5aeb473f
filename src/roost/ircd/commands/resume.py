"""RESUME: resume the session of a lost connection.

Source: docs/resume.md.
"""

from roost.irc.capabilities import Capability
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.serving.dispatch import command
from roost.ircd.serving.resumption import fail, read_token
from roost.ircd.sessions.session import Phase, ResumeRequest


@command("RESUME", parameters_min=1, is_before_registration=True)
def resume(context: Context, message: Message) -> Result:
    """Note the session; the log is asked for it at the end of the registration."""
    token, *rest = message.parameters
    if context.session.phase is not Phase.REGISTERING:
        fail(context, "CANNOT_RESUME", "You are already registered")
        return None
    if not context.has(Capability.RESUME):
        fail(context, "CANNOT_RESUME", "Negotiate roost.chat/resume first")
        return None
    known = read_token(context.state.secret, token)
    if known is None:
        fail(context, "INVALID_TOKEN", "The token is not valid on this network")
        return None
    previous, user = known
    seen = rest[0] if rest else ""
    context.session.registration.resume = ResumeRequest(previous, user, seen)
    return None
