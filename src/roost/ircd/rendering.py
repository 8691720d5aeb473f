"""Turns changes into lines: the only place that knows how a change looks.

A line depends on the change, its position and time, and the capabilities of the one it is for;
never on who that is. So it is made once for all clients with the same capabilities, and is the
same live and in history, byte for byte.

Source: modern.ircdocs.horse, "Messages"; ircv3.net for the tags and the longer forms.
"""

import datetime
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from roost.chat.changes import (
    AwayChanged,
    Change,
    Invited,
    Joined,
    Kicked,
    NickChanged,
    Parted,
    Quitted,
    RealnameChanged,
    RoomModesChanged,
    Said,
    Source,
    TopicChanged,
    UserModesChanged,
)
from roost.chat.commands import ModeChange
from roost.chat.ids import Position
from roost.irc.capabilities import Capability
from roost.irc.message import encode_tags, escape_tag_value
from roost.ircd.whisper import Whisper

BODY_BYTES_MAX = 510
"""A line without its tags and its end (RFC 1459, section 2.3)."""

# Plain numbers: arithmetic on flags is ten times slower, and this is done for every message.
_MESSAGE_TAGS = Capability.MESSAGE_TAGS.value
_SERVER_TIME = Capability.SERVER_TIME.value
_ACCOUNT_TAG = Capability.ACCOUNT_TAG.value
_EXTENDED_JOIN = Capability.EXTENDED_JOIN.value
_AWAY_NOTIFY = Capability.AWAY_NOTIFY.value
_INVITE_NOTIFY = Capability.INVITE_NOTIFY.value
_SETNAME = Capability.SETNAME.value

TAG_CAPABILITIES = _MESSAGE_TAGS | _SERVER_TIME | _ACCOUNT_TAG
DELIVERY_CAPABILITIES = TAG_CAPABILITIES | _EXTENDED_JOIN | _AWAY_NOTIFY | _INVITE_NOTIFY | _SETNAME
"""The capabilities that decide how somebody else's change looks, as bits."""


def body(source: str, command: str, parameters: tuple[str, ...]) -> str:
    """Write a message without tags and end of line, cut to what a line can hold."""
    if not parameters:
        return f":{source} {command}"
    last = parameters[-1]
    if not last or last[0] == ":" or " " in last:
        last = f":{last}"
    return fit(f":{source} " + " ".join((command, *parameters[:-1], last)))


def fit(text: str) -> str:
    """Cut a line to `BODY_BYTES_MAX` bytes, never within a character."""
    if len(text) * 4 <= BODY_BYTES_MAX:
        return text
    encoded = text.encode()
    if len(encoded) <= BODY_BYTES_MAX:
        return text
    return encoded[:BODY_BYTES_MAX].decode(errors="ignore")


def encode(tags: str, text: str) -> bytes:
    """Put a line together, with its end."""
    return f"@{tags} {text}\r\n".encode() if tags else f"{text}\r\n".encode()


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def format_time(time_ms: int) -> str:
    """Write a time as server-time has it: YYYY-MM-DDThh:mm:ss.sssZ."""
    seconds, milliseconds = divmod(time_ms, 1000)
    return f"{_second(seconds)}.{milliseconds:03}Z"


def hostmask(source: Source) -> str:
    """Write nick!user@host."""
    return f"{source.nick}!{source.username}@{source.host}"


def line(
    change: Change, position: Position, time_ms: int, capabilities: int
) -> tuple[str, str] | None:
    """Write a change as (tags, body); None when it does not show to such a client."""
    write = _bodies.get(type(change))
    if write is None:
        return None
    text = write(change, capabilities)
    if text is None:
        return None
    return _tags(change, position, time_ms, capabilities), fit(text)


def line_for_others(change: Change, position: Position, time_ms: int, capabilities: int) -> bytes:
    """Write what a bystander with these capabilities is sent; empty when it is nothing."""
    if type(change) is Said:
        # Most of what a server does; the same as below without the detours.
        text = _said(change, capabilities)
        if text is None:
            return b""
        return encode(_tags(change, position, time_ms, capabilities), fit(text))
    if not _is_shown_to_others(change, capabilities):
        return b""
    shown = line(change, position, time_ms, capabilities)
    if shown is None:
        return b""
    payload = encode(*shown)
    if type(change) is Joined and change.away and capabilities & _AWAY_NOTIFY:
        # "clients will also be sent an AWAY message when a user joins and is away."
        # (ircv3.net/specs/extensions/away-notify)
        away = fit(f":{hostmask(change.source)} AWAY :{change.away}")
        payload += encode(_event_tags(change.source, time_ms, capabilities), away)
    return payload


def _is_shown_to_others(change: Change, capabilities: int) -> bool:
    needed = _needed_by_others.get(type(change), 0)
    return not needed or bool(capabilities & needed)


_needed_by_others: dict[type[Any], int] = {
    Invited: _INVITE_NOTIFY,
    AwayChanged: _AWAY_NOTIFY,
    RealnameChanged: _SETNAME,
}


