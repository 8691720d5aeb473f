"""Describes a room to a client that enters it or asks about it.

Source: modern.ircdocs.horse, "JOIN message", "TOPIC message";
ircv3.net/specs/extensions/no-implicit-names; read-marker.
"""

from collections.abc import Iterator

from roost.chat.ids import RoomId
from roost.chat.read_markers import find_marker
from roost.chat.state import Room
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.ircd.context import Context
from roost.ircd.rendering.render import read_marker
from roost.ircd.replies.metadata_reply import send_on_entering
from roost.ircd.replies.names_reply import send_names, send_names_by_step


def send_entered_by_step(context: Context, number: RoomId) -> Iterator[None]:
    """Describe a room like `send_entered`; others get their turn at each step."""
    room = context.state.rooms.get(number)
    if room is None:
        return
    _send_head(context, room)
    # The client must know that it has entered before it is told what others do.
    yield
    if not context.has(Capability.NO_IMPLICIT_NAMES):
        yield from send_names_by_step(context, room)
    send_on_entering(context, room)


def send_entered(context: Context, number: RoomId) -> None:
    """Describe a room that the client has just entered, after the JOIN."""
    room = context.state.rooms.get(number)
    if room is None:
        # When a line is answered late, the room may be forgotten already.
        return
    _send_head(context, room)
    if not context.has(Capability.NO_IMPLICIT_NAMES):
        send_names(context, room)
    send_on_entering(context, room)


def _send_head(context: Context, room: Room) -> None:
    if context.session.handover is not None:
        context.session.handover.listed[room.id] = []
    if context.has(Capability.READ_MARKER):
        time_ms = find_marker(context.state, context.user, room.name)
        context.send(*read_marker(room.name, time_ms))
    if room.topic is not None:
        send_topic(context, room)


def send_topic(context: Context, room: Room) -> None:
    """Send the topic of a room that has one, with who set it and when."""
    topic = room.topic
    assert topic is not None
    context.reply(numerics.RPL_TOPIC, room.name, topic.text)
    context.reply(numerics.RPL_TOPICWHOTIME, room.name, topic.setter, str(topic.time_ms // 1000))
