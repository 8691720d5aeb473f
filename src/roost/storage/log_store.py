"""The replicated log on disk: what Raft must not forget.

    log.db        the newest snapshot; until the cluster has version 2, everything else, too
    log/          segments: entries, hard state, positions, and a marker of where the log ends
    log.witness   the last durable write, noted beside them

A log moves into segments with the first write after the directory's format allows that: an older
program would not find it there. The entries that it has by then stay in the database until they are
dropped. Segments count because the database has their id. So a snapshot of the leader, which
replaces the whole log, is one transaction: the snapshot and the id of new segments.

`load` verifies everything, cuts off what is damaged, and records that in the hard state (see
`log_recovery`). `write` returns when all its batches are durable, after one write and one fsync;
batches that are all lazy are only written. After a crash, all batches of a call are there, or none.
"""

import contextlib
import sqlite3
from collections.abc import Sequence

import msgspec

from roost.raft.messages import Entry, HardState, Persist, Position, Snapshot, Stored
from roost.storage import records
from roost.storage.checksums import entry_checksum
from roost.storage.database import Database, insert_many
from roost.storage.directory import DataDirectory
from roost.storage.errors import DirectoryError, FullError, MalformedError
from roost.storage.log_changes import Change, change_of
from roost.storage.log_recovery import (
    Recovery,
    read_hard_state,
    recover,
    write_hard_state,
    write_marker,
    write_positions,
    write_segments,
)
from roost.storage.segment_records import Found, Record
from roost.storage.segments import Segments, move_aside
from roost.storage.snapshot_parts import Compaction, write_snapshot
from roost.storage.witness import Marker, Witness

SEGMENTS_SINCE = 2
"""The format of the data directory, and so the version of the cluster, that has segments."""

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
    """The log of a data directory; call `load` once, before anything else.

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
        self._hard_state = HardState()
        self._positions: tuple[Position, ...] = ()
        self._snapshot_index = 0
        self._segments: Segments | None = None
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
        """Write a new file, which has everything; segments may only belong to a former one."""
        aside = move_aside(self._directory.path / "log")
        if aside is not None:
            self._findings.append(f"the segments of the log were moved to {aside}")
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

        `findings` says what is damaged; a floor or amnesia in the hard state tells Raft. Damaged
        files are moved aside, and the sound records go into new ones: where records are damaged,
        the tree that holds them may be, too.
        """
        try:
            with self._database.guard() as connection:
                recovery = recover(connection, self._witness.read(), self._read_segments)
        except MalformedError as error:
            self._findings.append(str(error))
            recovery = self._nothing()
            self._database = self._make(recovery)
        if recovery.findings:
            self._findings.extend(recovery.findings)
            self._findings.append(str(self._database.condemn("see above")))
            self._segments = None
            self._database = self._make(recovery)
        elif self._segments is not None:
            self._segments.resume()
        self._marker = recovery.marker
        self._witness.note(self._marker)
        self._hard_state = recovery.stored.hard_state
        self._positions = recovery.stored.positions
        snapshot = recovery.stored.snapshot
        self._snapshot_index = snapshot.index if snapshot is not None else 0
        return recovery.stored

    def _read_segments(self, log: bytes) -> Sequence[Found]:
        self._segments = Segments(self._directory.path / "log", log)
        return self._segments.read()

    def write(self, batches: Sequence[Persist]) -> None:
        """Make batches durable, in order, with one write; lazy ones need not be."""
        if self._segments is None and self._directory.format >= SEGMENTS_SINCE:
            self._replace_segments(None, Record(self._marker, self._hard_state))
        change = change_of(batches, self._marker)
        if self._segments is None:
            self._write_database(change)
        elif change.snapshot is not None:
            self._replace_segments(change.snapshot, self._record_of(change))
        else:
            positions = self._positions if change.positions is None else change.positions
            self._segments.append(self._record_of(change), positions, is_lazy=change.is_lazy)
        self._marker = change.marker
        if change.hard_state is not None:
            self._hard_state = change.hard_state
        if change.positions is not None:
            self._positions = change.positions
        if change.snapshot is not None:
            self._snapshot_index = change.snapshot.index
        if not change.is_lazy:
            # What was written lazily may vanish.
            self._witness.note(change.marker)

    def _record_of(self, change: Change) -> Record:
        return Record(
            change.marker,
            change.hard_state or self._hard_state,
            change.entries,
            change.previous_term,
            change.positions,
        )

    def _replace_segments(self, snapshot: Snapshot | None, record: Record) -> None:
        """Begin the log anew with a record, after a snapshot, or after what the database has."""
        record = msgspec.structs.replace(
            record, positions=self._positions if record.positions is None else record.positions
        )
        segments = Segments.create(self._directory.path / "log", record)
        try:
            with self._database.transaction() as connection:
                if snapshot is not None:
                    connection.execute("DELETE FROM entries")
                    write_snapshot(connection, snapshot)
                write_segments(connection, segments.id)
        except FullError:
            segments.abandon()
            raise
        except BaseException:
            # Nobody knows which segments count until the next start.
            segments.close()
            raise
        if self._segments is not None:
            self._segments.close()
        self._segments = segments
        if snapshot is not None:
            self._database.truncate_log()
        segments.remove_others()

    def _write_database(self, change: Change) -> None:
        is_lazy = change.is_lazy
        with (
            self._database.without_fsync() if is_lazy else contextlib.nullcontext(),
            self._database.transaction() as connection,
        ):
            if change.snapshot is not None:
                connection.execute("DELETE FROM entries")
                write_snapshot(connection, change.snapshot)
            if change.entries:
                first = change.entries[0].index
                if first <= self._marker.index:
                    connection.execute("DELETE FROM entries WHERE position >= ?", (first,))
                _insert_entries(connection, change.entries)
            if change.hard_state is not None:
                write_hard_state(connection, change.hard_state)
            if change.positions is not None:
                write_positions(connection, change.positions)
            write_marker(connection, change.marker)
        if change.snapshot is not None:
            self._database.truncate_log()

    def begin_compaction(self, snapshot: Snapshot, first_index: int) -> Compaction:
        """Return how to store a snapshot and drop the entries before `first_index`, in steps."""
        assert first_index <= snapshot.index + 1, "the log must go on from the snapshot"
        is_overtaken = snapshot.index <= self._snapshot_index
        is_stored = snapshot.index <= self._marker.index
        assert is_stored or is_overtaken, "a snapshot of entries that are not stored"
        return Compaction(self._database, snapshot, first_index, self._drop_from_segments)

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

    def _drop_from_segments(self, first_index: int) -> bool:
        return self._segments is not None and self._segments.drop_before(first_index)

    def close(self) -> None:
        """Close the files. Everything written is durable already."""
        if self._segments is not None:
            self._segments.close()
        self._database.close()
        self._witness.close()


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
