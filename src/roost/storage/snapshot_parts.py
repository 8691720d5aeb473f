"""A snapshot on disk: a row that says what it is, and its bytes, in parts if they are many.

    table snapshot   position, term, time, checksum of everything; the bytes, if they are few
    table records    "snapshot <position> part <number> of <count>" -> some of the bytes

The parts are written in short transactions, so that no batch of the log waits long. They count from
the moment when the row is written. Those of other positions are left from earlier snapshots, or
from one that a crash interrupted, and are removed in the same way.
"""

import math
import sqlite3
from collections.abc import Callable, Iterator
from typing import cast

import msgspec

from roost.raft.messages import Configuration, Snapshot
from roost.storage.checksums import SNAPSHOT_KIND, entry_checksum
from roost.storage.database import Database
from roost.storage.records import delete_record, has_record, read_record, write_record

PART_BYTES = 512 * 1024
"""What one transaction writes, in some 5 ms."""
PARTS_REMOVED = 4
"""How many parts one transaction removes, which is quicker."""
ENTRIES_PER_STEP = 1000
"""How many entries one transaction drops, in some milliseconds."""
_CONFIGURATION = "configuration"
_NAMES = "name GLOB 'snapshot * part *'"


class Compaction:
    """Stores a snapshot, then drops the entries before `first_index`, in steps.

    Each step is a transaction, or changes one segment. One that fails has changed nothing, and can
    be repeated. Batches of the log may be written between two steps.
    """

    def __init__(
        self,
        database: Database,
        snapshot: Snapshot,
        first_index: int,
        drop_from_segments: Callable[[int], bool],
    ) -> None:
        """`drop_from_segments` drops entries before an index; it returns whether any are left."""
        self._database = database
        self._drop_from_segments = drop_from_segments
        self._snapshot = snapshot
        self._first_index = first_index
        self._count = part_count(snapshot)
        self._written = 0
        self._is_stored = False
        self._is_swept = False
        self._removed: list[str] | None = None
        self._has_emptied = False
        """Whether the database has no entries before `first_index` any more."""

    def step(self, stored_index: int) -> int:
        """Do the next step; return the position of the snapshot that is stored then.

        `stored_index` is the position of the one that is stored now. If that is no older, it came
        from the leader and has overtaken this one, which is dropped.
        """
        if not self._is_stored:
            if stored_index >= self._snapshot.index:
                self._is_stored = True
                self._first_index = 0
            elif self._written < self._count:
                with self._database.transaction() as connection:
                    _write_part(connection, self._snapshot, self._written, self._count)
                self._written += 1
            else:
                with self._database.transaction() as connection:
                    _write_head(connection, self._snapshot, self._count)
                self._is_stored = True
                stored_index = self._snapshot.index
        elif not self._is_swept:
            self._sweep(stored_index)
        else:
            self._drop_entries()
        return stored_index

    @property
    def is_done(self) -> bool:
        """Whether no step is left."""
        return self._is_stored and self._is_swept and self._first_index == 0

    def _sweep(self, stored_index: int) -> None:
        """Remove some parts that do not belong to the stored snapshot."""
        if self._removed is None:
            with self._database.guard() as connection:
                self._removed = list(_other_parts(connection, stored_index))
        if some := self._removed[-PARTS_REMOVED:]:
            with self._database.transaction() as connection:
                for name in some:
                    delete_record(connection, name)
            del self._removed[-PARTS_REMOVED:]
        self._is_swept = not self._removed

    def _drop_entries(self) -> None:
        if self._has_emptied:
            if not self._drop_from_segments(self._first_index):
                self._first_index = 0
            return
        with self._database.transaction() as connection:
            oldest = connection.execute("SELECT min(position) FROM entries").fetchone()[0]
            end = self._first_index
            if oldest is not None:
                end = min(end, oldest + ENTRIES_PER_STEP)
                connection.execute("DELETE FROM entries WHERE position < ?", (end,))
        if end == self._first_index:
            self._has_emptied = True
            self._database.truncate_log()


