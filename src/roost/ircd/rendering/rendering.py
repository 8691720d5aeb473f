"""Turns changes into lines: the only place that knows how a change looks.

A line depends on the change, its position and time, and the capabilities of the one it is for;
never on who that is. So it is made once for all clients with the same capabilities, and is the
same live and in history, byte for byte.

Source: modern.ircdocs.horse, "Messages"; ircv3.net for the tags and the longer forms.
"""

from datetime import UTC, datetime
from functools import lru_cache

from roost.chat.changes import (
    AccountChanged,
    AwayChanged,
    Change,
    HostChanged,
    Invited,
    Joined,
    Kicked,
    NickChanged,
    Parted,
    Quitted,
    RealnameChanged,
    Redacted,
    RoomModesChanged,
    RoomRenamed,
    Said,
    Source,
    TopicChanged,
    UserModesChanged,
    WentOffline,
    WentOnline,
)
from roost.chat.commands.modes import ModeChange
from roost.chat.ids import Position
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.irc.message import encode_tags, escape_tag_value
from roost.protocol.mesh import Whisper

BODY_BYTES_MAX = 510
"""A line without its tags and its end (RFC 1459, section 2.3)."""

_NUMERICS_WITHOUT_TEXT = frozenset(
    {
        numerics.RPL_MYINFO,
        numerics.RPL_UMODEIS,
        numerics.RPL_CHANNELMODEIS,
        numerics.RPL_CREATIONTIME,
        numerics.RPL_TOPICWHOTIME,
        numerics.RPL_INVITELIST,
        numerics.RPL_INVITING,
        numerics.RPL_INVEXLIST,
        numerics.RPL_EXCEPTLIST,
        numerics.RPL_BANLIST,
        numerics.RPL_METADATASUBOK,
        numerics.RPL_METADATAUNSUBOK,
        numerics.RPL_METADATASUBS,
        numerics.RPL_METADATASYNCLATER,
    }
)
"""Numerics whose last parameter is a name, modes or a number."""
_TEXT_COMMANDS = frozenset({"CAP", "FAIL", "NOTE", "NOTICE", "REGISTER", "WARN"})
"""What else ends in a text or a list."""

# Plain numbers: arithmetic on flags is ten times slower, and this is done for every message.
_MESSAGE_TAGS = Capability.MESSAGE_TAGS.value
_SERVER_TIME = Capability.SERVER_TIME.value
_ACCOUNT_TAG = Capability.ACCOUNT_TAG.value
_EXTENDED_JOIN = Capability.EXTENDED_JOIN.value
_AWAY_NOTIFY = Capability.AWAY_NOTIFY.value
_INVITE_NOTIFY = Capability.INVITE_NOTIFY.value
_SETNAME = Capability.SETNAME.value
_ACCOUNT_NOTIFY = Capability.ACCOUNT_NOTIFY.value
_CHANNEL_RENAME = Capability.CHANNEL_RENAME.value
_CHGHOST = Capability.CHGHOST.value
_MULTILINE = Capability.MULTILINE.value
_REDACTION = Capability.MESSAGE_REDACTION.value

TAG_CAPABILITIES = _MESSAGE_TAGS | _SERVER_TIME | _ACCOUNT_TAG


def body(source: str, command: str, parameters: tuple[str, ...]) -> str:
    """Write a message without tags and end of line, cut to what a line can hold.

    The last parameter gets a colon where it must have one, and wherever it is meant as a text or
    a list: the specifications write it so, and small clients look for it.
    """
    if not parameters:
        return f":{source} {command}"
    last = parameters[-1]
    if not last or last[0] == ":" or " " in last or _ends_in_text(command):
        last = f":{last}"
    return fit(f":{source} " + " ".join((command, *parameters[:-1], last)))


def _ends_in_text(command: str) -> bool:
    return command in _TEXT_COMMANDS or (
        command.isdigit() and command not in _NUMERICS_WITHOUT_TEXT
    )


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
    moment = datetime.fromtimestamp(seconds, UTC)
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
    text = _body_of(change, capabilities)
    if text is None:
        return None
    return _tags(change, position, time_ms, capabilities), fit(text)


