"""Puts lines together: tags, source, command, parameters, and the length that a line may have.

Source: modern.ircdocs.horse, "Messages"; ircv3.net for the tags.
"""

from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from roost.chat.changes import Source
from roost.chat.commands.modes import ModeChange
from roost.chat.ids import Position
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.irc.message import escape_tag_value


class Line(msgspec.Struct, frozen=True, gc=False):
    """A line before it is encoded."""

    tags: str
    """Encoded, without "@"; empty when there are none."""
    body: str
    """Without the end of line."""
    batch: str = ""
    """The reference of the batch that the line is in."""


BODY_BYTES_MAX = 510
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
"""Numerics whose last parameter is a name, modes or a number."""
_TEXT_COMMANDS = frozenset({"CAP", "FAIL", "NOTE", "NOTICE", "REGISTER", "WARN"})
"""What else ends in a text or a list."""

# Plain numbers: arithmetic on flags is ten times slower, and this is done for every message.
_MESSAGE_TAGS = Capability.MESSAGE_TAGS.value
_SERVER_TIME = Capability.SERVER_TIME.value
_ACCOUNT_TAG = Capability.ACCOUNT_TAG.value


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


def encode(line: Line, tag: str = "") -> bytes:
    """Encode a line; `tag` goes before its tags unless the line is in a batch."""
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


def format_time(time_ms: int) -> str:
    """Write a time in the form of server-time: YYYY-MM-DDThh:mm:ss.sssZ."""
    seconds, milliseconds = divmod(time_ms, 1000)
    return f"{_second(seconds)}.{milliseconds:03}Z"


def hostmask(source: Source) -> str:
    """Write nick!user@host."""
    return f"{source.nick}!{source.username}@{source.host}"


def message_tags(
    source: Source, part: int, position: Position, time_ms: int, capabilities: int
) -> str:
    """Encode the tags of a message; its id is `ids.message_id`, written out for speed."""
    tags = f"time={format_time(time_ms)}" if capabilities & _SERVER_TIME else ""
    if capabilities & _MESSAGE_TAGS:
        separator = ";" if tags else ""
        tags += f"{separator}msgid={position:011x}-{part:02x}"
        if not source.account and not source.is_bot:
            return tags
    return _with_account(tags, source, capabilities)


def event_tags(source: Source, time_ms: int, capabilities: int) -> str:
    """Encode the tags of a line that is not a message of its own and so has no id."""
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
    """Write a last parameter that is left out when it is empty."""
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