def _tags(change: Change, position: Position, time_ms: int, capabilities: int) -> str:
    """Encode a change's tags; the message id is `ids.message_id`, written out for speed."""
    tags = ""
    if capabilities & _SERVER_TIME:
        tags = f"time={format_time(time_ms)}"
    if capabilities & _MESSAGE_TAGS:
        separator = ";" if tags else ""
        tags += f"{separator}msgid={position:011x}-{change.part:02x}"
    if capabilities & _ACCOUNT_TAG and change.source.account:
        separator = ";" if tags else ""
        tags += f"{separator}account={escape_tag_value(change.source.account)}"
    if type(change) is Said and change.tags and capabilities & _MESSAGE_TAGS:
        tags += ";" + encode_tags(change.tags)
    return tags


def _event_tags(source: Source, time_ms: int, capabilities: int) -> str:
    """Encode the tags of a line that is no message of its own and so has no id."""
    tags = f"time={format_time(time_ms)}" if capabilities & _SERVER_TIME else ""
    if capabilities & _ACCOUNT_TAG and source.account:
        separator = ";" if tags else ""
        tags += f"{separator}account={escape_tag_value(source.account)}"
    return tags


def _said(change: Said, capabilities: int) -> str | None:
    source = change.source
    if change.verb == "TAGMSG":
        if not capabilities & _MESSAGE_TAGS:
            return None
        return f":{source.nick}!{source.username}@{source.host} TAGMSG {change.target}"
    return (
        f":{source.nick}!{source.username}@{source.host}"
        f" {change.verb} {change.target} :{change.text}"
    )


def _joined(change: Joined, capabilities: int) -> str:
    text = f":{hostmask(change.source)} JOIN {change.name}"
    if capabilities & _EXTENDED_JOIN:
        text += f" {change.source.account or '*'} :{change.realname}"
    return text


def _parted(change: Parted, capabilities: int) -> str:
    reason = f" :{change.reason}" if change.reason else ""
    return f":{hostmask(change.source)} PART {change.name}{reason}"


def _kicked(change: Kicked, capabilities: int) -> str:
    # "If no comment is given, the server SHOULD use a default message instead."
    reason = change.reason or change.source.nick
    return f":{hostmask(change.source)} KICK {change.name} {change.nick} :{reason}"


def _quitted(change: Quitted, capabilities: int) -> str:
    return f":{hostmask(change.source)} QUIT :{change.reason}"


def _nick_changed(change: NickChanged, capabilities: int) -> str:
    return f":{hostmask(change.source)} NICK {change.nick}"


def _topic_changed(change: TopicChanged, capabilities: int) -> str:
    return f":{hostmask(change.source)} TOPIC {change.name} :{change.topic}"


def mode_parameters(changes: tuple[ModeChange, ...]) -> tuple[str, ...]:
    """Write mode changes as MODE has them: letters with their signs, then the parameters."""
    letters = ""
    sign = ""
    for change in changes:
        wanted = "+" if change.is_added else "-"
        if wanted != sign:
            letters += wanted
            sign = wanted
        letters += change.letter
    return (letters, *(change.parameter for change in changes if change.parameter))


def _room_modes_changed(change: RoomModesChanged, capabilities: int) -> str:
    words = " ".join(mode_parameters(change.changes))
    return f":{hostmask(change.source)} MODE {change.name} {words}"


def _user_modes_changed(change: UserModesChanged, capabilities: int) -> str:
    words = " ".join(mode_parameters(change.changes))
    return f":{hostmask(change.source)} MODE {change.source.nick} {words}"


def _invited(change: Invited, capabilities: int) -> str:
    return f":{hostmask(change.source)} INVITE {change.nick} {change.name}"


def _away_changed(change: AwayChanged, capabilities: int) -> str:
    message = f" :{change.message}" if change.message else ""
    return f":{hostmask(change.source)} AWAY{message}"


def _realname_changed(change: RealnameChanged, capabilities: int) -> str:
    return f":{hostmask(change.source)} SETNAME :{change.realname}"


_bodies: dict[type[Any], Callable[[Any, int], str | None]] = {
    Said: _said,
    Joined: _joined,
    Parted: _parted,
    Kicked: _kicked,
    Quitted: _quitted,
    NickChanged: _nick_changed,
    TopicChanged: _topic_changed,
    RoomModesChanged: _room_modes_changed,
    UserModesChanged: _user_modes_changed,
    Invited: _invited,
    AwayChanged: _away_changed,
    RealnameChanged: _realname_changed,
}


def whisper_line(whisper: Whisper, capabilities: int) -> bytes:
    """Write a typing notice; empty for clients without message-tags."""
    if not capabilities & _MESSAGE_TAGS:
        return b""
    return encode(*whisper_parts(whisper, capabilities))


def whisper_parts(whisper: Whisper, capabilities: int) -> tuple[str, str]:
    """Write a typing notice as (tags, body), for a client with message-tags."""
    tags = _event_tags(whisper.source, whisper.time_ms, capabilities)
    separator = ";" if tags else ""
    text = f":{hostmask(whisper.source)} TAGMSG {whisper.target}"
    return f"{tags}{separator}{encode_tags(whisper.tags)}", fit(text)
