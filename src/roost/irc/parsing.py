"""Reads an IRC message from a line.

Sources: modern.ircdocs.horse, "Message Format"; ircv3.net, "Message Tags".
"""

import re
from functools import lru_cache
from typing import Final

from roost.irc.errors import (
    EmptyLineError,
    ForbiddenByteError,
    LineTooLongError,
    MalformedError,
    NotUtf8Error,
    TagsTooLongError,
)
from roost.irc.message import Message, unescape_tag_value

LINE_BYTES_MAX = 512
"""With CR LF and without tags (modern.ircdocs.horse, "Message Format")."""
CLIENT_TAG_DATA_BYTES_MAX = 4094
"""Between "@" and the space (Message Tags, "Size limit")."""

_NUL: Final = 0
_CR: Final = 13
_LF: Final = 10
"""Numbers, because bytes are found in bytes several times slower."""
_COMMAND = re.compile(r"[A-Za-z]+|[0-9]{3}")
_COMMAND_IN_BYTES = re.compile(rb"(?:@[^ ]* +)?(?::[^ ]* +)?([A-Za-z]+|[0-9]{3})(?: |$)")


def parse(line: bytes) -> Message:
    """Parse one line of a client, without its line end.

    Raises:
        ParseError: one of the errors in `roost.irc.errors`.
    """
    if _NUL in line or _CR in line or _LF in line:
        raise ForbiddenByteError("a line may not hold NUL, CR or LF", _guess_command(line))
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise NotUtf8Error("the line is not UTF-8", _guess_command(line)) from None
    tags: tuple[tuple[str, str], ...] = ()
    size = len(line)
    if text[:1] == "@":
        data, _, rest = text[1:].partition(" ")
        data_size = len(data) if data.isascii() else len(data.encode())
        if data_size > CLIENT_TAG_DATA_BYTES_MAX:
            raise TagsTooLongError("the tags are too long", _guess_command(line))
        size -= data_size + 2
        tags = parse_tags(data)
        text = rest
    if size > LINE_BYTES_MAX - 2:
        raise LineTooLongError("the line is too long", _guess_command(line))
    return _parse_rest(text, tags)


def leading_tags(line: bytes) -> tuple[tuple[str, str], ...]:
    """Parse only the tags of an invalid line; return none if the tags are invalid as well."""
    data = line.partition(b" ")[0]
    if data[:1] != b"@" or len(data) > 1 + CLIENT_TAG_DATA_BYTES_MAX or b"\0" in data:
        return ()
    try:
        return parse_tags(data[1:].decode())
    except UnicodeDecodeError:
        return ()


def parse_from_server(line: bytes) -> Message:
    """Parse one line of a server, without its line end; any length, and not necessarily UTF-8.

    Raises:
        ParseError: the line holds no command.
    """
    text = line.decode(errors="replace")
    tags: tuple[tuple[str, str], ...] = ()
    if text.startswith("@"):
        data, _, text = text[1:].partition(" ")
        tags = parse_tags(data)
    return _parse_rest(text, tags)


def _parse_rest(text: str, tags: tuple[tuple[str, str], ...]) -> Message:
    source = ""
    text = text.lstrip(" ")
    if text[:1] == ":":
        source, _, text = text[1:].partition(" ")
        text = text.lstrip(" ")
    head, colon, trailing = text.partition(" :")
    words = head.split(" ")
    if "" in words:
        words = [word for word in words if word]
    if not words:
        if tags or source or colon:
            raise MalformedError("there is no command")
        raise EmptyLineError("the line is empty")
    command = _command(words.pop(0))
    if colon:
        words.append(trailing)
    return Message(command, tuple(words), source, tags)


@lru_cache(maxsize=512)
def _command(word: str) -> str:
    """Return a command's name in upper case; cached because each line has one of a few."""
    if not _COMMAND.fullmatch(word):
        raise MalformedError("a command is letters or three digits")
    return word.upper()


def parse_tags(data: str) -> tuple[tuple[str, str], ...]:
    tags: dict[str, str] = {}
    for item in data.split(";"):
        key, _, value = item.partition("=")
        if key:
            # The last of several equal names counts, at its own place.
            tags.pop(key, None)
            tags[key] = unescape_tag_value(value)
    return tuple(tags.items())


def _guess_command(line: bytes) -> str:
    match = _COMMAND_IN_BYTES.match(line.lstrip(b" "))
    return match[1].decode().upper() if match else ""
