"""How another host of somebody is told: by CHGHOST, or as if they had left and come back.

Source: ircv3.net/specs/extensions/chghost, "Fallback when the chghost capability has not been
negotiated".
"""

from collections.abc import Container

from roost.chat.changes import OPERATOR, VOICE, HostChanged, Source
from roost.chat.ids import Position, RoomId
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.ircd.rendering import rendering

QUIT_REASON = "Changing host"


def lines_for_self(
    change: HostChanged, position: Position, time_ms: int, capabilities: int, server_name: str
) -> list[tuple[str, str]]:
    """Write it for a client of the user's own, as (tags, body)."""
    shown = rendering.line(change, position, time_ms, capabilities)
    if shown is not None:
        return [shown]
    parameters = (change.source.nick, change.host, "is now your displayed host")
    return [("", rendering.body(server_name, numerics.RPL_VISIBLEHOST, parameters))]


def payload_for_others(
    change: HostChanged,
    position: Position,
    time_ms: int,
    capabilities: int,
    shared: Container[RoomId],
    server_name: str,
) -> bytes:
    """Write it for somebody who is in the rooms `shared`, or in none and only watches."""
    shown = rendering.line_for_others(change, position, time_ms, capabilities)
    if shown:
        return shown
    lines = _fallback(change, time_ms, capabilities, shared, server_name)
    return b"".join(rendering.encode(tags, body) for tags, body in lines)


def payload_for_self(
    change: HostChanged, position: Position, time_ms: int, capabilities: int, server_name: str
) -> bytes:
    """As `lines_for_self`, in bytes."""
    lines = lines_for_self(change, position, time_ms, capabilities, server_name)
    return b"".join(rendering.encode(tags, body) for tags, body in lines)


def _fallback(
    change: HostChanged,
    time_ms: int,
    capabilities: int,
    shared: Container[RoomId],
    server_name: str,
) -> list[tuple[str, str]]:
    """Simulate a reconnection: "appropriate QUIT, JOIN and MODE commands"."""
    before = change.source
    after = Source(
        before.user, before.nick, before.username, change.host, before.account, before.is_bot
    )
    tags = rendering.event_tags(before, time_ms, capabilities)
    mask = rendering.hostmask(after)
    lines = []
    for (room, name), status in zip(change.rooms, change.statuses, strict=True):
        if room not in shared:
            continue
        entered: tuple[str, ...] = (name,)
        if capabilities & Capability.EXTENDED_JOIN:
            entered = (name, before.account or "*", change.realname)
        lines.append((tags, rendering.body(mask, "JOIN", entered)))
        letters = ("o" if status & OPERATOR else "") + ("v" if status & VOICE else "")
        if letters:
            given = (name, f"+{letters}", *[before.nick] * len(letters))
            time = rendering.server_tags(time_ms, capabilities)
            lines.append((time, rendering.body(server_name, "MODE", given)))
    if not lines:
        return []
    if change.away and capabilities & Capability.AWAY_NOTIFY:
        lines.append((tags, rendering.fit(f":{mask} AWAY :{change.away}")))
    gone = rendering.body(rendering.hostmask(before), "QUIT", (QUIT_REASON,))
    return [(tags, gone), *lines]
