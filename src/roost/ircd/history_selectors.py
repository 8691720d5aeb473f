"""Reads the parameters of CHATHISTORY: what is asked for, before anybody looks whether one may.

Pure text work: no state is read here. A mistake is an `InvalidRequestError` that carries the FAIL
code and context of the specification.

Source: ircv3.net/specs/extensions/chathistory.
"""

import re
from datetime import UTC, datetime, timedelta

import msgspec

from roost.chat.history import Anchor
from roost.chat.ids import parse_message_id

SUBCOMMANDS = {"BEFORE": 4, "AFTER": 4, "LATEST": 4, "AROUND": 4, "BETWEEN": 5, "TARGETS": 4}
"""Each subcommand and the number of parameters it takes, itself included."""

LIMIT_DIGITS_MAX = 9
"""More digits than any sensible limit has; keeps the conversion of a hostile number cheap."""

_timestamp = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", flags=re.ASCII
)
_epoch = datetime(1970, 1, 1, tzinfo=UTC)


class InvalidRequestError(Exception):
    """The command cannot be understood: `FAIL CHATHISTORY <code> <context...> :<text>`."""

    def __init__(self, code: str, context: tuple[str, ...], text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.context = context
        self.text = text


class Selection(msgspec.Struct, frozen=True):
    """A request as it was typed; `first` is None for LATEST with `*`."""

    subcommand: str
    target: str
    """A room or nickname; empty for TARGETS."""
    first: Anchor | None
    second: Anchor | None
    """BETWEEN and TARGETS only."""
    limit: int
    """As asked for, 0 or more; the server's own maximum is not yet applied."""


def parse_timestamp(text: str) -> int | None:
    """Read `YYYY-MM-DDThh:mm:ss.sssZ` as milliseconds since 1970; None when it is no such time.

    The fraction may be absent or have up to nine digits, and a leap second counts as the second
    that follows it, because clients exist that write times so.
    """
    match = _timestamp.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction_ms = int((match[7] or "").ljust(3, "0")[:3])
    leap = 1 if second == 60 else 0
    try:
        moment = datetime(year, month, day, hour, minute, second - leap, tzinfo=UTC)
    except ValueError:
        return None
    seconds = (moment - _epoch) // timedelta(seconds=1) + leap
    # A time before 1970 precedes every message; negative times mean "unset" in an `Anchor`.
    return max(0, seconds * 1000 + fraction_ms)


def parse_selection(parameters: tuple[str, ...]) -> Selection:
    """Read the parameters of a CHATHISTORY command.

    Raises:
        InvalidRequestError: they are not a request of the specification.
    """
    if not parameters:
        raise InvalidRequestError("INVALID_PARAMS", ("*",), "Insufficient parameters")
    given = parameters[0]
    subcommand = given.upper()
    expected = SUBCOMMANDS.get(subcommand)
    if expected is None:
        raise InvalidRequestError("INVALID_PARAMS", (_shown(given),), "Unknown command")
    if len(parameters) < expected:
        raise InvalidRequestError("INVALID_PARAMS", (given,), "Insufficient parameters")
    if len(parameters) > expected:
        raise InvalidRequestError("INVALID_PARAMS", (given,), "Too many parameters")
    limit = _parse_limit(given, parameters[-1])
    if subcommand == "TARGETS":
        times = [_parse_time_reference(given, text) for text in parameters[1:3]]
        return Selection(subcommand, "", times[0], times[1], limit)
    target = parameters[1]
    if subcommand == "LATEST" and parameters[2] == "*":
        return Selection(subcommand, target, None, None, limit)
    references = [_parse_reference(given, target, text) for text in parameters[2:-1]]
    second = references[1] if len(references) > 1 else None
    return Selection(subcommand, target, references[0], second, limit)


def _parse_reference(given: str, target: str, text: str) -> Anchor:
    """Read `timestamp=...` or `msgid=...`."""
    kind, equals, value = text.partition("=")
    if kind == "timestamp" and equals:
        return _parse_time_reference(given, text)
    if kind == "msgid" and equals:
        place = parse_message_id(value)
        if place is None:
            raise InvalidRequestError("INVALID_PARAMS", (given, _shown(text)), "Unknown message id")
        position, part = place
        return Anchor(position=position, part=part)
    if equals:
        raise InvalidRequestError(
            "INVALID_MSGREFTYPE",
            (given, _shown(target), _shown(text)),
            "Only references by timestamp= and msgid= are supported",
        )
    raise InvalidRequestError("INVALID_PARAMS", (given, _shown(text)), "Invalid message reference")


def _parse_time_reference(given: str, text: str) -> Anchor:
    time_ms = parse_timestamp(text.removeprefix("timestamp="))
    if time_ms is None or not text.startswith("timestamp="):
        raise InvalidRequestError("INVALID_PARAMS", (given, _shown(text)), "Invalid timestamp")
    return Anchor(time_ms=time_ms)


def _parse_limit(given: str, text: str) -> int:
    if len(text) > LIMIT_DIGITS_MAX or not (text.isascii() and text.isdigit()):
        raise InvalidRequestError("INVALID_PARAMS", (given, _shown(text)), "Invalid limit")
    return int(text)


def _shown(text: str) -> str:
    """Repeat what was typed, if it can stand in the middle of a reply."""
    if not text or " " in text or text.startswith(":"):
        return "*"
    return text
