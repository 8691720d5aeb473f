"""A parsed line from the server, as the handlers need it."""

import re
from datetime import UTC, datetime

from roost.irc.message import Message

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z")


class Incoming:
    """A line from the server."""

    __slots__ = (
        "batch",
        "command",
        "label",
        "msgid",
        "nick",
        "parameters",
        "source",
        "tags",
        "time_ms",
    )

    def __init__(self, message: Message, now_ms: int) -> None:
        """Use `now_ms` as its time if the line has none."""
        self.command = message.command
        self.parameters = message.parameters
        self.source = message.source
        """nick!user@host or the server's name; empty if there is none."""
        self.nick = message.source.partition("!")[0]
        tags = self.tags = dict(message.tags)
        self.msgid = tags.get("msgid", "") or tags.get("draft/msgid", "")
        self.label = tags.get("label", "")
        """Of the line that this one answers; of its batch, if it has none itself."""
        self.batch = tags.get("batch", "")
        given = tags.get("time")
        moment = parse_time(given) if given else None
        self.time_ms = now_ms if moment is None else moment

    def word(self, index: int) -> str:
        """Return a parameter, or "" if there is none."""
        return self.parameters[index] if index < len(self.parameters) else ""

    @property
    def last(self) -> str:
        """The last parameter, or "" if there is none."""
        return self.parameters[-1] if self.parameters else ""


def parse_time(text: str) -> int | None:
    """Parse a server-time value into ms since the epoch; return None if it is malformed."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    try:
        moment = datetime(*map(int, match.groups()[:6]), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000 + int((match[7] or "0").ljust(3, "0")[:3])


def format_time(time_ms: int) -> str:
    """Format a time as server-time does."""
    seconds, milliseconds = divmod(max(0, min(time_ms, 253_402_300_799_999)), 1000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds:03}Z"
