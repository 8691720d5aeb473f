"""Parses the parameters of MODE, and writes a room's modes.

Source: modern.ircdocs.horse, "MODE message", "Channel mode".
"""

from collections.abc import Iterable, Iterator

import msgspec

from roost.chat.commands.modes import ModeChange
from roost.ircd.replies.isupport import (
    FLAG_MODES,
    KEY_MODES,
    LIMIT_MODES,
    LIST_MODES,
    PARAMETER_MODES,
    STATUS_MODES,
)

LIMIT_DIGITS_MAX = 6
"""A limit of a million members or more would not be one."""


class ModeWords(msgspec.Struct):
    """The request of a MODE command for a room."""

    changes: list[ModeChange] = []
    queries: list[str] = []
    """Letters of the lists to show, each once."""
    unknown: list[str] = []
    """Letters that are not modes, each once."""
    invalid: list[ModeChange] = []
    """Changes with an invalid parameter."""


def parse_room_modes(words: tuple[str, ...], parameters_max: int) -> ModeWords:
    """Parse a mode string and its parameters.

    "If a type B or C mode does not have a parameter when being set, the server MUST ignore that
    mode. If a type A mode has been sent without an argument, the contents of the list MUST be
    sent." More than `parameters_max` changes are ignored, as ISUPPORT's MODES says.
    """
    parsed = ModeWords()
    rest = iter(words[1:])
    is_added = True
    for letter in words[0]:
        if letter in "+-":
            is_added = letter == "+"
        elif letter in FLAG_MODES:
            parsed.changes.append(ModeChange(is_added, letter))
        elif letter in LIST_MODES:
            parameter = next(rest, "")
            if parameter:
                parsed.changes.append(ModeChange(is_added, letter, parameter))
            elif letter not in parsed.queries:
                parsed.queries.append(letter)
        elif letter in PARAMETER_MODES and not is_added:
            parsed.changes.append(ModeChange(False, letter))
        elif letter in STATUS_MODES + KEY_MODES + PARAMETER_MODES:
            _take_parameter(parsed, is_added, letter, next(rest, None))
        elif letter not in parsed.unknown:
            parsed.unknown.append(letter)
    del parsed.changes[parameters_max:]
    return parsed


def _take_parameter(parsed: ModeWords, is_added: bool, letter: str, parameter: str | None) -> None:
    if not parameter and letter in KEY_MODES and not is_added:
        # Clients send "-k" with or without the key; it is not compared.
        parsed.changes.append(ModeChange(False, letter, "*"))
        return
    if parameter is None:
        return
    change = ModeChange(is_added, letter, parameter)
    if not change.parameter:
        parsed.invalid.append(change)
        return
    if change.letter in LIMIT_MODES:
        text = change.parameter
        is_number = text.isascii() and text.isdigit() and len(text) <= LIMIT_DIGITS_MAX
        if not is_number or int(text) == 0:
            parsed.invalid.append(change)
            return
    elif change.parameter.startswith(":") or " " in change.parameter:
        parsed.invalid.append(change)
        return
    parsed.changes.append(change)


def parse_user_modes(text: str, parameters_max: int) -> tuple[ModeChange, ...]:
    """Parse a mode string for a user's own modes, which have no parameters."""
    changes: dict[str, ModeChange] = {}
    is_added = True
    for letter in text:
        if letter in "+-":
            is_added = letter == "+"
        else:
            changes[letter] = ModeChange(is_added, letter)
    return tuple(changes.values())[:parameters_max]


def pack_changes(changes: Iterable[ModeChange], bytes_max: int) -> Iterator[tuple[ModeChange, ...]]:
    """Group changes so that the parameters of each group fit into `bytes_max` bytes."""
    group: list[ModeChange] = []
    size = 0
    for change in changes:
        # A sign, the letter, a space and the parameter.
        needed = 3 + len(change.parameter.encode())
        if group and size + needed > bytes_max:
            yield tuple(group)
            group, size = [], 0
        group.append(change)
        size += needed
    if group:
        yield tuple(group)
