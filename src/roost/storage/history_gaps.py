"""How far rows are stored, which are missing, and where terms begin: arithmetic and records."""

import sqlite3
from typing import TypeAlias

import msgspec

from roost.chat.ids import Position
from roost.storage.records import write_record

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


def write_applied(connection: sqlite3.Connection, applied: Position) -> None:
    """Write the last position whose rows are stored."""
    write_record(connection, "applied", msgspec.json.encode(applied))


def write_gaps(connection: sqlite3.Connection, gaps: Gaps) -> None:
    """Write the ranges of positions whose rows are missing."""
    write_record(connection, "gaps", msgspec.json.encode(gaps))


def write_terms(connection: sqlite3.Connection, terms: Terms) -> None:
    """Write the terms of the entries that the rows come from."""
    write_record(connection, "terms", msgspec.json.encode(terms))
