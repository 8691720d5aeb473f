"""Which rows a node drops first, and from where on it holds them all.

The oldest go first, some at a time, because queries wait for a transaction. What is before `Held`
is not missing: others have it, or it is older than anybody keeps.
"""

import itertools
import sqlite3
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from roost.chat.history import Held, Row
from roost.chat.holes import Hole
from roost.chat.ids import Position
from roost.storage.history_rows import COLUMNS, verified, whole
from roost.storage.records import has_record, read_record, write_record

ROWS_PER_STEP = 500
"""Rows dropped in one transaction, with their entries in the index for searching: some 15 ms."""

_NAME = "held"
_HOLES = "holes"


class Oldest(NamedTuple):
    """What is dropped in one step."""

    rows: tuple[Row, ...]
    """The sound ones."""
    end: Position
    """All rows before this position are dropped; 0 for none."""
    is_last: bool
    """Whether what remains is not to be dropped."""


def find_oldest(connection: sqlite3.Connection, before: Position, older_ms: int) -> Oldest:
    """Return what to drop of the rows before a position that are older than a time.

    A damaged row is as old as the sound one after it.
    """
    found = connection.execute(
        f"SELECT {COLUMNS} FROM rows WHERE position < ?"  # noqa: S608
        " ORDER BY position, part, conversation LIMIT ?",
        (before, ROWS_PER_STEP),
    ).fetchall()
    groups = [(whole(place), list(group)) for place, group in itertools.groupby(found, _place)]
    is_cut = len(found) == ROWS_PER_STEP
    if is_cut and len(groups) > 1:
        # There may be more rows of the last position.
        groups.pop()
    rows: list[Row] = []
    end = Position(0)
    is_known = True
    for position, columns in groups:
        sound = [row for row in map(verified, columns) if row is not None]
        if any(row.time_ms >= older_ms for row in sound):
            return Oldest(tuple(rows), position if rows and is_known else end, is_last=True)
        is_known = bool(sound)
        if sound:
            rows += sound
            end = Position(position + 1)
    if is_cut:
        return Oldest(tuple(rows), end, is_last=not rows)
    return Oldest(tuple(rows), before if rows else Position(0), is_last=True)


_place = itemgetter(1)


def read_held(connection: sqlite3.Connection, findings: list[str]) -> Held:
    """Return from where on rows are held; find out from the rows if the record is damaged."""
    value = read_record(connection, _NAME)
    if value is not None:
        return msgspec.json.decode(value, type=Held)
    if not has_record(connection, _NAME):
        return Held()
    findings.append("the record of where this node's history begins was damaged")
    oldest: Any = connection.execute(
        f"SELECT {COLUMNS} FROM rows ORDER BY position"  # noqa: S608
    )
    first = next((row for row in map(verified, oldest) if row is not None), None)
    held = Held() if first is None else Held(first.position, first.time_ms)
    write_held(connection, held)
    return held


def write_held(connection: sqlite3.Connection, held: Held) -> None:
    """Note from where on rows are held, within the caller's transaction."""
    write_record(connection, _NAME, msgspec.json.encode(held))


def read_holes(connection: sqlite3.Connection) -> tuple[Hole, ...] | None:
    """Return what nobody has any more; None if the record is damaged."""
    value = read_record(connection, _HOLES)
    if value is not None:
        return msgspec.json.decode(value, type=tuple[Hole, ...])
    return None if has_record(connection, _HOLES) else ()


def write_holes(connection: sqlite3.Connection, holes: tuple[Hole, ...]) -> None:
    """Note what nobody has any more, within the caller's transaction."""
    if holes or has_record(connection, _HOLES):
        write_record(connection, _HOLES, msgspec.json.encode(holes))