def line_for_others(change: Change, position: Position, time_ms: int, capabilities: int) -> bytes:
    """Write what a bystander with these capabilities is sent; empty when it is nothing."""
    if not _is_shown_to_others(change, capabilities):
        return b""
    if type(change) is Said and change.breaks:
        return payload(change, position, time_ms, capabilities)
    shown = line(change, position, time_ms, capabilities)
    if shown is None:
        return b""
    shown_payload = encode(*shown)
    if type(change) is Joined and change.away and capabilities & _AWAY_NOTIFY:
        # The away-notify specification has this sent "when a user joins and has an away message".
        away = fit(f":{hostmask(change.source)} AWAY :{change.away}")
        shown_payload += encode(event_tags(change.source, time_ms, capabilities), away)
    return shown_payload


def lines(
    change: Change, position: Position, time_ms: int, capabilities: int
) -> list[tuple[str, str, str]]:
    """Write a change as (tags, body, reference of the batch it is in), one for each line.

    Only what was said in several lines has more than one; see multiline, "Fallback".
    """
    if type(change) is not Said or not change.breaks:
        shown = line(change, position, time_ms, capabilities)
        return [] if shown is None else [(*shown, "")]
    tags = _tags(change, position, time_ms, capabilities)
    who = f":{hostmask(change.source)}"
    head = f"{who} {change.verb} {change.target} :"
    if not capabilities & _MULTILINE:
        told: list[tuple[str, str, str]] = []
        for text, _ in _pieces(change):
            if text:
                own = event_tags(change.source, time_ms, capabilities) if told else tags
                told.append((own, fit(head + text), ""))
        return told
    reference = f"m{position:x}-{change.part:x}"
    inner = [
        ("draft/multiline-concat" if is_continued else "", fit(head + text), reference)
        for text, is_continued in _pieces(change)
    ]
    begin = fit(f"{who} BATCH +{reference} draft/multiline {change.target}")
    return [(tags, begin, ""), *inner, ("", f"{who} BATCH -{reference}", "")]


def payload(change: Change, position: Position, time_ms: int, capabilities: int) -> bytes:
    """Write all lines of a change for a client; empty when it is not told of it."""
    parts = []
    for tags, text, reference in lines(change, position, time_ms, capabilities):
        if reference:
            tags = f"batch={reference};{tags}" if tags else f"batch={reference}"
        parts.append(encode(tags, text))
    return b"".join(parts)


def _pieces(change: Said) -> list[tuple[str, bool]]:
    """Take a text of several lines apart: each, and whether it goes on the one before it."""
    ends = [*change.breaks[1:], len(change.text) + 1]
    first = change.text[: change.breaks[0]]
    found = [(first.removesuffix("\n"), False)]
    for start, end in zip(change.breaks, ends, strict=True):
        is_continued = change.text[start - 1] != "\n"
        found.append((change.text[start:end].removesuffix("\n"), is_continued))
    return found


def _is_shown_to_others(change: Change, capabilities: int) -> bool:
    """Whether a bystander asked for this kind of change; most need not be asked for."""
    match change:
        case Said():
            return True
        case Invited():
            return bool(capabilities & _INVITE_NOTIFY)
        case AwayChanged():
            return bool(capabilities & _AWAY_NOTIFY)
        case RealnameChanged():
            return bool(capabilities & _SETNAME)
        case HostChanged():
            return bool(capabilities & _CHGHOST)
    return True


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
    if change.source.is_bot and capabilities & _MESSAGE_TAGS:
        tags += ";bot"
    if type(change) is Said and change.tags and capabilities & _MESSAGE_TAGS:
        tags += ";" + encode_tags(change.tags)
    return tags


def event_tags(source: Source, time_ms: int, capabilities: int) -> str:
    """Encode the tags of a line that is no message of its own and so has no id."""
    tags = f"time={format_time(time_ms)}" if capabilities & _SERVER_TIME else ""
    if capabilities & _ACCOUNT_TAG and source.account:
        separator = ";" if tags else ""
        tags += f"{separator}account={escape_tag_value(source.account)}"
    if source.is_bot and capabilities & _MESSAGE_TAGS:
        tags += ";bot" if tags else "bot"
    return tags


