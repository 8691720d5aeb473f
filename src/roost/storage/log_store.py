"""The replicated log on disk: what raft must not forget.

It holds the entries, the newest snapshot and the hard state, each record with its checksum, and a
marker of where the log ends that changes in the same transaction as the log. `load` verifies all
of it, cuts off what is damaged, and says so in the hard state (see `log_recovery`).

`write` is durable when it returns: one transaction and one fsync for all the batches that it is
given. A batch that a crash interrupts is there wholly or not at all.
"""

from collections.abc import Sequence
from typing import Self

import msgspec

from roost.raft.messages import Entry, HardState, Persist, Snapshot, Stored
from roost.storage import records
from roost.storage.checksums import SNAPSHOT_KIND, entry_checksum
from roost.storage.database import Database
from roost.storage.directory import DataDirectory
from roost.storage.errors import DirectoryError, MalformedError
from roost.storage.log_recovery import (
    read_hard_state,
    recover,
    store_recovery,
    write_hard_state,
    write_marker,
)
from roost.storage.witness import Marker, Witness

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    position INTEGER PRIMARY KEY, term INTEGER NOT NULL, time_ms INTEGER NOT NULL,
    kind INTEGER NOT NULL, data BLOB NOT NULL, checksum INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS snapshot (
    id INTEGER PRIMARY KEY CHECK (id = 0), position INTEGER NOT NULL, term INTEGER NOT NULL,
    time_ms INTEGER NOT NULL, data BLOB NOT NULL, checksum INTEGER NOT NULL
);
"""


class LogStore:
    """The file log.db; call `load` once, before anything else."""

    def __init__(self, directory: DataDirectory) -> None:
        self._directory = directory
        self._path = directory.path / "log.db"
        self._findings: list[str] = []
        self._marker = Marker()
        self._snapshot_index = 0
        try:
            self._witness = Witness(directory.path / "log.witness")
        except OSError as error:
            raise DirectoryError(f"{directory.path} cannot be written: {error}") from error
        try:
            self._database = self._open()
        except BaseException:
            self._witness.close()
            raise

    @classmethod
    def open(cls, directory: DataDirectory) -> Self:
        """Open the log of a data directory, or make an empty one.

        Raises:
            StorageError: it cannot be opened or made.
        """
        return cls(directory)

    @property
    def findings(self) -> tuple[str, ...]:
        """What was found to be wrong so far, in words."""
        return tuple(self._findings)

    def _open(self) -> Database:
        was_there = self._path.exists()
        if not was_there and self._directory.had_log:
            self._findings.append(f"{self._path} is missing")
        try:
            return self._prepare(was_there=was_there)
        except MalformedError as error:
            self._findings.append(str(error))
        return self._prepare(was_there=False)

    def _prepare(self, *, was_there: bool) -> Database:
        """Open the file; a new one gets its first records before anybody relies on it."""
        schema = _SCHEMA + records.SCHEMA
        database = Database(self._path, synchronous="FULL", schema=schema)
        try:
            if not was_there or self._is_blank(database):
                witnessed = self._witness.read() or Marker()
                with database.transaction() as connection:
                    write_hard_state(connection, self._first_hard_state(witnessed))
                    write_marker(connection, Marker(writes=witnessed.writes + 1))
            self._directory.note_log_created()
        except BaseException:
            database.close()
            raise
        return database

    def _is_blank(self, database: Database) -> bool:
        """Whether a crash left the file before it ever held anything."""
        if self._directory.had_log:
            return False
        with database.guard() as connection:
            return read_hard_state(connection) is None

    def _first_hard_state(self, witnessed: Marker) -> HardState:
        if self._directory.may_start_empty:
            return HardState()
        return HardState(
            term=witnessed.term,
            floor_term=witnessed.term,
            floor_index=witnessed.index,
            is_amnesiac=True,
        )

    def load(self) -> Stored:
        """Read the log, and repair what can be repaired without the neighbours.

        What is damaged is told in `findings`, and to raft by a floor or amnesia in the hard state.

        Raises:
            FullError: a repair could not be stored; it may be tried again.
            StorageError: the disk fails.
        """
        try:
            return self._load()
        except MalformedError as error:
            self._findings.append(str(error))
        self._database = self._prepare(was_there=False)
        return self._load()

    def _load(self) -> Stored:
        with self._database.guard() as connection:
            recovery = recover(connection, self._witness.read())
        self._marker = recovery.marker
        if recovery.findings:
            with self._database.transaction() as connection:
                self._marker = store_recovery(connection, recovery)
            self._findings.extend(recovery.findings)
        self._witness.note(self._marker)
        snapshot = recovery.stored.snapshot
        self._snapshot_index = snapshot.index if snapshot is not None else 0
        return recovery.stored

    def write(self, batches: Sequence[Persist]) -> None:
        """Make batches durable, in order, with one transaction.

        Raises:
            FullError: there is no room; nothing is stored, the same call may be repeated.
            StorageError: the disk fails; what it holds is unknown.
        """
        marker = self._marker
        snapshot_index = self._snapshot_index
        hard_state: HardState | None = None
        with self._database.transaction() as connection:
            for batch in batches:
                if batch.snapshot is not None:
                    connection.execute("DELETE FROM entries")
                    self._put_snapshot(batch.snapshot)
                    snapshot_index = batch.snapshot.index
                    marker = _marked(marker, batch.snapshot)
                if batch.entries:
                    self._append(batch.entries, marker.index)
                    marker = _marked(marker, batch.entries[-1])
                if batch.hard_state is not None:
                    hard_state = batch.hard_state
            if hard_state is not None:
                write_hard_state(connection, hard_state)
            marker = msgspec.structs.replace(marker, writes=marker.writes + 1)
            write_marker(connection, marker)
        self._marker = marker
        self._snapshot_index = snapshot_index
        self._witness.note(marker)

    def compact(self, snapshot: Snapshot, first_index: int) -> None:
        """Store a snapshot of what the log holds, and drop the entries before `first_index`.

        A snapshot older than the stored one is ignored: one from the leader overtook it.

        Raises:
            FullError: there is no room; nothing is changed, the same call may be repeated.
            StorageError: the disk fails; what it holds is unknown.
        """
        if snapshot.index <= self._snapshot_index:
            return
        assert snapshot.index <= self._marker.index, "a snapshot of entries that are not stored"
        assert first_index <= snapshot.index + 1, "the log must go on from the snapshot"
        with self._database.transaction() as connection:
            self._put_snapshot(snapshot)
            connection.execute("DELETE FROM entries WHERE position < ?", (first_index,))
        self._snapshot_index = snapshot.index

    def close(self) -> None:
        """Close the files; everything written is durable already."""
        self._database.close()
        self._witness.close()

    def _append(self, entries: Sequence[Entry], last_index: int) -> None:
        """Replace the log from the first entry's index on."""
        first = entries[0].index
        assert first <= last_index + 1, "a hole in the log"
        connection = self._database.connection
        if first <= last_index:
            connection.execute("DELETE FROM entries WHERE position >= ?", (first,))
        connection.executemany(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)",
            [
                (index, term, time_ms, kind, data, entry_checksum(index, term, time_ms, kind, data))
                for index, term, time_ms, kind, data in map(_fields, entries)
            ],
        )

    def _put_snapshot(self, snapshot: Snapshot) -> None:
        index, term, time_ms, data = snapshot.index, snapshot.term, snapshot.time_ms, snapshot.data
        checksum = entry_checksum(index, term, time_ms, SNAPSHOT_KIND, data)
        self._database.connection.execute(
            "INSERT OR REPLACE INTO snapshot VALUES (0, ?, ?, ?, ?, ?)",
            (index, term, time_ms, data, checksum),
        )


_fields = msgspec.structs.astuple


def _marked(marker: Marker, last: Entry | Snapshot) -> Marker:
    return Marker(marker.writes, last.index, last.term)
