"""How history lies on the disk.

    rows          clustered by (position, part, conversation): the log's order, so that writing
                  appends and a neighbour's question is one scan
    rows_messages of (conversation, position, part), for what everybody is shown
    rows_events   likewise, for what is shown on request; a row is in one of the two
    latest        the newest message of each conversation, by conversation and by owner and time

Times never decrease with positions, so that a time is found by halving, without an index. The
indexes are only trusted to name rows: each row is then read from the table and verified.
"""

import sqlite3
import struct
from collections.abc import Iterable
from typing import Any

from roost.chat.history import Row
from roost.chat.ids import Position
from roost.storage.checksums import row_checksum
from roost.storage.database import insert_many
from roost.storage.errors import CorruptRowsError

SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    position INTEGER NOT NULL, part INTEGER NOT NULL, conversation TEXT NOT NULL,
    time_ms INTEGER NOT NULL, kind INTEGER NOT NULL, peer TEXT NOT NULL, record BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (position, part, conversation)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rows_messages ON rows (conversation, position, part) WHERE kind = 0;
CREATE INDEX IF NOT EXISTS rows_events ON rows (conversation, position, part) WHERE kind <> 0;
"""

COLUMNS = "conversation, position, part, time_ms, kind, peer, record, checksum"

POSITION_MAX = 2**63 - 1
"""After every row."""


def insert_rows(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Add rows; those that exist stay as they are."""
    insert_many(
        connection,
        "rows",
        [
            (
                row.position,
                row.part,
                row.conversation,
                row.time_ms,
                row.kind,
                row.peer,
                row.record,
                row_checksum(
                    row.conversation,
                    row.position,
                    row.part,
                    row.time_ms,
                    row.kind,
                    row.peer,
                    row.record,
                ),
            )
            for row in rows
        ],
        conflict="OR IGNORE",
    )


def verified(columns: tuple[Any, ...]) -> Row | None:
    """Make a row of `COLUMNS`; None when it does not have its checksum."""
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
    """Read the row that an index names; None when it is damaged or not there."""
    columns = connection.execute(
        f"SELECT {COLUMNS} FROM rows WHERE position = ? AND part = ? AND conversation = ?",  # noqa: S608
        (position, part, conversation),
    ).fetchone()
    return None if columns is None else verified(columns)


def first_position_at(connection: sqlite3.Connection, time_ms: int) -> int:
    """Give a position that splits the rows: those from it on are at `time_ms` or later.

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


def whole(position: Any) -> Position:
    """Give a position as it was found; 0, where no row can be, when it is no whole number."""
    return Position(position if isinstance(position, int) else 0)
