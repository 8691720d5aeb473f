"""One SQLite file with one connection, set up for what a node promises.

SQLite appends each transaction to a write-ahead log, `<file>-wal`, and copies the pages into the
file later, in a checkpoint. `synchronous` decides when a commit is durable:

FULL     A commit returns when the write-ahead log is fsynced. It takes exactly one fsync, apart
         from those of checkpoints.
NORMAL   A commit is only written. A power failure undoes the last commits, in order and as wholes;
         a killed process loses none.

Frames have chained checksums, so SQLite drops a torn transaction when it opens the file. On Linux,
fsync reaches the disk itself; macOS needs `fullfsync` for that, which is set. A failed fsync is
final and never repeated, because the kernel may have dropped the pages.

The file is locked exclusively. That saves SQLite its shared memory, and nothing can delay a
checkpoint. Any thread may use a store, but only one at a time.
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
"""A checkpoint after 8 MiB of write-ahead log: rare, and still only milliseconds of writing."""
ROWS_PER_STATEMENT = 128
"""Rows that one statement inserts, in some 0.3 ms."""
WAL_BYTES_KEPT = 64 * 1024 * 1024
"""The size to which a write-ahead log is cut back after a large snapshot."""

_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)
"""A quota shows as a failed write. Nothing was promised yet, so a retry is safe."""
_MALFORMED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY)
"""A file without write permission is not even opened, so read-only means a damaged header."""


class Database:
    """An open file that raises this package's errors."""

    def __init__(
        self,
        path: Path,
        *,
        synchronous: Literal["FULL", "NORMAL"],
        schema: str,
        cache_kib: int = 4096,
        checkpoint_pages: int = CHECKPOINT_PAGES,
    ) -> None:
        """Open or create the file; `schema` is run each time.

        Raises:
            MalformedError: it is damaged; it was moved aside.
            StorageError: it cannot be opened.
        """
        self.path = path
        self._is_open = False
        """Whether a transaction goes on."""
        try:
            # Only the node may read what people said; SQLite's other files get the same mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self.connection = sqlite3.connect(
                path, timeout=0, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"{path}: {error}") from error
        # Damaged text must not fail here, but reach the verification of its checksum.
        self.connection.text_factory = _decode
        try:
            with self.guard(is_checked=False):
                self._set_up(synchronous, cache_kib, checkpoint_pages)
                self._create(schema)
            fsync_directory(path.parent)
        except BaseException:
            self.close()
            raise

    def _set_up(self, synchronous: str, cache_kib: int, checkpoint_pages: int) -> None:
        for pragma in (
            "locking_mode = EXCLUSIVE",
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            "fullfsync = ON",
            f"wal_autocheckpoint = {checkpoint_pages}",
            f"journal_size_limit = {WAL_BYTES_KEPT}",
            "temp_store = MEMORY",
            "cell_size_check = ON",
            f"cache_size = -{cache_kib}",
            # What is deleted is overwritten, since somebody may want it to be gone. It costs the
            # log nothing that could be measured.
            "secure_delete = ON",
        ):
            answer = self.connection.execute(f"PRAGMA {pragma}").fetchall()
            if pragma.startswith("journal_mode") and answer != [("wal",)]:
                raise self.condemn("its header forbids a write-ahead log")

    def _create(self, schema: str) -> None:
        """Create the tables that are missing, and check the schema."""
        with contextlib.closing(sqlite3.connect(":memory:")) as example:
            for connection in (self.connection, example):
                for statement in filter(str.strip, schema.split(";")):
                    connection.execute(statement)
            question = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
            expected = example.execute(question).fetchall()
            if self.connection.execute(question).fetchall() != expected:
                raise self.condemn("its schema is not the expected one")

    @contextlib.contextmanager
    def guard(self, *, is_checked: bool = True) -> Iterator[sqlite3.Connection]:
        """Turn SQLite's errors into this package's; move a malformed file aside.

        Without `is_checked` (the schema), a statement that SQLite rejects means malformed, too.

        Raises:
            FullError, MalformedError, StorageError: as in `roost.storage.errors`.
        """
        try:
            yield self.connection
        except sqlite3.Error as error:
            # Errors from Python's own module have no code.
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
            if code in _FULL:
                raise FullError(f"{self.path}: {error}") from error
            if code & 0xFF in _MALFORMED or (code == sqlite3.SQLITE_ERROR and not is_checked):
                raise self.condemn(str(error)) from error
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            raise StorageError(f"{self.path}: {error} ({name})") from error
        except UnicodeDecodeError as error:
            # A column's name is damaged, in the file or quoted by an error.
            raise self.condemn(str(error)) from error

    @contextlib.contextmanager
    def transaction(self, *, stays_open: bool = False) -> Iterator[sqlite3.Connection]:
        """Store all changes of the block, or none.

        If it `stays_open`, the next block goes on with it; nothing is stored before that ends.

        Raises:
            FullError, MalformedError, StorageError: see `guard`; nothing was stored.
        """
        with self.guard() as connection:
            if not self._is_open:
                connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                if not stays_open:
                    connection.execute("COMMIT")
                self._is_open = stays_open
            except BaseException:
                self._is_open = False
                # After many errors SQLite has rolled back already.
                if connection.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def without_fsync(self) -> Iterator[None]:
        """Let transactions return when they are written, like those of a NORMAL database.

        The next one after that makes them durable, too: they are in the same write-ahead log.
        """
        with self.guard() as connection:
            connection.execute("PRAGMA synchronous = NORMAL")
        try:
            yield
        finally:
            with self.guard() as connection:
                connection.execute("PRAGMA synchronous = FULL")

    def used_bytes(self) -> int:
        """Return how much of the file is in use."""
        with self.guard() as connection:
            pages, free, size = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)

    def truncate_log(self) -> None:
        """Copy the write-ahead log into the file, and cut it: it may hold what was deleted."""
        with self.guard() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def condemn(self, reason: str) -> MalformedError:
        """Close the file and move it aside; return the error to raise."""
        self.close()
        return MalformedError(
            f"{self.path} is damaged ({reason}); it was moved to {_move(self.path)}"
        )

    def close(self) -> None:
        """Close the file; if that fails, SQLite recovers it when it is opened."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.close()


def insert_many(
    connection: sqlite3.Connection,
    table: str,
    rows: Sequence[tuple[Any, ...]],
    *,
    conflict: Literal["", "OR IGNORE"] = "",
    update: str = "",
) -> None:
    """Insert rows, all of the same length, with few statements; `update` is an upsert clause.

    Each statement releases Python's global lock and takes it again, and `executemany` runs one for
    each row: a thread that writes a hundred rows would wait for the event loop a hundred times.
    """
    done = 0
    while done < len(rows):
        # Powers of two, so that there are few different statements to prepare.
        count = min(ROWS_PER_STATEMENT, 1 << (len(rows) - done).bit_length() - 1)
        statement = _insertion(table, conflict, len(rows[0]), count, update)
        connection.execute(statement, list(chain.from_iterable(rows[done : done + count])))
        done += count


@lru_cache
def _insertion(table: str, conflict: str, columns: int, count: int, update: str) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"INSERT {conflict} INTO {table} VALUES {', '.join([row] * count)} {update}"  # noqa: S608


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
    """Rename a database and its write-ahead log, which would be applied to the next file."""
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
