"""One SQLite file with one connection, set up for what a node promises.

Write-ahead logging: a transaction is appended to `<file>-wal` and is committed by its last frame;
a checkpoint copies the pages into the file later. What is durable when depends on `synchronous`:

FULL     each commit fsyncs the write-ahead log before it returns: committed means durable, with
         exactly one fsync (a checkpoint now and then has its own).
NORMAL   a commit is only written. A power failure takes back the last commits, in order, whole;
         a killed process loses none.

A transaction that a crash tore is left out by SQLite when it opens the file: frames have a chained
checksum. On Linux fsync reaches the disk itself; macOS needs `fullfsync` for that, which is set.
A failed fsync is never tried again, for the kernel may have dropped the pages: it is final.

The file is locked exclusively, which saves SQLite its shared memory, and nobody can hold up a
checkpoint. A store may be used by any thread, but by one at a time.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from roost.ops.files import sync_directory
from roost.storage.errors import FullError, MalformedError, StorageError

CHECKPOINT_PAGES = 2000
"""A checkpoint after 8 MiB of write-ahead log: seldom, and still only milliseconds of writing."""
ROWS_PER_STATEMENT = 128
"""Inserted by one statement, in some 0.3 ms."""
WAL_BYTES_KEPT = 64 * 1024 * 1024
"""A write-ahead log that a large snapshot blew up is cut back to this."""

_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)
"""A quota shows as a failed write. Nothing was promised yet, so trying again is safe."""
_MALFORMED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY)
"""Without the right to write the file is not even opened: read-only is a damaged header."""


class Database:
    """An open file; errors come out as those of this package."""

    def __init__(
        self,
        path: Path,
        *,
        synchronous: Literal["FULL", "NORMAL"],
        schema: str,
        cache_kib: int = 4096,
    ) -> None:
        """Open or create the file; `schema` are statements that may be repeated.

        Raises:
            MalformedError: it is no sound database; it was moved aside.
            StorageError: it cannot be opened.
        """
        self.path = path
        try:
            # What people said is nobody's but the node's to read; the other files follow suit.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self.connection = sqlite3.connect(
                path, timeout=0, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"{path}: {error}") from error
        # A damaged text has to reach its checksum's verification, instead of failing before it.
        self.connection.text_factory = _decode
        try:
            with self.guard(is_checked=False):
                self._set_up(synchronous, cache_kib)
                self._create(schema)
            fsync_directory(path.parent)
        except BaseException:
            self.close()
            raise

    def _set_up(self, synchronous: str, cache_kib: int) -> None:
        for pragma in (
            "locking_mode = EXCLUSIVE",
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            "fullfsync = ON",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
            f"journal_size_limit = {WAL_BYTES_KEPT}",
            "temp_store = MEMORY",
            "cell_size_check = ON",
            f"cache_size = -{cache_kib}",
        ):
            answer = self.connection.execute(f"PRAGMA {pragma}").fetchall()
            if pragma.startswith("journal_mode") and answer != [("wal",)]:
                raise self.condemn("its header forbids a write-ahead log")

    def _create(self, schema: str) -> None:
        """Make the tables that are missing, and check that all are as they should be."""
        with contextlib.closing(sqlite3.connect(":memory:")) as example:
            for connection in (self.connection, example):
                for statement in filter(str.strip, schema.split(";")):
                    connection.execute(statement)
            question = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
            expected = example.execute(question).fetchall()
            if self.connection.execute(question).fetchall() != expected:
                raise self.condemn("its tables are not described as they should be")

    @contextlib.contextmanager
    def guard(self, *, is_checked: bool = True) -> Iterator[sqlite3.Connection]:
        """Turn SQLite's errors into ours; a file that proves malformed is moved aside.

        Until the tables are checked, a statement that SQLite does not understand means so too.

        Raises:
            FullError, MalformedError, StorageError: see there.
        """
        try:
            yield self.connection
        except sqlite3.Error as error:
            # Errors that Python's own module finds have no code.
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
            if code in _FULL:
                raise FullError(f"{self.path}: {error}") from error
            if code & 0xFF in _MALFORMED or (code == sqlite3.SQLITE_ERROR and not is_checked):
                raise self.condemn(str(error)) from error
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            raise StorageError(f"{self.path}: {error} ({name})") from error
        except UnicodeDecodeError as error:
            # Damaged names of columns, and errors that quote them.
            raise self.condemn(str(error)) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Store all of the block's changes, or nothing.

        Raises:
            FullError, MalformedError, StorageError: see `guard`; nothing was stored.
        """
        with self.guard() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # Many errors make SQLite roll back by itself.
                if connection.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        connection.execute("ROLLBACK")
                raise

    def condemn(self, reason: str) -> MalformedError:
        """Close the file and move it aside; gives the error to raise."""
        self.close()
        return MalformedError(f"{self.path} is damaged ({reason}) and now is {_move(self.path)}")

    def close(self) -> None:
        """Close the file; a file that cannot be closed in order is recovered when it is opened."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.close()


def insert_many(
    connection: sqlite3.Connection,
    table: str,
    rows: Sequence[tuple[Any, ...]],
    *,
    conflict: Literal["", "OR IGNORE"] = "",
) -> None:
    """Insert rows, all of the same length, with few statements.

    Python's lock is given up and taken back for each statement, and `executemany` runs one for
    each row: a thread that writes a hundred rows would wait a hundred times for the event loop.
    """
    done = 0
    while done < len(rows):
        # Powers of two, so that there are few different statements to be prepared.
        count = min(ROWS_PER_STATEMENT, 1 << (len(rows) - done).bit_length() - 1)
        statement = _insertion(table, conflict, len(rows[0]), count)
        connection.execute(statement, list(chain.from_iterable(rows[done : done + count])))
        done += count


@lru_cache
def _insertion(table: str, conflict: str, columns: int, count: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"INSERT {conflict} INTO {table} VALUES {', '.join([row] * count)}"  # noqa: S608


def fsync_directory(path: Path) -> None:
    """Make created, renamed and removed names in a directory durable.

    Raises:
        StorageError: it failed.
    """
    try:
        sync_directory(path)
    except OSError as error:
        raise StorageError(f"{path}: {error}") from error


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _move(path: Path) -> Path:
    """Rename a database and what belongs to it; a write-ahead log left behind would be applied."""
    number = 1
    while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    try:
        for suffix in ("-wal", "-shm", ""):
            with contextlib.suppress(FileNotFoundError):
                os.rename(f"{path}{suffix}", f"{aside}{suffix}")
    except OSError as error:
        raise StorageError(f"{path}: {error}") from error
    fsync_directory(path.parent)
    return aside
