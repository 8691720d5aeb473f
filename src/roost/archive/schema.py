"""How history is laid out in PostgreSQL: the schema `roost`.

    archive      one line: whose it is, which version, and up to where it is complete
    rows         by position, partitioned by weeks of their times, which never go back
    weeks        the partitions, each with its first position
    redactions   the places of redacted messages, whichever comes first, message or redaction
    latest       the newest message of each conversation

Source: postgresql.org/docs/15/ddl-partitioning.html.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol

from roost.archive.errors import ArchiveError
from roost.chat.ids import Position

VERSION = 1
"""Raise it with every change of the tables, and convert older ones in `prepare`."""
WEEK_MS = 7 * 86_400_000


class Connection(Protocol):
    """What is used of asyncpg's `Connection`, whose package has no types of its own."""

    async def execute(self, query: str, *arguments: object) -> str:
        """Run a statement."""

    async def fetch(self, query: str, *arguments: object) -> list[Sequence[Any]]:
        """Run a query; return its lines."""

    async def fetchrow(self, query: str, *arguments: object) -> Mapping[str, Any] | None:
        """Run a query; return its first line, with its values by column."""

    async def fetchval(self, query: str, *arguments: object) -> Any:
        """Run a query; return the first value of its first line."""

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """Return a context that is a transaction."""

    def terminate(self) -> None:
        """Close it without waiting for the server."""


_TABLES = """
CREATE SCHEMA IF NOT EXISTS roost;
CREATE TABLE IF NOT EXISTS roost.archive (
    id int PRIMARY KEY CHECK (id = 1), cluster text NOT NULL, version int NOT NULL,
    watermark bigint NOT NULL, term bigint NOT NULL, time_ms bigint NOT NULL,
    first bigint NOT NULL, holes text NOT NULL
);
CREATE TABLE IF NOT EXISTS roost.rows (
    conversation text NOT NULL, position bigint NOT NULL, part int NOT NULL,
    time_ms bigint NOT NULL, kind int NOT NULL, peer text NOT NULL, record bytea NOT NULL,
    checksum bigint NOT NULL, words tsvector,
    PRIMARY KEY (position, part, conversation, time_ms)
) PARTITION BY RANGE (time_ms);
CREATE INDEX IF NOT EXISTS rows_messages ON roost.rows (conversation, position, part)
    WHERE kind = 0;
CREATE INDEX IF NOT EXISTS rows_kinds ON roost.rows (conversation, kind, position, part)
    WHERE kind <> 0;
CREATE INDEX IF NOT EXISTS rows_times ON roost.rows (time_ms);
CREATE INDEX IF NOT EXISTS rows_words ON roost.rows USING gin (words)
    WITH (fastupdate = off) WHERE kind = 0;
CREATE TABLE IF NOT EXISTS roost.weeks (
    start_ms bigint PRIMARY KEY, first bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS roost.redactions (
    position bigint NOT NULL, part int NOT NULL, PRIMARY KEY (position, part)
);
CREATE TABLE IF NOT EXISTS roost.latest (
    conversation text PRIMARY KEY, owner text NOT NULL, position bigint NOT NULL,
    part int NOT NULL, time_ms bigint NOT NULL, name text NOT NULL
);
CREATE INDEX IF NOT EXISTS latest_by_owner ON roost.latest (owner, time_ms);
"""
_LOCK = 0x526F6F7374
"""Taken while the tables are made: several nodes start at once."""


class Week(NamedTuple):
    """A partition."""

    start_ms: int
    first: Position
    """The first position that it has rows of, or one before that."""

    @property
    def end_ms(self) -> int:
        return self.start_ms + WEEK_MS

    @property
    def table(self) -> str:
        return f"roost.rows_{self.start_ms // WEEK_MS}"


async def prepare(connection: Connection, cluster: str) -> None:
    """Make the tables if there are none; check whose they are.

    Raises:
        ArchiveError: they are another cluster's, or of another version.
    """
    is_there = await connection.fetchval("SELECT to_regclass('roost.archive') IS NOT NULL")
    if not is_there:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            await connection.execute(_TABLES)
            await connection.execute(
                "INSERT INTO roost.archive VALUES (1, $1, $2, 0, 0, 0, 1, '[]')"
                " ON CONFLICT DO NOTHING",
                cluster,
                VERSION,
            )
    line = await connection.fetchrow("SELECT cluster, version FROM roost.archive")
    if line is None:
        raise ArchiveError(
            "the database has Roost's tables without the line that says whose they are: restore"
            " it from a backup, or use an empty database"
        )
    if line["version"] > VERSION:
        raise ArchiveError(
            f"the database has version {line['version']} of Roost's tables, and this version of"
            f" Roost knows up to {VERSION}: upgrade Roost on this node"
        )
    if line["version"] < VERSION:
        raise ArchiveError(
            f"the database has version {line['version']} of Roost's tables, which is too old for"
            " this version of Roost: start the version in between once"
        )
    if line["cluster"] != cluster:
        raise ArchiveError(
            f"the database holds the history of cluster {line['cluster']!r}, and this is cluster"
            f" {cluster!r}: give history.url the address of a database of its own"
        )


async def read_weeks(connection: Connection) -> list[Week]:
    """Return the partitions, the oldest first."""
    found = await connection.fetch("SELECT start_ms, first FROM roost.weeks ORDER BY start_ms")
    return [Week(start_ms, Position(first)) for start_ms, first in found]


async def add_week(connection: Connection, week: Week) -> None:
    """Make a partition, or have it begin earlier, within the caller's transaction."""
    await connection.execute(
        f"CREATE TABLE IF NOT EXISTS {week.table} PARTITION OF roost.rows"
        f" FOR VALUES FROM ({week.start_ms}) TO ({week.end_ms})"
    )
    await connection.execute(
        "INSERT INTO roost.weeks VALUES ($1, $2)"
        " ON CONFLICT (start_ms) DO UPDATE SET first = least(weeks.first, excluded.first)",
        week.start_ms,
        week.first,
    )
