"""MARKREAD, as the server says it.

Source: ircv3.net/specs/extensions/read-marker, "MARKREAD server command".
"""

from roost.chat.changes import ReadMarked
from roost.chat.read_markers import find_marker
from roost.irc.capabilities import Capability
from roost.ircd.context import Context
from roost.ircd.rendering import rendering

UNKNOWN = "*"
"""In place of a time: "if there is no known last message read timestamp"."""


def send(context: Context, target: str, time_ms: int | None) -> None:
    """Say up to when a target was read."""
    context.send("MARKREAD", target, _shown(time_ms))


def send_on_entering(context: Context, room: str) -> None:
    """Say it of a room that was entered, to a client that wants to know."""
    if context.has(Capability.READ_MARKER):
        send(context, room, find_marker(context.state, context.user, room))


def is_told(change: ReadMarked, capabilities: int) -> bool:
    """Whether one of the user's other clients is told."""
    return change.is_news and bool(capabilities & Capability.READ_MARKER)


def payload(server_name: str, change: ReadMarked) -> bytes:
    """Write a change for a client."""
    parameters = (change.target, _shown(change.time_ms))
    return rendering.encode("", rendering.body(server_name, "MARKREAD", parameters))


def _shown(time_ms: int | None) -> str:
    return UNKNOWN if time_ms is None else f"timestamp={rendering.format_time(time_ms)}"