def write_snapshot(connection: sqlite3.Connection, snapshot: Snapshot) -> None:
    """Store a snapshot in place of the present one, within the caller's transaction."""
    count = part_count(snapshot)
    for number in range(count):
        _write_part(connection, snapshot, number, count)
    _write_head(connection, snapshot, count)
    for name in list(_other_parts(connection, snapshot.index)):
        delete_record(connection, name)


def read_snapshot(connection: sqlite3.Connection) -> tuple[int, int, int, bytes, int] | None:
    """Return position, term, time, bytes and checksum as they are on the disk; None without one.

    If a part is missing or damaged, the bytes end there.
    """
    row = connection.execute(
        "SELECT position, term, time_ms, data, checksum FROM snapshot"
    ).fetchone()
    if row is None:
        return None
    if row[3] != b"":
        return cast("tuple[int, int, int, bytes, int]", row)
    position, term, time_ms, _, checksum = row
    return position, term, time_ms, _read_parts(connection, position), checksum


class _At(msgspec.Struct, frozen=True, array_like=True):
    """A configuration, and the snapshot that it belongs to."""

    index: int
    configuration: Configuration


def _write_configuration(connection: sqlite3.Connection, snapshot: Snapshot) -> None:
    """Set who was in the group at a snapshot, within the caller's transaction."""
    if snapshot.configuration is None:
        delete_record(connection, _CONFIGURATION)
    else:
        value = msgspec.json.encode(_At(snapshot.index, snapshot.configuration))
        write_record(connection, _CONFIGURATION, value)


def read_configuration(connection: sqlite3.Connection, index: int) -> Configuration | None:
    """Return who was in the group at the snapshot; None if that was never written.

    Raises:
        ValueError: the record is damaged.
    """
    if not has_record(connection, _CONFIGURATION):
        return None
    value = read_record(connection, _CONFIGURATION)
    found = None if value is None else msgspec.json.decode(value, type=_At)
    if found is None or found.index != index:
        raise ValueError("it is of another snapshot, or has a wrong checksum")
    return found.configuration


def part_count(snapshot: Snapshot) -> int:
    """Return the number of parts; 0 for a snapshot that fits into its row."""
    size = len(snapshot.data)
    return math.ceil(size / PART_BYTES) if size > PART_BYTES else 0


def _write_part(
    connection: sqlite3.Connection, snapshot: Snapshot, number: int, count: int
) -> None:
    part = snapshot.data[number * PART_BYTES : (number + 1) * PART_BYTES]
    write_record(connection, _name(snapshot.index, number, count), part)


def _write_head(connection: sqlite3.Connection, snapshot: Snapshot, count: int) -> None:
    index, term, time_ms, data = snapshot.index, snapshot.term, snapshot.time_ms, snapshot.data
    checksum = entry_checksum(index, term, time_ms, SNAPSHOT_KIND, data)
    connection.execute(
        "INSERT OR REPLACE INTO snapshot VALUES (0, ?, ?, ?, ?, ?)",
        (index, term, time_ms, b"" if count else data, checksum),
    )
    _write_configuration(connection, snapshot)


def _read_parts(connection: sqlite3.Connection, position: int) -> bytes:
    names = [name for name in _part_names(connection) if _belongs(name, position)]
    if not names:
        return b""
    parts = []
    count = int(names[0].split()[-1])
    for number in range(count):
        part = read_record(connection, _name(position, number, count))
        if part is None:
            break
        parts.append(part)
    return b"".join(parts)


def _other_parts(connection: sqlite3.Connection, position: int) -> Iterator[str]:
    return (name for name in _part_names(connection) if not _belongs(name, position))


def _part_names(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(f"SELECT name FROM records WHERE {_NAMES}")  # noqa: S608
    return [name for (name,) in rows]


def _belongs(name: str, position: int) -> bool:
    return name.startswith(f"snapshot {position} part ")


def _name(position: int, number: int, count: int) -> str:
    return f"snapshot {position} part {number} of {count}"
