"""The archive in PostgreSQL.

    write: one transaction   lock the line of `archive` -> is it this batch's turn? ->
                             rows, redactions, latest -> watermark
    read:  another connection, so that a question does not wait for a write

Every call has a deadline of its own: a server that hangs keeps its connections open for ever. A
write that fails closes its connection, and the next one opens another: the address may lead to
another server by then. After any `ArchiveError` but `RefusedError` both are to be closed.

Source: postgresql.org/docs/15; magicstack.github.io/asyncpg.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Self

import asyncpg
from msgspec.structs import replace

from roost.archive import reading
from roost.archive.errors import ArchiveError, BehindError, RefusedError, SlowSearchError
from roost.archive.latest import note_latest, read_targets
from roost.archive.port import ArchiveState, Batch
from roost.archive.problems import describe, is_refusal
from roost.archive.schema import WEEK_MS, Connection, Week, add_week, prepare, read_weeks
from roost.archive.words import indexed_words
from roost.chat.changes import Redacted
from roost.chat.history import (
    KIND_MESSAGE,
    KIND_REDACTION,
    KIND_TAGMSG,
    Answer,
    Page,
    Query,
    Row,
    Search,
    Span,
    decode_change,
)
from roost.chat.ids import Position
from roost.chat.record import redacted
from roost.storage.checksums import row_checksum
from roost.storage.history_rows import COLUMNS, verified

CONNECT_S = 3.0
"""To connect and log in; a server on another continent needs a tenth of it."""
WRITE_S = 10.0
"""For a transaction of some hundred rows: a thousand times what it takes as a rule."""
ANSWER_S = 2.0
"""For a question: a client waits for it."""
SEARCH_S = 1.0
"""For a search."""
_SETTINGS = {
    "application_name": "roost",
    # A node that hangs must not keep the others from writing.
    "lock_timeout": "5000",
    "idle_in_transaction_session_timeout": "10000",
    "statement_timeout": "10000",
    "timezone": "UTC",
}
_INSERT = """
INSERT INTO roost.rows
SELECT conversation, position, part, time_ms, kind, peer, record, checksum,
    CASE WHEN words IS NULL THEN NULL ELSE array_to_tsvector(string_to_array(words, ' ')) END
FROM unnest($1::text[], $2::bigint[], $3::int[], $4::bigint[], $5::int[], $6::text[], $7::bytea[],
    $8::bigint[], $9::text[])
    AS new (conversation, position, part, time_ms, kind, peer, record, checksum, words)
