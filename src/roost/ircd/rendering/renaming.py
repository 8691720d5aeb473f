"""The look of a renamed room for clients without RENAME: a PART and a JOIN.

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
from roost.chat.ids import UserId
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.irc.casemapping import fold_room
from roost.ircd.rendering.line import Line
from roost.ircd.rendering.lines import body, event_tags, hostmask
from roost.ircd.rendering.name_lists import CROWD_MIN
from roost.ircd.rendering.packing import pack, space_left
from roost.ircd.rendering.prefixes import prefixes
from roost.ircd.rendering.viewer import At, Viewer


class _Places:
    """Where each user is among the members of the change that was rendered last."""

    def __init__(self) -> None:
        self._members: tuple[RoomMember, ...] = ()
        self._by_user: dict[UserId, RoomMember] = {}

    def of(self, change: RoomRenamed, user: UserId) -> RoomMember | None:
        """Find a user; everybody in the room is looked up one after the other."""
        if change.members is not self._members:
            self._members = change.members
            self._by_user = {one.source.user: one for one in change.members}
        return self._by_user.get(user)


_places = _Places()


def is_told_apart(change: RoomRenamed) -> bool:
    """Return whether the members are too many to be listed with the change itself.

    If each of ten thousand were told all names at once, it would be a gigabyte.
    """
    return len(change.members) >= CROWD_MIN and fold_room(change.old) != fold_room(change.name)


def lines_without_rename(change: RoomRenamed, at: At, viewer: Viewer) -> list[Line]:
    """Write the change for a member whose client does not support RENAME."""
    if fold_room(change.old) == fold_room(change.name):
        # "This fallback SHOULD NOT be used if the rename only changes the case".
        return []
    own = _places.of(change, viewer.user)
    return [] if own is None else _fallback(change, own, at, viewer.capabilities)


def _fallback(change: RoomRenamed, own: RoomMember, at: At, capabilities: int) -> list[Line]:
    source, name = own.source, change.name
    mask = hostmask(source)
    tags = event_tags(source, at.time_ms, capabilities)
    reason = (change.reason,) if change.reason else ()
    entered: tuple[str, ...] = (name,)
    if capabilities & Capability.EXTENDED_JOIN:
        entered = (name, source.account or "*", own.realname)
    replies: list[tuple[str, tuple[str, ...]]] = []
    if change.topic is not None:
        text, setter, topic_ms = change.topic
        replies.append((numerics.RPL_TOPIC, (name, text)))
        replies.append((numerics.RPL_TOPICWHOTIME, (name, setter, str(topic_ms // 1000))))
    if not capabilities & Capability.NO_IMPLICIT_NAMES and not is_told_apart(change):
        replies += _names(change, capabilities, source.nick, at.server_name)
    return [
        Line(tags, body(mask, "PART", (change.old, *reason))),
        Line(tags, body(mask, "JOIN", entered)),
        *(
            Line("", body(at.server_name, numeric, (source.nick, *parameters)))
            for numeric, parameters in replies
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
        + (hostmask(member.source) if with_hosts else member.source.nick)
        for member in change.members
    ]
    space = space_left(server_name, nick, symbol, name)
    return [
        *((numerics.RPL_NAMREPLY, (symbol, name, text)) for text in pack(words, space)),
        (numerics.RPL_ENDOFNAMES, (name, "End of /NAMES list")),
    ]


def as_in_history(change: Change, name: str) -> Change:
    """Return a change of a room's past as history shows it, under the room's present name.

    Clients file history under the name in its lines, and the old name may be another room's now.
    The away message that accompanies a JOIN is not part of history.
    """
    match change:
        case Said() | Redacted() if change.room and change.target != name:
            return replace(change, target=name)
        case Joined() if change.name != name or change.away:
            return replace(change, name=name, away="")
        case Parted() | Kicked() | TopicChanged() | RoomModesChanged() if change.name != name:
            return replace(change, name=name)
    return change
