"""Find passwords in what a user types for a service, so that they are neither shown nor kept.

/msg NickServ IDENTIFY alice secret     /ns SET PASSWORD secret     /oper root secret
"""

import re
from typing import NamedTuple

HIDDEN = "\u2022" * 8
"""What is shown instead of a password, whatever its length."""
SERVICES = frozenset({"nickserv", "ns", "authserv", "userserv"})
_WITH_HOST = frozenset({"q", "x"})
"""Services that are only addressed as NAME@HOST."""

_WORD = re.compile(r"\S+")
_TO_SERVICE = re.compile(
    r"\s*/(?:(?:msg|m|notice|query|q|(?:quote|raw)\s+(?:privmsg|notice|squery))\s+(?P<to>\S+)"
    r"|(?:(?:quote|raw)\s+)?(?P<service>nickserv|ns))\s+:?",
    re.IGNORECASE,
)
_TO_SERVER = re.compile(
    r"\s*/(?:(?:quote|raw)\s+)?(?:oper\s+\S+\s+|pass\s+):?(?P<secret>\S.*)", re.IGNORECASE
)
_LAST = -1
_FIRST_SECRET = {
    **dict.fromkeys(("identify", "id", "login", "auth"), _LAST),
    **dict.fromkeys(("register", "passwd", "password"), 1),
    **dict.fromkeys(("ghost", "regain", "recover", "release"), 2),
    **dict.fromkeys(("saregister", "sapasswd", "group", "resetpass"), 2),
}
"""Which word of a service's command, counted from the command, is the first secret one."""


class Range(NamedTuple):
    """A piece of a text."""

    start: int
    end: int


def find(target: str, text: str) -> list[Range]:
    """Return where the passwords are in what is typed to `target`, which may be a command."""
    if text.lstrip().startswith("/"):
        to_server = _TO_SERVER.match(text)
        if to_server is not None:
            return [Range(*to_server.span("secret"))]
        to_service = _TO_SERVICE.match(text)
        if to_service is None:
            return []
        return in_command(to_service["to"] or to_service["service"], text, to_service.end())
    return in_command(target, text)


def in_command(target: str, text: str, start: int = 0) -> list[Range]:
    """Return where the passwords are in a message to `target` that begins at `start`."""
    name, at, _ = target.lower().partition("@")
    if name not in SERVICES and not (at and name in _WITH_HOST):
        return []
    words = [Range(*match.span()) for match in _WORD.finditer(text, start)]
    if not words:
        return []
    names = [text[word.start : word.end].lower() for word in words[:2]]
    if names[0] == "set" and names[1:] and names[1] in ("password", "passwd", "pass"):
        return words[2:]
    first = _FIRST_SECRET.get(names[0])
    if first is None:
        return []
    return words[1:][-1:] if first == _LAST else words[first:]


def hide(text: str, ranges: list[Range]) -> str:
    """Return a text without its passwords."""
    for start, end in reversed(ranges):
        text = f"{text[:start]}{HIDDEN}{text[end:]}"
    return text
