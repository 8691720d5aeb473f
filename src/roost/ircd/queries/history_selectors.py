"""Parses the parameters of CHATHISTORY.

Whether the client may see the history is not decided here. An error is an `InvalidRequestError`
with the code and context for FAIL.

Source: ircv3.net/specs/extensions/chathistory.
"""

import msgspec

from roost.chat.history import Anchor
from roost.chat.ids import parse_message_id
from roost.ircd.queries.moments import parse_timestamp
from roost.ircd.rendering.packing import middle

SUBCOMMANDS = {"BEFORE": 4, "AFTER": 4, "LATEST": 4, "AROUND": 4, "BETWEEN": 5, "TARGETS": 4}
"""The subcommands with their numbers of parameters, including the subcommand."""

LIMIT_DIGITS_MAX = 9
"""More digits than any sensible limit has, so that hostile numbers are cheap to parse."""


class InvalidRequestError(Exception):
    """The request is malformed: `FAIL CHATHISTORY <code> <context...> :<text>`."""

    def __init__(self, code: str, context: tuple[str, ...], text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.context = context
        self.text = text


class Selection(msgspec.Struct, frozen=True):
    """A request; `first` is None for LATEST with `*`."""

    subcommand: str
    target: str
    """A room or nickname; empty for TARGETS."""
    first: Anchor | None
    second: Anchor | None
    """For BETWEEN and TARGETS only."""
    limit: int
    """The limit that was asked for, at least 0; the server's maximum is applied later."""


def parse_selection(parameters: tuple[str, ...]) -> Selection:
    """Parse the parameters of CHATHISTORY.

    Raises:
        InvalidRequestError: they are malformed.
    """
    if not parameters:
        raise InvalidRequestError("INVALID_PARAMS", ("*",), "Insufficient parameters")
    given = parameters[0]
    subcommand = given.upper()
    expected = SUBCOMMANDS.get(subcommand)
    if expected is None:
        raise InvalidRequestError("INVALID_PARAMS", (middle(given),), "Unknown command")
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
    """Parse `timestamp=...` or `msgid=...`."""
    kind, equals, value = text.partition("=")
    if kind == "timestamp" and equals:
        return _parse_time_reference(given, text)
    if kind == "msgid" and equals:
        place = parse_message_id(value)
        if place is None:
            raise InvalidRequestError("INVALID_PARAMS", (given, middle(text)), "Unknown message id")
        position, part = place
        return Anchor(position=position, part=part)
    if equals:
        raise InvalidRequestError(
            "INVALID_MSGREFTYPE",
            (given, middle(target), middle(text)),
            "Only references by timestamp= and msgid= are supported",
        )
    raise InvalidRequestError("INVALID_PARAMS", (given, middle(text)), "Invalid message reference")


def _parse_time_reference(given: str, text: str) -> Anchor:
    time_ms = parse_timestamp(text.removeprefix("timestamp="))
    if time_ms is None or not text.startswith("timestamp="):
        raise InvalidRequestError("INVALID_PARAMS", (given, middle(text)), "Invalid timestamp")
    return Anchor(time_ms=time_ms)


def _parse_limit(given: str, text: str) -> int:
    if len(text) > LIMIT_DIGITS_MAX or not (text.isascii() and text.isdigit()):
        raise InvalidRequestError("INVALID_PARAMS", (given, middle(text)), "Invalid limit")
    return int(text)
