"""Which names are valid.

Nicknames are ASCII: everybody can type them, and no two look alike. Room names are any UTF-8
without the characters that would end them.
"""

import re

_NICK = re.compile(r"[A-Za-z_\[\]\\`^{}|][A-Za-z0-9_\-\[\]\\`^{}|]*")
_FORBIDDEN_IN_ROOM = re.compile("[\x00-\x20\x7f,]")

CHANNEL_TYPES = "#"


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


def is_room_name(text: str) -> bool:
    """Return whether `text` is meant as a room name, valid or not."""
    return text[:1] == "#"
