"""A line of the server, taken apart as the model's handlers want it."""

import re
from datetime import UTC, datetime

from roost.irc.message import Message

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z")


class Incoming:
    """One line of the server."""

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
        """Take a message apart; it has the time `now_ms` if it says none."""
        self.command = message.command
        self.parameters = message.parameters
        self.source = message.source
        """nick!user@host or the server's name; empty when there is none."""
        self.nick = message.source.partition("!")[0]
        tags = self.tags = dict(message.tags)
        self.msgid = tags.get("msgid", "") or tags.get("draft/msgid", "")
        self.label = tags.get("label", "")
        """The label of the line that it answers; handlers find that of its batch here too."""
        self.batch = tags.get("batch", "")
        given = tags.get("time")
        moment = parse_time(given) if given else None
        self.time_ms = now_ms if moment is None else moment

    def word(self, index: int) -> str:
        """Give a parameter; empty when there is none."""
        return self.parameters[index] if index < len(self.parameters) else ""

    @property
    def last(self) -> str:
        """The last parameter; empty when there is none."""
        return self.parameters[-1] if self.parameters else ""


def parse_time(text: str) -> int | None:
    """Read a time as server-time has it, in milliseconds since the epoch; None when it is none."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    try:
        moment = datetime(*map(int, match.groups()[:6]), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000 + int((match[7] or "0").ljust(3, "0")[:3])


def format_time(time_ms: int) -> str:
    """Write a time as server-time has it."""
    seconds, milliseconds = divmod(max(0, min(time_ms, 253_402_300_799_999)), 1000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds:03}Z"
