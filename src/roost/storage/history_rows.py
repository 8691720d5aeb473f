"""The layout of history on the disk.

    rows           clustered by (position, part, conversation): in the log's order, so that a write
                   appends and an export is one scan
    rows_messages  index by (conversation, position, part) of messages
    rows_kinds     index by (conversation, kind, position, part) of all other rows
    latest         the newest message of each conversation, by conversation and by owner and time

Times never decrease with positions, so a time is found by bisection, without an index. Indexes only
name rows: each row is then read from the table and verified.
"""

import sqlite3
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from roost.chat.history import POSITION_MAX, Row
from roost.chat.ids import Position
from roost.storage.checksums import row_checksum
from roost.storage.database import ROWS_PER_STATEMENT, Database, insert_many
from roost.storage.errors import CorruptRowsError

SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    position INTEGER NOT NULL, part INTEGER NOT NULL, conversation TEXT NOT NULL,
    time_ms INTEGER NOT NULL, kind INTEGER NOT NULL, peer TEXT NOT NULL, record BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (position, part, conversation)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rows_messages ON rows (conversation, position, part) WHERE kind = 0;
CREATE INDEX IF NOT EXISTS rows_kinds ON rows (conversation, kind, position, part) WHERE kind <> 0;
DROP INDEX IF EXISTS rows_events;
"""

COLUMNS = "conversation, position, part, time_ms, kind, peer, record, checksum"

CACHE_KIB = 16 * 1024
"""Pages kept in memory: the latest rows of some hundred busy conversations."""
CHECKPOINT_PAGES = 8000
"""A checkpoint after 32 MiB of write-ahead log: many commits change the same pages of the indexes,
which are then written into the file once."""
ROW_BYTES = 40
"""The size of an exported row without its texts and its record."""


def open_database(path: Path, schema: str) -> Database:
    """Open or create the file; see `Database`."""
    return Database(
        path,
        synchronous="NORMAL",
        schema=schema,
        cache_kib=CACHE_KIB,
        checkpoint_pages=CHECKPOINT_PAGES,
    )


def insert_rows(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Add rows; existing ones stay as they are.

    What a statement needs is made just before it, so that the event loop gets Python's lock often.
    """
    for first in range(0, len(rows), ROWS_PER_STATEMENT):
        some = [_columns(row) for row in rows[first : first + ROWS_PER_STATEMENT]]
        insert_many(connection, "rows", some, conflict="OR IGNORE")


def _columns(row: Row) -> tuple[Any, ...]:
    conversation, position, part, record = row.conversation, row.position, row.part, row.record
    time_ms, kind, peer = row.time_ms, row.kind, row.peer
    checksum = row_checksum(conversation, position, part, time_ms, kind, peer, record)
    return position, part, conversation, time_ms, kind, peer, record, checksum


def verified(columns: tuple[Any, ...]) -> Row | None:
    """Return the row in `COLUMNS`; None if its checksum is wrong."""
    *fields, checksum = columns
    try:
        if row_checksum(*fields) != checksum:
            return None
    except (struct.error, TypeError, AttributeError):
        return None
    return Row(*fields)


def read_row(
    connection: sqlite3.Connection, conversation: str, position: int, part: int
) -> Row | None:
    """Return the row that an index names; None if it is damaged or missing."""
    columns = connection.execute(
        f"SELECT {COLUMNS} FROM rows WHERE position = ? AND part = ? AND conversation = ?",  # noqa: S608
        (position, part, conversation),
    ).fetchone()
    return None if columns is None else verified(columns)


def first_position_at(connection: sqlite3.Connection, time_ms: int) -> int:
    """Return the position that splits the rows: those from it on are at `time_ms` or later.

    Raises:
        CorruptRowsError: a row on the way there is damaged.
    """
    ends = connection.execute(
        "SELECT (SELECT position FROM rows ORDER BY position LIMIT 1),"
        " (SELECT position FROM rows ORDER BY position DESC LIMIT 1)"
    ).fetchone()
    if ends == (None, None):
        return POSITION_MAX
    low, high = int(whole(ends[0])), whole(ends[1]) + 1
    while low < high:
        middle = (low + high) // 2
        columns = connection.execute(
            f"SELECT {COLUMNS} FROM rows WHERE position >= ? ORDER BY position LIMIT 1",  # noqa: S608
            (middle,),
        ).fetchone()
        if columns is None:
            high = middle
            continue
        row = verified(columns)
        if row is None:
            raise CorruptRowsError((whole(columns[1]),))
        if row.time_ms >= time_ms:
            high = middle
        else:
            low = row.position + 1
    return low


def size_of(row: Row) -> int:
    """Return about how many bytes a row takes on its way to a neighbour."""
    return ROW_BYTES + len(row.conversation) + len(row.peer) + len(row.record)


def whole(position: Any) -> Position:
    """Return a position; 0, where no row can be, if it is not a whole number."""
    return Position(position if isinstance(position, int) else 0)
