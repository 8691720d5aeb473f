"""Ranges of positions whose rows are missing, and where terms begin: plain arithmetic."""

from typing import TypeAlias

from roost.chat.ids import Position

Gaps: TypeAlias = tuple[tuple[Position, Position], ...]
"""Both ends included, in order."""
Terms: TypeAlias = tuple[tuple[Position, int], ...]
"""Each term with its first position."""


def terms_before(terms: Terms, first: Position) -> Terms:
    """Return the terms that begin before a position."""
    return tuple(begin for begin in terms if begin[0] < first)


def without(gaps: Gaps, first: Position, last: Position) -> Gaps:
    """Return gaps without a range of positions."""
    left: list[tuple[Position, Position]] = []
    for start, end in gaps:
        if end < first or last < start:
            left.append((start, end))
            continue
        if start < first:
            left.append((start, Position(first - 1)))
        if last < end:
            left.append((Position(last + 1), end))
    return tuple(left)
