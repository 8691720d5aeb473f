"""BATCH: begin or end a message of several lines.

Source: ircv3.net/specs/extensions/multiline, "Batch types", "Errors".
"""

from roost.irc.capabilities import Capability
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.services.hearing import is_heard
from roost.ircd.serving import multiline
from roost.ircd.serving.dispatch import command
from roost.ircd.sessions.session import OpenBatch

TYPE = "draft/multiline"
REFERENCE_BYTES_MAX = 64


@command("BATCH", parameters_min=1)
def batch(context: Context, message: Message) -> Result:
    """Begin a batch, or send it as one message."""
    reference, sign = message.parameters[0][1:], message.parameters[0][:1]
    if not context.has(Capability.MULTILINE):
        multiline.fail(context, "MULTILINE_INVALID", text=f"Negotiate {TYPE} first")
        return None
    if sign == "-":
        return _end(context, reference)
    is_fit = sign == "+" and 0 < len(reference.encode()) <= REFERENCE_BYTES_MAX
    if not is_fit or len(message.parameters) < 3 or message.parameters[1] != TYPE:
        multiline.fail(context, "MULTILINE_INVALID", text=f"Usage: BATCH +reference {TYPE} target")
        return None
    if context.session.multiline is not None:
        multiline.fail(context, "MULTILINE_INVALID", text="There is already an open batch")
        return None
    target = message.parameters[2]
    if not target or "," in target or is_heard(target):
        text = "A batch must have one target, a channel or a user"
        multiline.fail(context, "MULTILINE_INVALID", text=text)
        return None
    tags = tuple(tag for tag in message.tags if tag[0].startswith("+") and len(tag[0]) > 1)
    context.session.multiline = OpenBatch(reference, target, tags, context.label)
    # The label belongs to the whole message.
    context.label = ""
    return None


def _end(context: Context, reference: str) -> Result:
    session = context.session
    if session.multiline is not None and session.multiline.reference == reference:
        return multiline.finish(context, session.multiline)
    if reference == session.failed_batch:
        session.failed_batch = ""
        return None
    multiline.fail(context, "MULTILINE_INVALID", text="There is no such batch")
    return None
