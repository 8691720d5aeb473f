"""The look of metadata that clients are told unasked.

    :alice!a@host METADATA alice url * :x        draft/metadata-2
    :server 761 bob alice url * :x               draft/metadata-3; 766 for a key that was removed

Source: ircv3.net/specs/extensions/metadata, "METADATA server message"; "Notifications" of the newer
text.
"""

from collections.abc import Container, Hashable, Mapping

from roost.chat.changes import MetadataChanged
from roost.irc import numerics
from roost.irc.capabilities import METADATA_ANY, Capability
from roost.ircd.rendering.line import Line
from roost.ircd.rendering.lines import body, event_tags, hostmask, server_tags
from roost.ircd.rendering.viewer import At, Viewer

BATCH = "metadata"
EVERYBODY = "*"
"""The visibility of all keys: "an asterisk for keys visible to everyone"."""
NOT_SET = "key not set"

_METADATA_3 = Capability.METADATA_3.value


def _keys_for(change: MetadataChanged, viewer: Viewer) -> tuple[str, ...]:
    """Return the keys of a change that a client subscribed to."""
    if not viewer.capabilities & METADATA_ANY:
        return ()
    return tuple(key for key, _ in change.entries if key in viewer.subscribed)


def look_of_metadata(change: MetadataChanged, viewer: Viewer) -> Hashable:
    """Return what the lines depend on: the keys, and the nickname that numerics address."""
    keys = _keys_for(change, viewer)
    is_addressed = viewer.capabilities & _METADATA_3 and (keys or _is_batch(change))
    return keys, viewer.nick if is_addressed else None


def lines_of_metadata(change: MetadataChanged, at: At, viewer: Viewer) -> list[Line]:
    """Write the keys that the client subscribed to; one without a value was removed."""
    keys = _keys_for(change, viewer)
    shown = [(key, value) for key, value in change.entries if key in keys]
    if viewer.capabilities & _METADATA_3:
        return _numerics(change, shown, at, viewer) if shown or _is_batch(change) else []
    tags = event_tags(change.source, at.time_ms, viewer.capabilities)
    mask = hostmask(change.source)
    return [
        Line(
            tags,
            body(
                mask,
                "METADATA",
                (change.target, key, EVERYBODY, *(() if value is None else (value,))),
            ),
        )
        for key, value in shown
    ]


def _is_batch(change: MetadataChanged) -> bool:
    """Return whether a watched user came online: it is as from SYNC, and may be empty."""
    return change.cause == "presence" and bool(change.folded)


def _numerics(
    change: MetadataChanged, shown: list[tuple[str, str | None]], at: At, viewer: Viewer
) -> list[Line]:
    """Write 761 and 766."""
    tags, server = server_tags(at.time_ms, viewer.capabilities), at.server_name
    is_batch = _is_batch(change)
    reference = f"d{at.position:x}-{change.part:x}" if is_batch else ""
    lines = []
    for key, value in shown:
        numeric = numerics.RPL_KEYNOTSET if value is None else numerics.RPL_KEYVALUE
        words = (NOT_SET,) if value is None else (EVERYBODY, value)
        text = body(server, numeric, (viewer.nick, change.target, key, *words))
        lines.append(Line("" if is_batch else tags, text, reference))
    if not is_batch:
        return lines
    begin = body(server, "BATCH", (f"+{reference}", BATCH, change.target))
    return [Line(tags, begin), *lines, Line("", body(server, "BATCH", (f"-{reference}",)))]


def current(
    metadata: Mapping[str, str], target: str, subscribed: Container[str]
) -> list[tuple[str, ...]]:
    """Return the parameters of METADATA for a target's keys, if the client subscribed to them."""
    return [(target, key, EVERYBODY, value) for key, value in metadata.items() if key in subscribed]
