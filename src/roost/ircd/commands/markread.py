"""MARKREAD: set or get the time up to which a conversation is read.

Source: ircv3.net/specs/extensions/read-marker.
"""

from roost.chat.commands.messages import MarkRead
from roost.chat.read_markers import find_marker, is_valid_target
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.queries.moments import parse_timestamp
from roost.ircd.rendering.packing import middle
from roost.ircd.rendering.render import read_marker
from roost.ircd.serving.dispatch import command

_PREFIX = "timestamp="


@command("MARKREAD")
def markread(context: Context, message: Message) -> Result:
    """Send the marker, or ask the log to move it."""
    if not message.parameters:
        context.fail("NEED_MORE_PARAMS", text="Missing parameters", is_specified=True)
        return None
    target = message.parameters[0]
    if not is_valid_target(target, context.state.settings):
        _refuse(context, target)
        return None
    if len(message.parameters) == 1:
        marker = find_marker(context.state, context.user, target)
        context.send(*read_marker(target, marker))
        return None
    given = message.parameters[1]
    time_ms = parse_timestamp(given.removeprefix(_PREFIX)) if given.startswith(_PREFIX) else None
    if time_ms is None:
        _refuse(context, given)
        return None
    return (MarkRead(target, time_ms),)


def _refuse(context: Context, what: str) -> None:
    context.fail("INVALID_PARAMS", middle(what), text="Invalid parameters", is_specified=True)
