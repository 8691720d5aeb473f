"""Which names are valid.

Nicknames are ASCII: everybody can type them, and no two look alike. Room names are any UTF-8
without the characters that would end them.
"""

import re

_NICK = re.compile(r"[A-Za-z_\[\]\\`^{}|][A-Za-z0-9_\-\[\]\\`^{}|]*")
_FORBIDDEN_IN_ROOM = re.compile("[\x00-\x20\x7f,]")

_FORBIDDEN_IN_RELAYED_NICK = re.compile(
    # Reserved characters and controls, then what is invisible or changes the direction of text.
    "[\x00-\x20\x7f-\xa0!+%@&#$:'\"?*,.~\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    "\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    "\U000e0000-\U000e0fff]"
)

CHANNEL_TYPES = "#"
RELAYED_NICK_SEPARATOR = "/"
RELAYED_NICK_BYTES_MAX = 64
"""A nickname and the name of a network, both as long as a nickname."""


def is_valid_nick(text: str, bytes_max: int) -> bool:
    """Return whether `text` is a valid nickname, which starts with neither a digit nor "-"."""
    return len(text) <= bytes_max and _NICK.fullmatch(text) is not None


def is_valid_room_name(text: str, bytes_max: int) -> bool:
    """Return whether `text` is a valid room name: "#" and at least one more character."""
    return (
        len(text) > 1
        and text[0] in CHANNEL_TYPES
        and len(text.encode()) <= bytes_max
        and _FORBIDDEN_IN_ROOM.search(text) is None
    )


def is_valid_relayed_nick(text: str) -> bool:
    """Return whether `text` is a valid nickname of somebody whom a bridge speaks for.

    It contains the separator, which no nickname can, so it never belongs to anybody here. "Servers
    MUST also sanitize or reject nicks that contain reserved IRC characters."

    Source: ircv3.net/specs/extensions/relaymsg.
    """
    return (
        RELAYED_NICK_SEPARATOR in text
        and len(text.encode()) <= RELAYED_NICK_BYTES_MAX
        and _FORBIDDEN_IN_RELAYED_NICK.search(text) is None
    )


def is_room_name(text: str) -> bool:
    """Return whether `text` is meant as a room name, valid or not."""
    return text[:1] == "#"
