"""RENAME: rename a room.

Source: ircv3.net/specs/extensions/channel-rename.
"""

from roost.chat.commands.rooms import RenameRoom
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.rendering.packing import cut
from roost.ircd.serving.dispatch import command


@command("RENAME", parameters_min=2)
def rename(context: Context, message: Message) -> Result:
    """Ask the log; "an optional third parameter can provide a reason"."""
    given = message.parameters[2] if len(message.parameters) > 2 else ""
    reason = cut(given, context.state.settings.reason_bytes_max)
    return (RenameRoom(message.parameters[0], message.parameters[1], reason),)
