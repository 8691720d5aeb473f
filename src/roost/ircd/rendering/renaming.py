"""How a room's new name is told: by RENAME, or as leaving one room and entering another.

Source: ircv3.net/specs/extensions/channel-rename, "Fallback".
"""

from msgspec.structs import replace

from roost.chat.changes import (
    Change,
    Joined,
    Kicked,
    Parted,
    Redacted,
    RoomMember,
    RoomModesChanged,
    RoomRenamed,
    Said,
    TopicChanged,
)
from roost.chat.ids import Position, UserId
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.irc.casemapping import fold_room
from roost.ircd.rendering import rendering
from roost.ircd.rendering.packing import pack, space_left
from roost.ircd.rendering.prefixes import prefixes

_KNOWS = Capability.CHANNEL_RENAME.value


def lines_for(
    change: RoomRenamed,
    position: Position,
    time_ms: int,
    capabilities: int,
    viewer: UserId,
    server_name: str,
) -> list[tuple[str, str]]:
    """Write a renaming for a member's client, as (tags, body)."""
    shown = rendering.line(change, position, time_ms, capabilities)
    if shown is not None:
        return [shown]
    if fold_room(change.old) == fold_room(change.name):
        # "This fallback SHOULD NOT be used if the rename only changes the case".
        return []
    own = next((member for member in change.members if member.source.user == viewer), None)
    return [] if own is None else _fallback(change, time_ms, capabilities, own, server_name)


def payload_for(
    change: RoomRenamed,
    position: Position,
    time_ms: int,
    capabilities: int,
    viewer: UserId,
    server_name: str,
) -> bytes:
    """As `lines_for`, in bytes."""
    lines = lines_for(change, position, time_ms, capabilities, viewer, server_name)
    return b"".join(rendering.encode(tags, body) for tags, body in lines)


def _fallback(
    change: RoomRenamed, time_ms: int, capabilities: int, own: RoomMember, server_name: str
) -> list[tuple[str, str]]:
    source, name = own.source, change.name
    mask = rendering.hostmask(source)
    tags = rendering.event_tags(source, time_ms, capabilities)
    reason = (change.reason,) if change.reason else ()
    entered: tuple[str, ...] = (name,)
    if capabilities & Capability.EXTENDED_JOIN:
        entered = (name, source.account or "*", own.realname)
    bodies: list[tuple[str, tuple[str, ...]]] = []
    if change.topic is not None:
        text, setter, topic_ms = change.topic
        bodies.append((numerics.RPL_TOPIC, (name, text)))
        moment = str(topic_ms // 1000)
        bodies.append((numerics.RPL_TOPICWHOTIME, (name, setter, moment)))
    if not capabilities & Capability.NO_IMPLICIT_NAMES:
        bodies += _names(change, capabilities, source.nick, server_name)
    return [
        (tags, rendering.body(mask, "PART", (change.old, *reason))),
        (tags, rendering.body(mask, "JOIN", entered)),
        *(
            ("", rendering.body(server_name, numeric, (source.nick, *parameters)))
            for numeric, parameters in bodies
        ),
    ]


def _names(
    change: RoomRenamed, capabilities: int, nick: str, server_name: str
) -> list[tuple[str, tuple[str, ...]]]:
    name = change.name
    symbol = "@" if change.is_secret else "="
    is_multiple = bool(capabilities & Capability.MULTI_PREFIX)
    with_hosts = bool(capabilities & Capability.USERHOST_IN_NAMES)
    words = [
        prefixes(member.status, is_multiple=is_multiple)
        + (rendering.hostmask(member.source) if with_hosts else member.source.nick)
        for member in change.members
    ]
    space = space_left(server_name, nick, symbol, name)
    return [
        *((numerics.RPL_NAMREPLY, (symbol, name, text)) for text in pack(words, space)),
        (numerics.RPL_ENDOFNAMES, (name, "End of /NAMES list")),
    ]


def as_called_now(change: Change, name: str) -> Change:
    """Give a change of a room's past as if the room had had its present name then.

    Clients put history where its lines say, and the former name may be another room's by now.
    """
    match change:
        case Said() | Redacted() if change.room and change.target != name:
            return replace(change, target=name)
        case Joined() | Parted() | Kicked() | TopicChanged() | RoomModesChanged():
            return change if change.name == name else replace(change, name=name)
    return change
