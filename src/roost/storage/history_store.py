"""The history on disk: stores rows, answers queries, and gives rows to neighbours.

Rows come from applied log entries and never change; every node has the same ones. `applied` changes
in the same transaction as the rows, so the two always agree. Commits are not fsynced one by one:
the log still has what a power failure undoes, as long as `sync` is called before the log is
compacted.

A damaged row is never returned. The caller gets its position, fetches all rows of that position
from a neighbour, and has them replaced by `import_rows`.
"""

import contextlib
import itertools
import sqlite3
from collections.abc import Sequence
from operator import itemgetter

import msgspec

from roost.chat.history import (
    EVERYTHING,
    POSITION_MAX,
    Answer,
    Held,
    Page,
    Query,
    Row,
    Search,
    Span,
)
from roost.chat.holes import Hole, holes_from, holes_until, holes_without, with_hole
from roost.chat.ids import AccountId, Position
from roost.chat.state import Erasure
from roost.storage import history_redactions, history_rows, history_targets, records
from roost.storage.database import Database
from roost.storage.directory import DataDirectory
from roost.storage.errors import CorruptRowsError, FullError, MalformedError, StorageError
from roost.storage.history_batch import Batch
from roost.storage.history_erasures import Erasures
from roost.storage.history_gaps import (
    Gaps,
    Terms,
    terms_before,
    without,
    write_applied,
    write_gaps,
    write_terms,
)
from roost.storage.history_pages import read_page
from roost.storage.history_port import Unindexed
from roost.storage.history_redactions import is_noted_from, unredact
from roost.storage.history_rooms import find_kept, take_oldest
from roost.storage.history_rows import (
    COLUMNS,
    first_position_at,
    open_database,
    size_of,
    verified,
    whole,
)
from roost.storage.history_targets import forget_latest, read_targets
from roost.storage.history_trimming import (
    find_oldest,
    read_held,
    read_holes,
    write_held,
    write_holes,
)
from roost.storage.records import read_record
from roost.storage.search_index import SearchIndex
from roost.storage.search_results import read_found

CHECKED_BYTES_MAX = 256 * 1024 * 1024
"""A file up to this size (over a million rows) is checked as a whole when it is opened, which takes
about a second. In a larger one, damage is found when it is read."""
DAMAGED_MAX = 1000
"""Damaged positions in one export; the next one has further ones."""
MISPLACED = "a row lies where none can be"
"""No neighbour can repair that: even the row's place is damaged."""


