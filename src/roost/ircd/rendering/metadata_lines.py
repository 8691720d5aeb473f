"""The look of METADATA that clients are told unasked.

Source: ircv3.net/specs/extensions/metadata, "METADATA server message".
"""

from collections.abc import Container, Mapping

from roost.chat.changes import MetadataChanged
from roost.irc.capabilities import Capability
from roost.ircd.rendering.lines import Line, body, event_tags, hostmask
from roost.ircd.rendering.viewer import At, Viewer

EVERYBODY = "*"
"""The visibility of all keys: "an asterisk for keys visible to everyone"."""


def keys_for(change: MetadataChanged, viewer: Viewer) -> tuple[str, ...]:
    """Return the keys of a change that a client subscribed to."""
    if not viewer.capabilities & Capability.METADATA:
        return ()
    return tuple(key for key, _ in change.entries if key in viewer.subscribed)


def lines_of_metadata(change: MetadataChanged, at: At, viewer: Viewer) -> list[Line]:
    """Write the keys that the client subscribed to; one without a value was removed."""
    keys = keys_for(change, viewer)
    tags = event_tags(change.source, at.time_ms, viewer.capabilities)
    mask = hostmask(change.source)
    lines = []
    for key, value in change.entries:
        if key in keys:
            given = () if value is None else (value,)
            parameters = (change.target, key, EVERYBODY, *given)
            lines.append(Line(tags, body(mask, "METADATA", parameters)))
    return lines


def current(
    metadata: Mapping[str, str], target: str, subscribed: Container[str]
) -> list[tuple[str, ...]]:
    """Return the parameters of METADATA for a target's keys, if the client subscribed to them."""
    return [(target, key, EVERYBODY, value) for key, value in metadata.items() if key in subscribed]
