"""The replicated log on disk: what Raft must not forget.

It holds the entries, the newest snapshot and the hard state, each record with its checksum. A
marker of where the log ends changes in the same transaction as the log. `load` verifies everything,
cuts off what is damaged, and records that in the hard state (see `log_recovery`).

`write` returns when all its batches are durable, after one transaction and one fsync; batches that
are all lazy are only written. After a crash, a batch is there as a whole or not at all.
"""

import contextlib
import sqlite3
from collections.abc import Sequence

import msgspec

from roost.raft.messages import Entry, HardState, Persist, Snapshot, Stored
from roost.storage import records
from roost.storage.checksums import entry_checksum
from roost.storage.database import Database, insert_many
from roost.storage.directory import DataDirectory
from roost.storage.errors import DirectoryError, MalformedError
from roost.storage.log_recovery import (
    Recovery,
    read_hard_state,
    recover,
    write_hard_state,
    write_marker,
    write_positions,
)
from roost.storage.snapshot_parts import Compaction, write_snapshot
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
    """The file log.db; call `load` once, before anything else.

    Raises:
        FullError: the disk is full. Nothing was changed, and the call can be repeated.
        StorageError: it cannot be opened, or the disk fails and what it holds is unknown.
    """

    def __init__(self, directory: DataDirectory) -> None:
        """Open the log of a data directory, or create an empty one."""
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

    @property
    def findings(self) -> tuple[str, ...]:
        """What was found to be damaged so far, in words."""
        return tuple(self._findings)

    def _open(self) -> Database:
        if not self._path.exists():
            if self._directory.had_log:
                self._findings.append(f"{self._path} is missing")
            return self._make(self._nothing())
        try:
            database = self._connect()
            try:
                if self._is_blank(database):
                    self._fill(database, self._nothing())
                self._directory.note_log_created()
            except BaseException:
                database.close()
                raise
        except MalformedError as error:
            self._findings.append(str(error))
            return self._make(self._nothing())
        return database

    def _connect(self) -> Database:
        return Database(self._path, synchronous="FULL", schema=_SCHEMA + records.SCHEMA)

    def _make(self, content: Recovery) -> Database:
        database = self._connect()
        try:
            self._fill(database, content)
            self._directory.note_log_created()
        except BaseException:
            database.close()
            raise
        return database

    def _fill(self, database: Database, content: Recovery) -> None:
        """Write the first records into an empty file."""
        stored = content.stored
        with database.transaction() as connection:
            if stored.snapshot is not None:
                write_snapshot(connection, stored.snapshot)
            _insert_entries(connection, stored.entries)
            write_hard_state(connection, stored.hard_state)
            write_positions(connection, stored.positions)
            write_marker(connection, content.marker)

    def _nothing(self) -> Recovery:
        """Return an empty log: of a new cluster, or of a node that lost everything."""
        witnessed = self._witness.read() or Marker()
        hard_state = HardState()
        if not self._directory.may_start_empty:
            hard_state = HardState(
                term=witnessed.term,
                floor_term=witnessed.term,
                floor_index=witnessed.index,
                is_amnesiac=True,
            )
        return Recovery(
            stored=Stored(hard_state, None, ()),
            marker=Marker(writes=witnessed.writes + 1),
            findings=(),
        )

    def _is_blank(self, database: Database) -> bool:
        """Return whether a crash left the file before it held anything."""
        if self._directory.had_log:
            return False
        with database.guard() as connection:
            return read_hard_state(connection) is None

    def load(self) -> Stored:
        """Read the log, and repair what can be repaired without the neighbours.

        `findings` says what is damaged; a floor or amnesia in the hard state tells Raft. A damaged
        file is moved aside, and its sound records go into a new one: where records are damaged,
        the tree that holds them may be, too.
        """
        try:
            with self._database.guard() as connection:
                recovery = recover(connection, self._witness.read())
        except MalformedError as error:
            self._findings.append(str(error))
            recovery = self._nothing()
            self._database = self._make(recovery)
        if recovery.findings:
            self._findings.extend(recovery.findings)
            self._findings.append(str(self._database.condemn("see above")))
            self._database = self._make(recovery)
        self._marker = recovery.marker
        self._witness.note(self._marker)
        snapshot = recovery.stored.snapshot
        self._snapshot_index = snapshot.index if snapshot is not None else 0
        return recovery.stored

    def write(self, batches: Sequence[Persist]) -> None:
        """Make batches durable, in order, with one transaction; lazy ones need not be."""
        is_lazy = all(batch.is_lazy for batch in batches)
        with self._database.without_fsync() if is_lazy else contextlib.nullcontext():
            self._write(batches, is_lazy=is_lazy)

    def _write(self, batches: Sequence[Persist], *, is_lazy: bool) -> None:
        marker = self._marker
        snapshot_index = self._snapshot_index
        hard_state: HardState | None = None
        with self._database.transaction() as connection:
            for batch in batches:
                if batch.snapshot is not None:
                    connection.execute("DELETE FROM entries")
                    write_snapshot(connection, batch.snapshot)
                    snapshot_index = batch.snapshot.index
                    marker = _marked(marker, batch.snapshot)
                if batch.entries:
                    self._append(batch.entries, marker.index)
                    marker = _marked(marker, batch.entries[-1])
                if batch.hard_state is not None:
                    hard_state = batch.hard_state
                if batch.positions is not None:
                    write_positions(connection, batch.positions)
            if hard_state is not None:
                write_hard_state(connection, hard_state)
            if not is_lazy:
                marker = msgspec.structs.replace(marker, writes=marker.writes + 1)
            write_marker(connection, marker)
        if snapshot_index != self._snapshot_index:
            self._database.truncate_log()
        self._marker = marker
        self._snapshot_index = snapshot_index
        if not is_lazy:
            # What was written lazily may vanish.
            self._witness.note(marker)

    def begin_compaction(self, snapshot: Snapshot, first_index: int) -> Compaction:
        """Return how to store a snapshot and drop the entries before `first_index`, in steps."""
        assert first_index <= snapshot.index + 1, "the log must go on from the snapshot"
        is_overtaken = snapshot.index <= self._snapshot_index
        is_stored = snapshot.index <= self._marker.index
        assert is_stored or is_overtaken, "a snapshot of entries that are not stored"
        return Compaction(self._database, snapshot, first_index)

    def step(self, compaction: Compaction) -> bool:
        """Do the next step of a compaction, with one transaction; return whether one is left.

        A snapshot older than the stored one is dropped: one from the leader overtook it.
        """
        self._snapshot_index = compaction.step(self._snapshot_index)
        return not compaction.is_done

    def compact(self, snapshot: Snapshot, first_index: int) -> None:
        """Do all steps of a compaction."""
        compaction = self.begin_compaction(snapshot, first_index)
        while self.step(compaction):
            pass

    def close(self) -> None:
        """Close the files. Everything written is durable already."""
        self._database.close()
        self._witness.close()

    def _append(self, entries: Sequence[Entry], last_index: int) -> None:
        """Replace the log from the first entry's index on."""
        first = entries[0].index
        assert first <= last_index + 1, "a hole in the log"
        connection = self._database.connection
        if first <= last_index:
            connection.execute("DELETE FROM entries WHERE position >= ?", (first,))
        _insert_entries(connection, entries)


def _insert_entries(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    insert_many(
        connection,
        "entries",
        [
            (index, term, time_ms, kind, data, entry_checksum(index, term, time_ms, kind, data))
            for index, term, time_ms, kind, data in map(_fields, entries)
        ],
    )


_fields = msgspec.structs.astuple


def _marked(marker: Marker, last: Entry | Snapshot) -> Marker:
    return Marker(marker.writes, last.index, last.term)
