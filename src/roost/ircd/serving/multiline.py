"""Messages of several lines, which are collected until the batch ends.

    BATCH +1 draft/multiline #room      has the message's tags and label
    @batch=1 PRIVMSG #room :...         its lines, all PRIVMSG or all NOTICE
    BATCH -1                            completes the message

The lines are acknowledged together (`LocalSession.is_unfinished`), so that another node gets all
of them again. The balancer keeps them until then, so the lines and bytes of a batch are limited.

Source: ircv3.net/specs/extensions/multiline and client-batch.
"""

from roost.chat.commands.messages import Say
from roost.irc.capabilities import Capability
from roost.irc.casemapping import fold
from roost.irc.message import Message
from roost.ircd.context import Context
from roost.ircd.rendering.packing import middle
from roost.ircd.sessions.session import OpenBatch, Phase

BYTES_MAX = 4096
"""Bytes of a message: a few screens of text."""
LINES_MAX = 100
KEPT_LINES_MAX = 256
"""Lines of any kind while a batch is open: half of what a balancer keeps."""
KEPT_BYTES_MAX = 64 * 1024
"""Likewise in bytes."""

VERBS = ("PRIVMSG", "NOTICE")
"""A batch has lines of one of these kinds."""
_FOREIGN = (*VERBS, "TAGMSG")
"""Messages that end the batch that they are not part of; questions and PONG do not."""
_CONCAT = "draft/multiline-concat"


def fail(context: Context, code: str, *parameters: str, text: str) -> None:
    """Refuse a batch; the rest of it is ignored."""
    session = context.session
    context.command = "BATCH"
    if session.multiline is not None:
        context.label = session.multiline.label
        session.failed_batch = session.multiline.reference
        session.multiline = None
    context.fail(code, *parameters, text=text, is_specified=True)


def count_line(context: Context, line: bytes | None) -> None:
    """Count a line of any kind while a batch is open."""
    batch = context.session.multiline
    if batch is None:
        return
    batch.kept_lines += 1
    batch.kept_bytes += len(line or b"")
    if batch.kept_lines > KEPT_LINES_MAX or batch.kept_bytes > KEPT_BYTES_MAX:
        text = "The batch was left open for too long"
        fail(context, "TIMEOUT", middle(batch.reference), text=text)


def collect(context: Context, message: Message) -> bool:
    """Collect a line that is part of a batch; return whether it is one."""
    session = context.session
    if not context.has(Capability.MULTILINE) or session.phase is Phase.REGISTERING:
        return False
    tags = dict(message.tags)
    if "batch" not in tags:
        if session.multiline is None or message.command not in _FOREIGN:
            return False
        # "Once a client has opened a batch, it MUST NOT send any messages that are not part of the
        # batch, until it is closed".
        fail(context, "MULTILINE_INVALID", text="The message is not part of the open batch")
        return True
    context.label = ""
    batch = session.multiline
    if batch is None or tags["batch"] != batch.reference:
        if tags["batch"] != session.failed_batch:
            context.command = "BATCH"
            text = "The line is not part of an open batch"
            context.fail("MULTILINE_INVALID", text=text, is_specified=True)
        return True
    given = message.parameters[0] if message.parameters else ""
    if message.command != (batch.verb or message.command) or len(message.parameters) < 2:
        text = f"The batch must contain only {batch.verb or 'messages'}"
        fail(context, "MULTILINE_INVALID", text=text)
    elif message.command not in VERBS:
        fail(context, "MULTILINE_INVALID", text="A batch must contain only PRIVMSG or NOTICE")
    elif fold(given) != fold(batch.target):
        parameters = (middle(batch.target), middle(given))
        text = "Invalid multiline target"
        fail(context, "MULTILINE_INVALID_TARGET", *parameters, text=text)
    else:
        batch.verb = message.command
        _add(context, batch, message.parameters[1], is_continued=_CONCAT in tags)
    return True


def _add(context: Context, batch: OpenBatch, text: str, *, is_continued: bool) -> None:
    if is_continued and not text:
        text = "A continued line must not be blank"
        fail(context, "MULTILINE_INVALID", text=text)
        return
    start = batch.breaks[-1] if batch.breaks else 0
    if batch.lines and not is_continued:
        batch.text += "\n"
    # What continues a blank line is that line.
    if batch.lines and not (is_continued and start == len(batch.text)):
        batch.breaks.append(len(batch.text))
    batch.lines += 1
    batch.text += text
    if batch.lines > LINES_MAX:
        text = "Multiline batch max-lines exceeded"
        fail(context, "MULTILINE_MAX_LINES", str(LINES_MAX), text=text)
    elif len(batch.text.encode()) > BYTES_MAX:
        text = "Multiline batch max-bytes exceeded"
        fail(context, "MULTILINE_MAX_BYTES", str(BYTES_MAX), text=text)


def finish(context: Context, batch: OpenBatch) -> tuple[Say, ...] | None:
    """Turn a batch that has ended into one message."""
    if not batch.text.strip("\n"):
        fail(context, "MULTILINE_INVALID", text="The batch is empty")
        return None
    context.session.multiline = None
    context.label = batch.label
    # The log's results are answered as for any message.
    context.command = batch.verb
    return (Say(batch.verb, batch.target, batch.text, batch.tags, tuple(batch.breaks)),)
