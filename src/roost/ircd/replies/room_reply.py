"""What a client is told of a room that it enters or asks about.

Source: modern.ircdocs.horse, "JOIN message", "TOPIC message";
ircv3.net/specs/extensions/no-implicit-names.
"""

from roost.chat.state import Room
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.ircd.context import Context
from roost.ircd.replies import read_marker_lines
from roost.ircd.replies.names_reply import send_names


def send_entered(context: Context, room: Room) -> None:
    """Tell of a room that was just entered, after the JOIN."""
    read_marker_lines.send_on_entering(context, room.name)
    if room.topic is not None:
        send_topic(context, room)
    if not context.has(Capability.NO_IMPLICIT_NAMES):
        send_names(context, room)


def send_topic(context: Context, room: Room) -> None:
    """Send a room's topic, and who set it when; the room has one."""
    topic = room.topic
    assert topic is not None
    context.reply(numerics.RPL_TOPIC, room.name, topic.text)
    context.reply(numerics.RPL_TOPICWHOTIME, room.name, topic.setter, str(topic.time_ms // 1000))
