"""METADATA, as clients are told it unasked.

Source: ircv3.net/specs/extensions/metadata, "METADATA server message".
"""

from collections.abc import Container, Mapping

from roost.chat.changes import MetadataChanged
from roost.irc.capabilities import Capability
from roost.ircd.rendering import rendering

EVERYBODY = "*"
"""The visibility of all keys: "an asterisk for keys visible to everyone"."""

_KNOWS = Capability.METADATA.value


def keys_for(
    change: MetadataChanged, capabilities: int, subscribed: Container[str]
) -> tuple[str, ...]:
    """Name those of a change's keys that a client is told of."""
    if not capabilities & _KNOWS:
        return ()
    return tuple(key for key, _ in change.entries if key in subscribed)


def payload(
    change: MetadataChanged, time_ms: int, capabilities: int, keys: Container[str]
) -> bytes:
    """Write the change of some keys; a key without a value was removed."""
    lines = lines_of(change, time_ms, capabilities, keys)
    return b"".join(rendering.encode(tags, body) for tags, body in lines)


def lines_of(
    change: MetadataChanged, time_ms: int, capabilities: int, keys: Container[str]
) -> list[tuple[str, str]]:
    """As `payload`, as (tags, body)."""
    tags = rendering.event_tags(change.source, time_ms, capabilities)
    mask = rendering.hostmask(change.source)
    lines = []
    for key, value in change.entries:
        if key in keys:
            given = () if value is None else (value,)
            parameters = (change.target, key, EVERYBODY, *given)
            lines.append((tags, rendering.body(mask, "METADATA", parameters)))
    return lines


def current(
    metadata: Mapping[str, str], target: str, subscribed: Container[str]
) -> list[tuple[str, ...]]:
    """Give the parameters of METADATA for what a target has of the keys that are wanted."""
    return [(target, key, EVERYBODY, value) for key, value in metadata.items() if key in subscribed]
