"""Parses durations as operators type them."""

import re

_UNITS_S = {"": 60, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
"""A number without a unit means minutes, as on other servers."""
_SPAN = re.compile(r"([0-9]{1,9})([smhdwy]?)")
_DURATION = re.compile(r"(?:[0-9]{1,9}[smhdwy])+|[0-9]{1,9}")


def read_duration(text: str) -> int | None:
    """Parse "90", "1h30m" or "7d" as seconds; None if it is not a duration."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(int(number) * _UNITS_S[unit] for number, unit in _SPAN.findall(text))


def shown_span(seconds: int) -> str:
    """Return a duration in its largest unit that is whole, such as "30 days"."""
    for name, unit in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds % unit == 0:
            return f"{seconds // unit} {name}{'' if seconds == unit else 's'}"
    raise AssertionError("every duration is in whole seconds")
