"""Decides how a change looks, in one table.

The lines depend on the change, its position and time, and the viewer. They are the same bytes
whether the change is shown live, after a move, or from history.

Source: modern.ircdocs.horse, "Messages"; ircv3.net for the tags and the longer forms.
"""

from collections.abc import Hashable
from typing import TypeAlias, assert_never

from roost.chat import changes
from roost.chat.changes import Change, Joined, Said
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.ircd.rendering.host_changes import lines_without_chghost
from roost.ircd.rendering.line import Line
from roost.ircd.rendering.lines import (
    body,
    encode,
    event_tags,
    fit,
    format_time,
    hostmask,
    message_tags,
    mode_parameters,
    server_tags,
    trailing,
)
from roost.ircd.rendering.messages import encode_said, lines_of_said, lines_of_whisper
from roost.ircd.rendering.metadata_lines import lines_of_metadata, look_of_metadata
from roost.ircd.rendering.renaming import lines_without_rename
from roost.ircd.rendering.viewer import At, Viewer
from roost.protocol.mesh import Whisper

# Plain numbers, because flags are ten times slower.
_EXTENDED_JOIN = Capability.EXTENDED_JOIN.value
_AWAY_NOTIFY = Capability.AWAY_NOTIFY.value
_INVITE_NOTIFY = Capability.INVITE_NOTIFY.value
_SETNAME = Capability.SETNAME.value
_ACCOUNT_NOTIFY = Capability.ACCOUNT_NOTIFY.value
_CHANNEL_RENAME = Capability.CHANNEL_RENAME.value
_CHGHOST = Capability.CHGHOST.value
_REDACTION = Capability.MESSAGE_REDACTION.value

PLAIN_WITH = {
    changes.HostChanged: _CHGHOST,
    changes.MetadataChanged: 0,
    changes.RoomRenamed: _CHANNEL_RENAME,
}
"""Changes whose look may depend on what `kind_of` returns.

For viewers with the capability it does not; 0 if there is no such capability.
"""


def payload(change: Change | Whisper, at: At, viewer: Viewer) -> bytes:
    """Encode the lines of a change for a viewer; empty if the client cannot show it."""
    if type(change) is Said:
        # What most are, so they are not tried for anything else.
        return encode_said(change, at.position, at.time_ms, viewer.capabilities)
    lines = render(change, at, viewer)
    return encode(lines[0]) if len(lines) == 1 else b"".join([encode(line) for line in lines])


def render(change: Change | Whisper, at: At, viewer: Viewer) -> list[Line]:
    """Write a change for a viewer; no lines if the client cannot show it."""
    capabilities = viewer.capabilities
    match change:
        case Said():
            return lines_of_said(change, at, capabilities)
        case Whisper():
            return lines_of_whisper(change, capabilities)
        case changes.AwayChanged() if viewer.user == change.source.user:
            return [_from_server(at, *away_reply(change.source.nick, change.message))]
        case Joined() if _is_away_shown(change, viewer):
            away = _event(change, at, capabilities, f"AWAY :{change.away}")
            return [*_lines_of_message(change, at, viewer), away]
        case changes.HostChanged() if not capabilities & _CHGHOST:
            return lines_without_chghost(change, at, viewer)
        case changes.RoomRenamed() if not capabilities & _CHANNEL_RENAME:
            return lines_without_rename(change, at, viewer)
        case changes.MetadataChanged():
            return lines_of_metadata(change, at, viewer)
        case changes.ReadMarked():
            return [_from_server(at, *read_marker(change.target, change.time_ms))]
        case changes.WentOnline():
            # "The server may send '*' instead of the nick": so one line serves all watchers.
            return [_from_server(at, numerics.RPL_MONONLINE, "*", hostmask(change.source))]
        case changes.WentOffline():
            return [_from_server(at, numerics.RPL_MONOFFLINE, "*", change.source.nick)]
        case changes.OperatorsTold():
            text = fit(f":{at.server_name} NOTICE * :*** {change.text}")
            return [Line(server_tags(at.time_ms, capabilities), text)]
        case changes.Wallopped():
            return [_event(change, at, capabilities, f"WALLOPS :{change.text}")]
        case changes.Killed():
            return [_event(change, at, capabilities, f"KILL {change.nick} :{change.reason}")]
        case (
            changes.SessionOpened() | changes.SessionClosed() | changes.SessionAttached()
            | changes.SessionResumed() | changes.CapabilitiesChanged() | changes.MonitorChanged()
            | changes.SubscriptionsChanged() | changes.AccountRegistered()
            | changes.AccountUpdated() | changes.AlwaysOnChanged() | changes.OwnershipChanged()
            | changes.VirtualHostSet() | changes.Rehashed()
        ):  # fmt: skip
            return []
        case _:
            return _lines_of_message(change, at, viewer)


