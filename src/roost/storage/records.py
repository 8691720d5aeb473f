"""Named values, each with its checksum, that a store keeps beside its tables."""

import sqlite3

from roost.storage.checksums import record_checksum

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    name TEXT PRIMARY KEY, value BLOB NOT NULL, checksum INTEGER NOT NULL
) WITHOUT ROWID;
"""


def read_record(connection: sqlite3.Connection, name: str) -> bytes | None:
    """Return a value; None if it is missing or damaged."""
    row = connection.execute(
        "SELECT value, checksum FROM records WHERE name = ?", (name,)
    ).fetchone()
    if row is None or not isinstance(row[0], bytes) or record_checksum(name, row[0]) != row[1]:
        return None
    return row[0]


def has_record(connection: sqlite3.Connection, name: str) -> bool:
    """Return whether there is such a value, damaged or not."""
    question = "SELECT 1 FROM records WHERE name = ?"
    return connection.execute(question, (name,)).fetchone() is not None


def write_record(connection: sqlite3.Connection, name: str, value: bytes) -> None:
    """Set a value, within the caller's transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO records VALUES (?, ?, ?)",
        (name, value, record_checksum(name, value)),
    )


def delete_record(connection: sqlite3.Connection, name: str) -> None:
    """Remove a value, within the caller's transaction."""
    connection.execute("DELETE FROM records WHERE name = ?", (name,))
