"""TOPIC: show or set the topic of a room.

Source: modern.ircdocs.horse, "TOPIC message".
"""

from roost.chat.commands.rooms import SetTopic
from roost.chat.refusals import Reason, Refusal
from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, RefusedError, Result
from roost.ircd.queries.visibility import can_see_room
from roost.ircd.rendering.packing import cut
from roost.ircd.replies.room_reply import send_topic
from roost.ircd.serving.dispatch import command


@command("TOPIC", parameters_min=1)
def topic(context: Context, message: Message) -> Result:
    """Show the topic, or ask the log to set it; an empty one clears it."""
    name = message.parameters[0]
    if len(message.parameters) > 1:
        text = cut(message.parameters[1], context.state.settings.topic_bytes_max)
        return (SetTopic(name, text),)
    room = context.find_room(name)
    if not can_see_room(context.user, room):
        raise RefusedError(Refusal(Reason.NO_SUCH_ROOM, name))
    if room.topic is None:
        context.reply(numerics.RPL_NOTOPIC, room.name, "No topic is set")
    else:
        send_topic(context, room)
    return None