def _is_away_shown(change: Joined, viewer: Viewer) -> bool:
    # away-notify: also sent "when a user joins and has an away message".
    is_other = viewer.user != change.source.user
    return bool(change.away and viewer.capabilities & _AWAY_NOTIFY and is_other)


_Message: TypeAlias = (
    Joined
    | changes.Parted
    | changes.Kicked
    | changes.Quitted
    | changes.NickChanged
    | changes.TopicChanged
    | changes.RoomModesChanged
    | changes.UserModesChanged
    | changes.Invited
    | changes.AwayChanged
    | changes.AccountChanged
    | changes.RealnameChanged
    | changes.HostChanged
    | changes.Redacted
    | changes.RoomRenamed
)
"""Changes that look like a message from their source, with an id."""


def _lines_of_message(change: _Message, at: At, viewer: Viewer) -> list[Line]:
    text = _text_of(change, viewer)
    if not text:
        return []
    source, capabilities = change.source, viewer.capabilities
    tags = message_tags(source, change.part, at.position, at.time_ms, capabilities)
    return [Line(tags, fit(f":{hostmask(source)} {text}"))]


def _text_of(change: _Message, viewer: Viewer) -> str:
    """Write what follows the source; empty if the client cannot show the change."""
    capabilities = viewer.capabilities
    match change:
        case Joined():
            if capabilities & _EXTENDED_JOIN:
                return f"JOIN {change.name} {change.source.account or '*'} :{change.realname}"
            return f"JOIN {change.name}"
        case changes.Parted():
            return f"PART {change.name}{trailing(change.reason)}"
        case changes.Kicked():
            # "If no comment is given, the server SHOULD use a default message instead."
            return f"KICK {change.name} {change.nick} :{change.reason or change.source.nick}"
        case changes.Quitted():
            return f"QUIT :{change.reason}"
        case changes.NickChanged():
            return f"NICK {change.nick}"
        case changes.TopicChanged():
            return f"TOPIC {change.name} :{change.topic}"
        case changes.RoomModesChanged():
            return f"MODE {change.name} {' '.join(mode_parameters(change.changes))}"
        case changes.UserModesChanged():
            return f"MODE {change.source.nick} {' '.join(mode_parameters(change.changes))}"
        case changes.Invited():
            is_shown = capabilities & _INVITE_NOTIFY or viewer.user == change.user
            return f"INVITE {change.nick} {change.name}" if is_shown else ""
        case changes.AwayChanged():
            return f"AWAY{trailing(change.message)}" if capabilities & _AWAY_NOTIFY else ""
        case changes.AccountChanged():
            # Logging in to the same account again is no news.
            is_shown = capabilities & _ACCOUNT_NOTIFY and change.source.account != change.account
            return f"ACCOUNT {change.account or '*'}" if is_shown else ""
        case changes.RealnameChanged():
            return f"SETNAME :{change.realname}" if capabilities & _SETNAME else ""
        case changes.HostChanged():
            return f"CHGHOST {change.source.username} {change.host}"
        case changes.Redacted():
            text = f"REDACT {change.target} {change.message}{trailing(change.reason)}"
            return text if capabilities & _REDACTION else ""
        case changes.RoomRenamed():
            return f"RENAME {change.old} {change.name} :{change.reason}"
        case _:
            assert_never(change)


def _event(change: Change, at: At, capabilities: int, text: str) -> Line:
    """Write a line from the source that has no message id."""
    tags = event_tags(change.source, at.time_ms, capabilities)
    return Line(tags, fit(f":{hostmask(change.source)} {text}"))


def _from_server(at: At, command: str, *parameters: str) -> Line:
    return Line("", body(at.server_name, command, parameters))


def away_reply(nick: str, message: str) -> tuple[str, str, str]:
    """Return the numeric that says that the user is away or, without a message, back."""
    if message:
        return numerics.RPL_NOWAWAY, nick, "You have been marked as being away"
    return numerics.RPL_UNAWAY, nick, "You are no longer marked as being away"


def read_marker(target: str, time_ms: int | None) -> tuple[str, str, str]:
    """Return the parameters of MARKREAD, which says up to when the user has read a target.

    Source: ircv3.net/specs/extensions/read-marker, "MARKREAD server command".
    """
    # "*" stands for a time "if there is no known last message read timestamp".
    shown = "*" if time_ms is None else f"timestamp={format_time(time_ms)}"
    return "MARKREAD", target, shown


def kind_of(change: Change | Whisper, viewer: Viewer) -> Hashable:
    """Return what the look depends on besides capabilities and whom the change is about."""
    plain_with = PLAIN_WITH.get(type(change))
    if plain_with is None or viewer.capabilities & plain_with:
        return None
    match change:
        case changes.HostChanged():
            return tuple(room for room, _ in change.rooms if room in viewer.rooms)
        case changes.MetadataChanged():
            return look_of_metadata(change, viewer)
        case changes.RoomRenamed():
            return viewer.user, viewer.capabilities
    return None
