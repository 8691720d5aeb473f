"""Turns a client's bytes into a handler's result, or answers what is wrong with them.

Source: modern.ircdocs.horse, "Message Format"; ircv3.net, utf8-only, message-tags (417).
"""

from roost.irc import errors, numerics
from roost.irc.message import Message
from roost.irc.parsing import leading_tags, parse
from roost.ircd.context import Context, Result
from roost.ircd.replies.labels import label_of
from roost.ircd.serving import dispatch
from roost.ircd.serving.multiline import collect, count_line
from roost.ircd.sessions.session import Phase

_UTF8_TEXT = "Message rejected, your IRC software MUST use UTF-8 encoding on this network"


def read(context: Context, line: bytes | None) -> Result:
    """Handle a line; None stands for one that was too long."""
    is_batch_open = context.session.multiline is not None
    if is_batch_open:
        count_line(context, line)
    if line is None:
        _refuse_long(context)
        return None
    try:
        message = parse(line)
    except errors.ParseError as error:
        repaired = _repair(context, line, error)
        if repaired is None:
            return None
        message = repaired
    context.command = message.command
    if message.tags or is_batch_open:
        context.label = label_of(message.tags, context.session.capabilities)
        if collect(context, message):
            return None
    return dispatch.dispatch(context, message)


def _repair(context: Context, line: bytes, error: errors.ParseError) -> Message | None:
    """Answer a line that cannot be parsed; return what it is taken for, if it is for anything.

    USER is accepted with "?" for what is not UTF-8: whoever is refused there would wait for ever.
    """
    if isinstance(error, errors.EmptyLineError):
        # "Servers and clients MUST ignore empty lines."
        return None
    is_registering = context.session.phase is Phase.REGISTERING
    if isinstance(error, errors.NotUtf8Error) and error.command == "USER" and is_registering:
        context.command = "USER"
        text = "Your username or real name is not UTF-8 and had to be modified"
        context.warn("INVALID_UTF8", text=text)
        line = line.decode(errors="replace").replace("\ufffd", "?").encode()
        try:
            return parse(line)
        except errors.ParseError as another:
            return _repair(context, line, another)
    context.label = label_of(leading_tags(line), context.session.capabilities)
    _refuse(context, error)
    return None


def _refuse(context: Context, error: errors.ParseError) -> None:
    match error:
        case errors.NotUtf8Error():
            # "If the server is unable to parse the sent command then it MAY send a FAIL command
            # with no command name (i.e. *)."
            context.command = error.command
            context.fail("INVALID_UTF8", text=_UTF8_TEXT, is_specified=True)
        case errors.ForbiddenByteError():
            context.fail("FORBIDDEN_BYTE", text="A line must not contain NUL, CR or LF")
        case errors.TagsTooLongError() | errors.LineTooLongError():
            _refuse_long(context)
        case _:
            context.reply(numerics.ERR_UNKNOWNCOMMAND, "*", "This is not an IRC command")


def _refuse_long(context: Context) -> None:
    context.reply(numerics.ERR_INPUTTOOLONG, "Input line was too long")
    if context.session.sasl is not None and context.session.phase is Phase.REGISTERING:
        # It can only be a part of the exchange, which cannot go on without it.
        context.session.sasl = None
        context.reply(numerics.ERR_SASLTOOLONG, "SASL message too long")
