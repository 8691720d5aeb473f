"""Finds where the history that a room keeps begins, and drops what is before."""

import sqlite3

from roost.chat.history import POSITION_MAX
from roost.chat.ids import Position
from roost.storage.history_rows import COLUMNS, first_position_at, whole

ROWS_PER_STEP = 500
"""Rows dropped in one transaction, with their entries in the index for searching: some 15 ms."""


def find_kept(
    connection: sqlite3.Connection, conversation: str, older_ms: int, messages: int
) -> Position:
    """Return the position before which a conversation has rows that are not to be kept; 0 for none.

    These are older than a time, or older than the last so many messages (0: any number).

    Raises:
        CorruptRowsError: a row on the way there is damaged.
    """
    first = Position(0)
    if older_ms:
        first = Position(first_position_at(connection, older_ms))
    if messages:
        found = connection.execute(
            "SELECT position FROM rows INDEXED BY rows_messages WHERE conversation = ? AND kind = 0"
            " ORDER BY position DESC, part DESC LIMIT 1 OFFSET ?",
            (conversation, messages - 1),
        ).fetchone()
        if found is not None:
            first = max(first, whole(found[0]))
    if not first or first >= POSITION_MAX:
        first = _after_all(connection) if first else Position(0)
    return first if _oldest(connection, conversation, first, 1) else Position(0)


def _after_all(connection: sqlite3.Connection) -> Position:
    last = connection.execute("SELECT max(position) FROM rows").fetchone()[0]
    return Position(0) if last is None else Position(whole(last) + 1)


def take_oldest(
    connection: sqlite3.Connection, conversation: str, before: Position
) -> list[tuple[int, int]]:
    """Return the places of some rows to drop of a conversation: position and part."""
    found = _oldest(connection, conversation, before, ROWS_PER_STEP)
    return [(whole(columns[1]), whole(columns[2])) for columns in found]


def _oldest(
    connection: sqlite3.Connection, conversation: str, before: Position, limit: int
) -> list[tuple[object, ...]]:
    places: list[tuple[int, int]] = []
    for index, kinds in (("rows_messages", "kind = 0"), ("rows_kinds", "kind <> 0")):
        places += connection.execute(
            f"SELECT position, part FROM rows INDEXED BY {index}"  # noqa: S608
            f" WHERE conversation = ? AND {kinds} AND position < ? LIMIT ?",
            (conversation, before, limit),
        ).fetchall()
    found = []
    for place in sorted(places)[:limit]:
        found += connection.execute(
            f"SELECT {COLUMNS} FROM rows"  # noqa: S608
            " WHERE position = ? AND part = ? AND conversation = ?",
            (*place, conversation),
        ).fetchall()
    return found