ON CONFLICT DO NOTHING
"""
_FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # The server's last words came while nothing was asked, and the connection is not closed yet.
    asyncpg.InternalClientError,
    OSError,
    ValueError,
)
_REDACTABLE = (KIND_MESSAGE, KIND_TAGMSG)


class PostgresArchive:
    """An open archive in PostgreSQL; see `roost.archive.port`."""

    def __init__(
        self, url: str, writing: Connection, reading_: Connection, weeks: list[Week]
    ) -> None:
        self._url = url
        self._writing: Connection | None = writing
        """None after a write that failed."""
        self._reading = reading_
        self._weeks = weeks
        self._is_read = asyncio.Lock()

    @classmethod
    async def open(cls, url: str, cluster: str) -> Self:
        """Connect; make the tables in an empty database.

        Raises:
            ArchiveError: the server cannot be used, or the database is not this cluster's.
        """
        opened: list[Connection] = []
        try:
            async with _explained("connect", CONNECT_S):
                opened.append(await _connect(url))
                opened.append(await _connect(url))
                await prepare(opened[0], cluster)
                return cls(url, opened[0], opened[1], await read_weeks(opened[0]))
        except BaseException:
            for connection in opened:
                connection.terminate()
            raise

    async def close(self) -> None:
        """Close the connections at once."""
        for connection in (self._writing, self._reading):
            if connection is not None:
                connection.terminate()

    async def state(self) -> ArchiveState:
        """Return what the archive holds."""
        async with self._is_read, _explained("answer", ANSWER_S):
            self._weeks = await read_weeks(self._reading)
            return await _read_state(self._reading)

    # Writing

    async def write(self, batch: Batch) -> ArchiveState:
        """Store a batch if its turn has come; return what the archive holds then."""
        async with self._changing() as connection:
            state = await _read_state(connection, is_locked=True)
            is_behind = batch.last <= state.watermark
            if state.watermark != batch.expected or (is_behind and not batch.fills(state.holes)):
                return state
            weeks = await self._add_weeks(connection, batch.rows)
            rows = await _redact(connection, batch.rows)
            await _insert(connection, rows)
            await note_latest(connection, rows)
            holes = batch.holes_after(state.holes)
            if is_behind:
                state = replace(state, holes=holes)
            else:
                time_ms = max([state.time_ms, *(row.time_ms for row in batch.rows[-1:])])
                state = ArchiveState(batch.last, batch.term, time_ms, state.first, holes)
            await _write_state(connection, state)
        self._weeks = weeks
        return state

    @contextlib.asynccontextmanager
    async def _changing(self) -> AsyncIterator[Connection]:
        """Have a connection in a transaction, which is committed if nothing fails."""
        try:
            async with _explained("write", WRITE_S):
                if self._writing is None:
                    self._writing = await _connect(self._url)
                connection = self._writing
                await connection.execute("BEGIN")
                yield connection
                await connection.execute("COMMIT")
        except BaseException:
            # To roll back would be to wait for a server that may hang.
            if self._writing is not None:
                self._writing.terminate()
            self._writing = None
            raise

    async def _add_weeks(self, connection: Connection, rows: Sequence[Row]) -> list[Week]:
        """Make the partitions that rows need, or have those begin earlier; return all."""
        weeks = {week.start_ms: week for week in self._weeks}
        for row in rows:
            start_ms = row.time_ms - row.time_ms % WEEK_MS
            if start_ms not in weeks or row.position < weeks[start_ms].first:
                week = weeks[start_ms] = Week(start_ms, row.position)
                await add_week(connection, week)
        return sorted(weeks.values())

    async def repair(self, position: Position, rows: tuple[Row, ...]) -> ArchiveState:
        """Replace all rows of a position; what was redacted since stays so."""
        async with self._changing() as connection:
            state = await _read_state(connection, is_locked=True)
            if state.first <= position <= state.watermark:
                await connection.execute("DELETE FROM roost.rows WHERE position = $1", position)
                await _insert(connection, await _redact(connection, rows))
        return state

    async def retain(self, older_ms: int) -> ArchiveState:
        """Drop whole partitions that are older than a time."""
        async with self._changing() as connection:
            state = await _read_state(connection, is_locked=True)
            weeks = await read_weeks(connection)
            old = [week for week in weeks[:-1] if week.end_ms <= older_ms]
            if not old:
                return state
            for week in old:
                await connection.execute(f"DROP TABLE IF EXISTS {week.table}")
                await connection.execute(
                    "DELETE FROM roost.weeks WHERE start_ms = $1", week.start_ms
                )
            left = weeks[len(old)]
            await connection.execute("DELETE FROM roost.latest WHERE position < $1", left.first)
            await connection.execute("DELETE FROM roost.redactions WHERE position < $1", left.first)
            holes = tuple(hole for hole in state.holes if hole[1] >= left.first)
            state = ArchiveState(state.watermark, state.term, state.time_ms, left.first, holes)
            await _write_state(connection, state)
        self._weeks = weeks[len(old) :]
        return state

    # Reading

    async def answer(self, query: Query, span: Span) -> Answer:
        """Answer a query from the rows in `span`."""
        connection = self._reading
        async with self._is_read:
            async with _explained("answer", ANSWER_S):
                watermark = await connection.fetchval("SELECT watermark FROM roost.archive")
            if watermark is None or watermark < span.last:
                raise BehindError(f"the archive only reaches to position {watermark}")
            if isinstance(query, Search):
                try:
                    async with asyncio.timeout(SEARCH_S), _explained("answer", ANSWER_S):
                        return await reading.search(connection, self._weeks, query, span)
                except TimeoutError as error:
                    raise SlowSearchError("the search takes too long") from error
            async with _explained("answer", ANSWER_S):
                if isinstance(query, Page):
                    return await reading.read_page(connection, self._weeks, query, span)
                return await read_targets(connection, query, span)

    async def export(
        self, first: Position, last: Position, rows_max: int
    ) -> tuple[tuple[Row, ...], Position]:
        """Return rows of whole positions in order, and the last position that they cover."""
        async with self._is_read, _explained("answer", ANSWER_S):
            lines = await self._reading.fetch(
                f"SELECT {COLUMNS} FROM roost.rows"  # noqa: S608
                " WHERE position >= $1 AND position <= $2"
                " ORDER BY position, part, conversation LIMIT $3",
                first,
                last,
                rows_max + 1,
            )
        rows = reading.sound(lines)
        if len(rows) <= rows_max:
            return tuple(rows), last
        # The last position may have more rows.
        covered = Position(rows[-1].position - 1)
        return tuple(row for row in rows if row.position <= covered), covered


async def _connect(url: str) -> Connection:
    connection: Connection = await asyncpg.connect(
        url, timeout=CONNECT_S, command_timeout=WRITE_S, server_settings=_SETTINGS
    )
    return connection


@contextlib.asynccontextmanager
async def _explained(doing: str, seconds: float) -> AsyncIterator[None]:
    """Bound what is done in the context; turn what goes wrong into words."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired() and doing == "answer":
            raise
        raise ArchiveError(
            f"the server does not {doing} within {seconds:g} s: see whether it hangs, or is"
            " overloaded"
        ) from error
    except _FAILURES as error:
        if doing == "write" and is_refusal(error):
            raise RefusedError(describe(error)) from error
        raise ArchiveError(describe(error)) from error