def server_tags(time_ms: int, capabilities: int) -> str:
    """Encode the tags of a line that comes from the server itself."""
    return f"time={format_time(time_ms)}" if capabilities & _SERVER_TIME else ""


def _body_of(change: Change, capabilities: int) -> str | None:
    """Write a change without tags; None when such a client is not told of it."""
    source = change.source
    who = f":{source.nick}!{source.username}@{source.host}"
    match change:
        case Said():
            if change.verb != "TAGMSG":
                return f"{who} {change.verb} {change.target} :{change.text}"
            return f"{who} TAGMSG {change.target}" if capabilities & _MESSAGE_TAGS else None
        case Joined():
            if capabilities & _EXTENDED_JOIN:
                account = source.account or "*"
                return f"{who} JOIN {change.name} {account} :{change.realname}"
            return f"{who} JOIN {change.name}"
        case Parted():
            return f"{who} PART {change.name}{_trailing(change.reason)}"
        case Kicked():
            # "If no comment is given, the server SHOULD use a default message instead."
            return f"{who} KICK {change.name} {change.nick} :{change.reason or source.nick}"
        case Quitted():
            return f"{who} QUIT :{change.reason}"
        case NickChanged():
            return f"{who} NICK {change.nick}"
        case TopicChanged():
            return f"{who} TOPIC {change.name} :{change.topic}"
        case RoomModesChanged():
            return f"{who} MODE {change.name} {' '.join(mode_parameters(change.changes))}"
        case UserModesChanged():
            return f"{who} MODE {source.nick} {' '.join(mode_parameters(change.changes))}"
        case Invited():
            return f"{who} INVITE {change.nick} {change.name}"
        case AwayChanged():
            return f"{who} AWAY{_trailing(change.message)}"
        case AccountChanged():
            # Who logs in to the account that they are logged in to has no news for anybody.
            is_shown = capabilities & _ACCOUNT_NOTIFY and source.account != change.account
            return f"{who} ACCOUNT {change.account or '*'}" if is_shown else None
        case RealnameChanged():
            return f"{who} SETNAME :{change.realname}"
        case HostChanged() if capabilities & _CHGHOST:
            return f"{who} CHGHOST {source.username} {change.host}"
        case Redacted() if capabilities & _REDACTION:
            return f"{who} REDACT {change.target} {change.message}{_trailing(change.reason)}"
        case RoomRenamed() if capabilities & _CHANNEL_RENAME:
            return f"{who} RENAME {change.old} {change.name} :{change.reason}"
    return None


def _trailing(text: str) -> str:
    return f" :{text}" if text else ""


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


def whisper_line(whisper: Whisper, capabilities: int) -> bytes:
    """Write a typing notice; empty for clients without message-tags."""
    if not capabilities & _MESSAGE_TAGS:
        return b""
    return encode(*whisper_parts(whisper, capabilities))


def whisper_parts(whisper: Whisper, capabilities: int) -> tuple[str, str]:
    """Write a typing notice as (tags, body), for a client with message-tags."""
    tags = event_tags(whisper.source, whisper.time_ms, capabilities)
    separator = ";" if tags else ""
    text = f":{hostmask(whisper.source)} TAGMSG {whisper.target}"
    return f"{tags}{separator}{encode_tags(whisper.tags)}", fit(text)


def presence_line(server_name: str, change: WentOnline | WentOffline) -> bytes:
    """Write what everybody who monitors a nickname is told.

    "The server may send '*' instead of the nick" of the one that is told.
    """
    if isinstance(change, WentOnline):
        parameters = ("*", hostmask(change.source))
        return encode("", body(server_name, numerics.RPL_MONONLINE, parameters))
    parameters = ("*", change.source.nick)
    return encode("", body(server_name, numerics.RPL_MONOFFLINE, parameters))
