"""Puts lines together from tags, source, command and parameters, and limits their length.

Source: modern.ircdocs.horse, "Messages"; ircv3.net for the tags.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from roost.chat.changes import Source
from roost.chat.commands.modes import ModeChange
from roost.chat.ids import Position
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.irc.message import escape_tag_value
from roost.ircd.rendering.line import Line

BODY_BYTES_MAX: Final = 510
"""The limit of a line without its tags and its end (RFC 1459, section 2.3)."""

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
"""Numerics whose last parameter is not a text, but a name, modes or a number."""
_TEXT_COMMANDS = frozenset({"CAP", "FAIL", "NOTE", "NOTICE", "REGISTER", "WARN"})
"""Other commands whose last parameter is a text or a list."""

# Plain numbers, because every message needs them: flags are ten times slower.
_MESSAGE_TAGS = Capability.MESSAGE_TAGS.value
_SERVER_TIME = Capability.SERVER_TIME.value
_ACCOUNT_TAG = Capability.ACCOUNT_TAG.value


def body(source: str, command: str, parameters: tuple[str, ...]) -> str:
    """Write a message without tags and line end, cut to the length of a line.

    The last parameter gets a colon if it needs one, and always if it is a text or a list: the
    specifications write it so, and some small clients rely on it.
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
    """Cut a line to `BODY_BYTES_MAX` bytes, but never within a character."""
    if len(text) * 4 <= BODY_BYTES_MAX:
        return text
    encoded = text.encode()
    if len(encoded) <= BODY_BYTES_MAX:
        return text
    return encoded[:BODY_BYTES_MAX].decode(errors="ignore")


def encode(line: Line, tag: str = "") -> bytes:
    """Encode a line; `tag` goes first, unless the line is in a batch."""
    tags = line.tags
    if line.batch:
        tag = f"batch={line.batch}"
    if tag:
        tags = f"{tag};{tags}" if tags else tag
    return f"@{tags} {line.body}\r\n".encode() if tags else f"{line.body}\r\n".encode()


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


@lru_cache(maxsize=256)
def format_time(time_ms: int) -> str:
    """Write a time as server-time does: YYYY-MM-DDThh:mm:ss.sssZ.

    Cached, because entries that are ordered together have the same time.
    """
    seconds, milliseconds = divmod(time_ms, 1000)
    return f"{_second(seconds)}.{milliseconds:03}Z"


def hostmask(source: Source) -> str:
    """Write nick!user@host."""
    return f"{source.nick}!{source.username}@{source.host}"


def message_tags(
    source: Source, part: int, position: Position, time_ms: int, capabilities: int
) -> str:
    """Encode the tags of a message; the id is `ids.message_id`, inlined for speed."""
    tags = f"time={format_time(time_ms)}" if capabilities & _SERVER_TIME else ""
    if capabilities & _MESSAGE_TAGS:
        separator = ";" if tags else ""
        tags += f"{separator}msgid={position:011x}-{part:02x}"
    return _with_account(tags, source, capabilities) if source.account or source.is_bot else tags


def event_tags(source: Source, time_ms: int, capabilities: int) -> str:
    """Encode the tags of a line without a message id."""
    tags = f"time={format_time(time_ms)}" if capabilities & _SERVER_TIME else ""
    return _with_account(tags, source, capabilities)


def _with_account(tags: str, source: Source, capabilities: int) -> str:
    if capabilities & _ACCOUNT_TAG and source.account:
        separator = ";" if tags else ""
        tags += f"{separator}account={escape_tag_value(source.account)}"
    if source.is_bot and capabilities & _MESSAGE_TAGS:
        tags += ";bot" if tags else "bot"
    return tags


def server_tags(time_ms: int, capabilities: int) -> str:
    """Encode the tags of a line that comes from the server itself."""
    return f"time={format_time(time_ms)}" if capabilities & _SERVER_TIME else ""


def trailing(text: str) -> str:
    """Write a last parameter, or nothing if it is empty."""
    return f" :{text}" if text else ""


def mode_parameters(changes: tuple[ModeChange, ...]) -> tuple[str, ...]:
    """Write mode changes for MODE: letters with their signs, then the parameters."""
    letters = ""
    sign = ""
    for change in changes:
        wanted = "+" if change.is_added else "-"
        if wanted != sign:
            letters += wanted
            sign = wanted
        letters += change.letter
    return (letters, *(change.parameter for change in changes if change.parameter))