async def _read_state(connection: Connection, *, is_locked: bool = False) -> ArchiveState:
    lock = " FOR UPDATE" if is_locked else ""
    line = await connection.fetchrow(
        f"SELECT watermark, term, time_ms, first, holes FROM roost.archive WHERE id = 1{lock}"  # noqa: S608
    )
    if line is None:
        raise ArchiveError("the database has lost the line that says up to where it is complete")
    holes = tuple((Position(first), Position(last)) for first, last in json.loads(line["holes"]))
    return ArchiveState(
        Position(line["watermark"]), line["term"], line["time_ms"], Position(line["first"]), holes
    )


async def _write_state(connection: Connection, state: ArchiveState) -> None:
    await connection.execute(
        "UPDATE roost.archive SET watermark = $1, term = $2, time_ms = $3, first = $4, holes = $5",
        state.watermark,
        state.term,
        state.time_ms,
        state.first,
        json.dumps(state.holes),
    )


async def _insert(connection: Connection, rows: Sequence[Row]) -> None:
    if not rows:
        return
    await connection.execute(
        _INSERT,
        [row.conversation for row in rows],
        [row.position for row in rows],
        [row.part for row in rows],
        [row.time_ms for row in rows],
        [row.kind for row in rows],
        [row.peer for row in rows],
        [row.record for row in rows],
        [row_checksum(*_fields(row)) for row in rows],
        [
            indexed_words(row.conversation, row.record) if row.kind == KIND_MESSAGE else None
            for row in rows
        ],
    )


def _fields(row: Row) -> tuple[str, int, int, int, int, str, bytes]:
    return (
        row.conversation,
        row.position,
        row.part,
        row.time_ms,
        row.kind,
        row.peer,
        row.record,
    )


async def _redact(connection: Connection, rows: Sequence[Row]) -> Sequence[Row]:
    """Return rows as they may be stored, and redact rows that are stored already."""
    places = [place for row in rows if (place := _place(row)) is not None]
    for position, part in places:
        await connection.execute(
            "INSERT INTO roost.redactions VALUES ($1, $2) ON CONFLICT DO NOTHING", position, part
        )
        lines = await connection.fetch(
            f"SELECT {COLUMNS} FROM roost.rows WHERE position = $1 AND part = $2",  # noqa: S608
            position,
            part,
        )
        sound = [row for row in map(verified, map(tuple, lines)) if row is not None]
        stored = [row for row in sound if row.kind in _REDACTABLE]
        await connection.execute(
            "DELETE FROM roost.rows WHERE position = $1 AND part = $2 AND conversation = ANY($3)",
            position,
            part,
            [row.conversation for row in stored],
        )
        await _insert(connection, [redacted(row) for row in stored])
    if not rows:
        return rows
    noted = await connection.fetch(
        "SELECT position, part FROM roost.redactions WHERE position BETWEEN $1 AND $2",
        rows[0].position,
        rows[-1].position,
    )
    gone = {(position, part) for position, part in noted}
    return [
        redacted(row) if row.kind in _REDACTABLE and (row.position, row.part) in gone else row
        for row in rows
    ]


def _place(row: Row) -> tuple[int, int] | None:
    """Return the place of the message that a row redacts."""
    change = decode_change(row.record) if row.kind == KIND_REDACTION else None
    return (change.position, change.number) if isinstance(change, Redacted) else None