class HistoryStore:
    """The file history.db.

    Raises:
        FullError: the disk is full. Nothing was changed, and the call can be repeated.
        StorageError: it cannot be opened, or the disk fails.
    """

    def __init__(self, directory: DataDirectory) -> None:
        """Open the history of a data directory, or create an empty one."""
        self._path = directory.path / "history.db"
        self._findings: list[str] = []
        self._database, self._applied, self._gaps = self._open()
        self._terms = self._read_terms()
        self._held = self._read_held()
        self._holes = self._read_holes()
        with self._database.guard() as connection:
            self._erasures = Erasures(connection)
        self._index = SearchIndex(directory.path / "search.db")
        self._batch = Batch(self._index.remove)

    @property
    def findings(self) -> tuple[str, ...]:
        """What was found to be damaged when it was opened, in words."""
        return tuple(self._findings)

    @property
    def applied(self) -> Position:
        """The last position whose rows are stored."""
        return self._applied

    @property
    def held(self) -> Held:
        """From where on this store has all rows that are not missing."""
        return self._held

    @property
    def holes(self) -> tuple[Hole, ...]:
        """What nobody has any more of what comes later."""
        return self._holes

    @property
    def erased(self) -> tuple[AccountId, ...]:
        """The accounts of which nothing is left."""
        return self._erasures.done

    def _open(self) -> tuple[Database, Position, Gaps]:
        try:
            return self._read()
        except MalformedError as error:
            self._findings.append(str(error))
        return self._read()

    def _read(self) -> tuple[Database, Position, Gaps]:
        parts = (history_rows, history_redactions, history_targets, records)
        schema = "".join(part.SCHEMA for part in parts)
        database = open_database(self._path, schema)
        try:
            self._check(database)
            with database.guard() as connection:
                is_new = connection.execute("SELECT 1 FROM records LIMIT 1").fetchone() is None
            if is_new:
                with database.transaction() as connection:
                    write_applied(connection, Position(0))
                    write_gaps(connection, ())
            with database.transaction() as connection:
                applied = self._read_applied(connection)
                gaps = self._read_gaps(connection, applied)
            return database, applied, gaps
        except BaseException:
            database.close()
            raise

    def _check(self, database: Database) -> None:
        """Check for vanished rows, which checksums cannot detect."""
        if self._path.stat().st_size <= CHECKED_BYTES_MAX:
            with database.guard() as connection:
                complaint = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if complaint != "ok":
                raise database.condemn(complaint)

    def _read_applied(self, connection: sqlite3.Connection) -> Position:
        value = read_record(connection, "applied")
        if value is not None:
            return msgspec.json.decode(value, type=Position)
        # Entries that are applied again find their rows stored, or store them.
        self._findings.append("the record of the last applied position was damaged")
        rows = connection.execute(f"SELECT {COLUMNS} FROM rows ORDER BY position DESC")  # noqa: S608
        newest = next((row for row in map(verified, rows) if row is not None), None)
        applied = newest.position if newest is not None else Position(0)
        write_applied(connection, applied)
        return applied

    def _read_gaps(self, connection: sqlite3.Connection, applied: Position) -> Gaps:
        value = read_record(connection, "gaps")
        if value is not None:
            return msgspec.json.decode(value, type=Gaps)
        self._findings.append(
            "the record of missing history was damaged, so everything is fetched again"
        )
        gaps = ((Position(1), applied),) if applied else ()
        write_gaps(connection, gaps)
        return gaps

    def _read_terms(self) -> Terms:
        """Return where terms begin; a missing or damaged record makes them unknown."""
        with self._database.guard() as connection:
            value = read_record(connection, "terms")
        return () if value is None else msgspec.json.decode(value, type=Terms)

    def _read_held(self) -> Held:
        with self._database.transaction() as connection:
            return read_held(connection, self._findings)

    def _read_holes(self) -> tuple[Hole, ...]:
        with self._database.transaction() as connection:
            holes = read_holes(connection)
            if holes is not None:
                return holes
            # Everything is asked for again, and what nobody has is given up again.
            self._findings.append("the record of messages that no node keeps was damaged")
            first = self._held.position
            gaps = ((first, self._applied),) if first <= self._applied else ()
            write_holes(connection, ())
            write_gaps(connection, gaps)
        self._gaps = gaps
        return ()

    def terms(self) -> tuple[tuple[Position, int], ...]:
        """Return the terms of the entries that the rows come from: where each begins."""
        return self._terms

    def write(self, rows: Sequence[Row], applied: Position, terms: Terms = ()) -> None:
        """Store the rows of the positions up to `applied`; existing ones stay as they are.

        Those that `insert` was given since the last time belong to them. If this fails, they must
        come again, too. `terms` are those that begin in these positions.
        """
        applied = max(applied, self._applied)
        known = (*terms_before(self._terms, terms[0][0]), *terms) if terms else self._terms
        batch, self._batch = self._batch, Batch(self._index.remove)
        with self._database.transaction() as connection:
            batch.insert(connection, self._erasures.clean(rows))
            batch.finish(connection)
            write_applied(connection, applied)
            if terms:
                write_terms(connection, known)
        is_next = not batch.rows or batch.rows[0].position > self._applied
        if is_next and not batch.has_redacted:
            self._index.keep(batch.rows, self._applied, applied)
        self._applied = applied
        self._terms = known

    def insert(self, rows: Sequence[Row]) -> None:
        """Insert rows of positions after `applied`, without storing them: `write` does that.

        If this fails, all that were inserted since the last `write` must come again.
        """
        batch, self._batch = self._batch, Batch(self._index.remove)
        with self._database.transaction(stays_open=True) as connection:
            batch.insert(connection, self._erasures.clean(rows))
        self._batch = batch

    def may_change_after(self, first: Position) -> bool:
        """Return whether rows from a position on may be stored otherwise than they are given."""
        with self._database.guard() as connection:
            is_noted = is_noted_from(connection, first)
        return is_noted or any(one.until >= first for one in self._erasures.known.values())

    def sync(self) -> None:
        """Make everything that was stored durable.

        A checkpoint fsyncs the write-ahead log, copies it into the file, and fsyncs that.
        """
        with self._database.guard() as connection:
            is_busy, logged, copied = connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        if is_busy or logged != copied:
            raise StorageError(f"{self._path}: another connection delays the checkpoint")

    def answer(self, query: Query, span: Span = EVERYTHING) -> Answer:
        """Answer a query from the rows in `span`.

        Raises:
            CorruptRowsError: rows that the answer needs are damaged; repeat the query when they
                are repaired.
        """
        try:
            with self._database.guard() as connection:
                if isinstance(query, Page):
                    return read_page(connection, query, span)
                if isinstance(query, Search):
                    return self._search(connection, query, span)
                return read_targets(connection, query, span)
        except CorruptRowsError as error:
            if any(not 1 <= position <= self._applied for position in error.positions):
                raise self._database.condemn(MISPLACED) from error
            raise

    def _search(self, connection: sqlite3.Connection, query: Search, span: Span) -> tuple[Row, ...]:
        if query.limit <= 0:
            return ()
        held = self._held.position
        with contextlib.suppress(FullError):
            self._index.catch_up(connection, held, self._applied)
        low, high = span.first, Position(min(span.last, POSITION_MAX - 1) + 1)
        if query.after_ms >= 0:
            low = max(low, Position(first_position_at(connection, query.after_ms)))
        if query.before_ms >= 0:
            high = min(high, Position(first_position_at(connection, query.before_ms + 1)))
        places = self._index.find(connection, query, low, high, self._applied)
        return read_found(connection, query, places)

    def index_some(self, *, is_busy: bool = False) -> Unindexed:
        """Index some rows for searching; see the port."""
        if not is_busy or self._index.left(self._applied, is_busy=True) > Unindexed.WAITING:
            with self._database.guard() as connection:
                self._index.step(connection, self._held.position, self._applied)
        return self._index.left(self._applied, is_busy=is_busy)

    def export(
        self, first: Position, last: Position, bytes_max: int
    ) -> tuple[tuple[Row, ...], Position, tuple[Position, ...]]:
        """Return the rows of whole positions for a neighbour, in order.

        Also return the last position that they cover (`last` if that is all), and the covered
        positions that are left out because they have damaged rows. The first position is included
        even if it alone exceeds `bytes_max`.
        """
        rows: list[Row] = []
        damaged: list[Position] = []
        size = 0
        with self._database.guard() as connection:
            found = connection.execute(
                f"SELECT {COLUMNS} FROM rows WHERE position BETWEEN ? AND ?"  # noqa: S608
                " ORDER BY position, part, conversation",
                (first, last),
            )
            for place, group in itertools.groupby(found, key=itemgetter(1)):
                position = whole(place)
                if not first <= position <= last:
                    raise self._database.condemn(MISPLACED)
                checked = [verified(columns) for columns in group]
                sound = [row for row in checked if row is not None]
                is_damaged = len(sound) < len(checked)
                cost = 0 if is_damaged else sum(map(size_of, sound))
                if (rows and size + cost > bytes_max) or len(damaged) >= DAMAGED_MAX:
                    return tuple(rows), Position(position - 1), tuple(damaged)
                if is_damaged:
                    damaged.append(Position(position))
                else:
                    rows += sound
                    size += cost
        return tuple(rows), last, tuple(damaged)

    def import_rows(self, rows: Sequence[Row], first: Position, last: Position) -> None:
        """Replace all rows of the positions `first` to `last` by a neighbour's, who has all."""
        assert all(first <= row.position <= last for row in rows), "rows of other positions"
        holes = holes_without(self._holes, first, last)
        self._index.note(first, last)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM rows WHERE position BETWEEN ? AND ?", (first, last))
            batch = Batch(self._index.remove)
            batch.insert(connection, self._erasures.clean(rows))
            batch.finish(connection)
            if holes != self._holes:
                write_holes(connection, holes)
        self._holes = holes

    def erase(self, account: AccountId, erasure: Erasure) -> bool:
        """Take some of the words of an erased account out of the rows; return if more are left."""
        with self._database.transaction() as connection:
            progress = self._erasures.step(connection, account, erasure, self._index.begin_anew)
        self._erasures.note(progress)
        if account not in self.erased:
            return True
        self._database.truncate_log()
        return False

    def gaps(self) -> tuple[tuple[Position, Position], ...]:
        """Return the ranges of positions whose rows are missing, both ends included, in order."""
        return self._gaps

    def add_gap(self, first: Position, last: Position) -> None:
        """Note that rows are missing."""
        if first <= last:
            self._set_gaps((*without(self._gaps, first, last), (first, last)))

    def narrow_gap(self, first: Position, last: Position) -> None:
        """Note that the rows of these positions are no longer missing."""
        self._set_gaps(without(self._gaps, first, last))

    def skip_terms(self, first: Position, last: Position, term: int) -> None:
        """Note a gap whose last position alone has a known term (0 for none)."""
        skipped = ((first, 0), (last, term)) if first < last else ((last, term),)
        later = (begin for begin in self._terms if begin[0] > last)
        self._set_terms((*terms_before(self._terms, first), *skipped, *later))

    def forget(self, last: Position) -> tuple[Position, ...]:
        """Drop all rows after `last`, and what was noted of them.

        Return the positions of rows whose redaction was among them; these are missing from then on.
        """
        after = Position(last + 1)
        self._index.note(after, self._applied)
        with self._database.transaction() as connection:
            missing = tuple(map(Position, unredact(connection, after)))
            connection.execute("DELETE FROM rows WHERE position >= ?", (after,))
            forget_latest(connection, after)
            gaps = without(self._gaps, after, Position(POSITION_MAX))
            for position in missing:
                gaps = (*without(gaps, position, position), (position, position))
            gaps = tuple(sorted(gaps))
            terms = terms_before(self._terms, after)
            held = min(self._held, Held(after, self._held.time_ms))
            holes = holes_until(self._holes, last)
            write_held(connection, held)
            write_holes(connection, holes)
            write_gaps(connection, gaps)
            write_terms(connection, terms)
            write_applied(connection, last)
        self._gaps, self._terms, self._applied, self._held = gaps, terms, last, held
        self._holes = holes
        return missing

    def hold_from(self, held: Held) -> None:
        """Note from where on this store has all rows; what it lacks before is not missing."""
        with self._database.transaction() as connection:
            kept = self._write_start(connection, held)
        self._held, self._gaps, self._holes = held, *kept

    def _write_start(
        self, connection: sqlite3.Connection, held: Held
    ) -> tuple[Gaps, tuple[Hole, ...]]:
        """Write from where on rows are held; return the gaps and the holes that are left."""
        gaps = without(self._gaps, Position(0), Position(held.position - 1))
        holes = holes_from(self._holes, held.position)
        write_held(connection, held)
        write_gaps(connection, gaps)
        write_holes(connection, holes)
        return gaps, holes

    def note_hole(self, hole: Hole) -> None:
        """Note that nobody has these rows, so that they are not missing here."""
        gaps = without(self._gaps, hole.first, hole.last)
        holes = holes_from(with_hole(self._holes, hole), self._held.position)
        self._index.note(hole.first, hole.last)
        with self._database.transaction() as connection:
            # A gap can have rows that were never compared with the log.
            connection.execute(
                "DELETE FROM rows WHERE position BETWEEN ? AND ?", (hole.first, hole.last)
            )
            write_gaps(connection, gaps)
            write_holes(connection, holes)
        self._gaps, self._holes = gaps, holes

    def find_kept(self, conversation: str, older_ms: int, messages: int) -> Position:
        """Return before which position a room has rows that are not to be kept; 0 for none."""
        with self._database.guard() as connection:
            return find_kept(connection, conversation, older_ms, messages)

    def trim_room(self, conversation: str, before: Position) -> bool:
        """Drop some rows of a room before a position; return whether there may be more."""
        with self._database.guard() as connection:
            places = take_oldest(connection, conversation, before)
        self._index.remove(conversation, places)
        with self._database.transaction() as connection:
            connection.executemany(
                "DELETE FROM rows WHERE position = ? AND part = ? AND conversation = ?",
                [(*place, conversation) for place in places],
            )
        return bool(places)

    def trim(self, before: Position, older_ms: int, bytes_max: int = 0) -> bool:
        """Drop some rows of positions before `before` that are older than `older_ms`.

        Also drop some while the file takes more than `bytes_max`, which is not 0. The oldest are
        dropped, and `held` goes up. Return whether there may be more to drop.
        """
        if bytes_max and self._database.used_bytes() > bytes_max:
            older_ms = POSITION_MAX
        before = min(before, Position(self._applied + 1))
        with self._database.guard() as connection:
            oldest = find_oldest(connection, before, older_ms)
        if not oldest.end:
            return False
        rows, end = oldest.rows, oldest.end
        self._index.drop_before(end)
        held = Held(
            max(end, self._held.position),
            max([self._held.time_ms, *(row.time_ms for row in rows)]),
        )
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM rows WHERE position < ?", (end,))
            kept = self._write_start(connection, held)
        self._held, self._gaps, self._holes = held, *kept
        return not oldest.is_last

    def reset_applied(self, position: Position) -> None:
        """Set `applied`, after a snapshot replaced the state and a gap was added."""
        with self._database.transaction() as connection:
            write_applied(connection, position)
        self._applied = position

    def close(self) -> None:
        """Close the files."""
        self._index.close()
        self._database.close()

    def _set_terms(self, terms: Terms) -> None:
        with self._database.transaction() as connection:
            write_terms(connection, terms)
        self._terms = terms

    def _set_gaps(self, gaps: Gaps) -> None:
        gaps = tuple(sorted(gaps))
        with self._database.transaction() as connection:
            write_gaps(connection, gaps)
        self._gaps = gaps
