"""The look of a changed host for clients without CHGHOST: a QUIT and a JOIN.

Source: ircv3.net/specs/extensions/chghost, "Fallback when the chghost capability has not been
negotiated".
"""

from msgspec.structs import replace

from roost.chat.changes import OPERATOR, VOICE, HostChanged
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.ircd.rendering.line import Line
from roost.ircd.rendering.lines import body, event_tags, fit, hostmask, server_tags
from roost.ircd.rendering.viewer import At, Viewer

QUIT_REASON = "Changing host"


def lines_without_chghost(change: HostChanged, at: At, viewer: Viewer) -> list[Line]:
    """Write the change for a client without CHGHOST; no lines if it shares no room."""
    if viewer.user == change.source.user:
        parameters = (change.source.nick, change.host, "is now your displayed host")
        return [Line("", body(at.server_name, numerics.RPL_VISIBLEHOST, parameters))]
    return _reconnection(change, at, viewer)


def _reconnection(change: HostChanged, at: At, viewer: Viewer) -> list[Line]:
    """Simulate a reconnection: "appropriate QUIT, JOIN and MODE commands"."""
    before, capabilities = change.source, viewer.capabilities
    tags = event_tags(before, at.time_ms, capabilities)
    mask = hostmask(replace(before, host=change.host))
    lines = []
    for (room, name), status in zip(change.rooms, change.statuses, strict=True):
        if room not in viewer.rooms:
            continue
        entered: tuple[str, ...] = (name,)
        if capabilities & Capability.EXTENDED_JOIN:
            entered = (name, before.account or "*", change.realname)
        lines.append(Line(tags, body(mask, "JOIN", entered)))
        letters = ("o" if status & OPERATOR else "") + ("v" if status & VOICE else "")
        if letters:
            given = (name, f"+{letters}", *[before.nick] * len(letters))
            time = server_tags(at.time_ms, capabilities)
            lines.append(Line(time, body(at.server_name, "MODE", given)))
    if not lines:
        return []
    if change.away and capabilities & Capability.AWAY_NOTIFY:
        lines.append(Line(tags, fit(f":{mask} AWAY :{change.away}")))
    return [Line(tags, body(hostmask(before), "QUIT", (QUIT_REASON,))), *lines]
