"""Finds messages by their words, in an index beside the history.

    history.db -- some hundred rows at a time, when the disk is idle --> search.db
    words, sender, conversation, time --> places of rows --> rows of history.db, verified

The index is a file of its own, so that storing messages does not wait for it. If it is missing or
damaged, it is built again from the first row on. It only names rows; each is then read from the
history.

A row's id in the index contains its place, so that the newest are found first and a span of time is
a range of ids. Conversations and senders are words, too: their hashes are in columns of their own.

Source: sqlite.org/fts5.html, "Contentless Tables", "FTS5 Boolean Operators", "Column Filters".
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TypeAlias

import msgspec

from roost.chat.changes import Said
from roost.chat.history import KIND_MESSAGE, Owner, Row, Search, decode_change, is_with
from roost.chat.ids import Position
from roost.irc.casemapping import fold_nick
from roost.ops import clock
from roost.storage.database import Database, insert_many
from roost.storage.errors import CorruptRowsError, MalformedError, SearchTimeoutError, StorageError
from roost.storage.history_pages import PASSED_OVER_MAX
from roost.storage.history_rows import read_row

ROWS_PER_STEP = 250
"""Rows in one transaction, which takes some 15 ms; queries wait for it."""
PLACES_MAX = 1000
"""Places looked up at once: more than an answer has rows, because some are not shown."""
SECONDS_MAX = 0.5
"""Time for one search; other queries wait for it."""

_SCHEMA = """
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
    text, place, sender, content='', detail=column, tokenize='unicode61 remove_diacritics 2');
CREATE TABLE IF NOT EXISTS due (first INTEGER PRIMARY KEY, last INTEGER NOT NULL)
"""
ReadRows: TypeAlias = Callable[[int, int, int], list[Row]]
_POSITION_SHIFT = 20
_PART_SHIFT = 4
_PARTS = 1 << (_POSITION_SHIFT - _PART_SHIFT)
_SIDES = 1 << _PART_SHIFT
_TOO_LONG = "the search took too long"
_END = 2**42
"""A position after every indexed one."""


class SearchIndex:
    """The file search.db; it is built again if it is damaged, without an error."""

    def __init__(self, path: Path) -> None:
        """Open it, or create an empty one.

        Raises:
            StorageError: it can be neither opened nor created.
        """
        self._path = path
        try:
            self._database = self._open()
        except MalformedError:
            # It was moved aside; it can be built again from the history.
            self._database = self._open()

    def _open(self) -> Database:
        database = Database(self._path, synchronous="NORMAL", schema=_SCHEMA)
        with database.transaction() as connection:
            connection.execute(
                "INSERT INTO due SELECT 1, ? WHERE NOT EXISTS (SELECT 1 FROM due WHERE last = ?)",
                (_END, _END),
            )
        return database

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def begin_anew(self) -> None:
        """Remove the index with all words in it; it is built again from the rows.

        Raises:
            StorageError: that is not possible.
        """
        self._database.close()
        try:
            for suffix in ("-wal", "-shm", ""):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{self._path}: {error}") from error
        self._database = self._open()

    def note(self, first: Position, last: Position) -> None:
        """Note that rows of these positions will be stored, even if the index is beyond them.

        Raises:
            FullError, StorageError: see `Database.guard`.
        """
        try:
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT INTO due SELECT ?, ? WHERE ? < (SELECT first FROM due WHERE last = ?)"
                    " ON CONFLICT (first) DO UPDATE SET last = max(last, excluded.last)",
                    (first, last, first, _END),
                )
        except MalformedError:
            self._database = self._open()

    def remove(self, rows: Iterable[Row]) -> None:
        """Forget rows, given in order. What was redacted since it was indexed stays in the index.

        Raises:
            FullError, StorageError: see `Database.guard`.
        """
        entries = _entries(rows)
        try:
            with self._database.transaction() as connection:
                known = _known(connection, entries)
                # The index keeps no texts, and needs them to forget a row.
                connection.executemany(
                    "INSERT INTO words (words, rowid, text, place, sender)"
                    " VALUES ('delete', ?, ?, ?, ?)",
                    [entry for entry in entries if entry[0] in known],
                )
        except MalformedError:
            self._database = self._open()

    def step(self, read: ReadRows, applied: Position) -> bool:
        """Index some rows; return whether there are more, up to `applied`.

        `read` returns the rows of a range of positions in order, up to a number of them.

        Raises:
            FullError, StorageError: see `Database.guard`; the step can be repeated.
        """
        try:
            return self._step(read, applied)
        except MalformedError:
            self._database = self._open()
            return True

    def _step(self, read: ReadRows, applied: Position) -> bool:
        with self._database.guard() as connection:
            first, last = connection.execute("SELECT first, last FROM due ORDER BY last").fetchone()
        until = min(last, applied)
        if first > until and last == _END:
            return False
        rows = read(first, until, ROWS_PER_STEP)
        if len(rows) == ROWS_PER_STEP:
            # There may be more rows of the last position.
            until = rows[-1].position - 1
            if until < first:
                until, rows = first, read(first, first, -1)
        with self._database.transaction() as connection:
            _insert(connection, [row for row in rows if row.position <= until])
            connection.execute("DELETE FROM due WHERE first = ? AND last = ?", (first, last))
            if until < last:
                following = max(first, until + 1)
                connection.execute("INSERT OR REPLACE INTO due VALUES (?, ?)", (following, last))
            (rest,) = connection.execute("SELECT first FROM due ORDER BY last LIMIT 1").fetchone()
        return bool(rest <= applied)

    def find(
        self, query: Search, low: Position, high: Position
    ) -> Iterator[tuple[Position, int, int]]:
        """Yield places from `low` to before `high`: position, part, number of the conversation.

        The newest come first, unless the query says otherwise. The row at a place may be one that
        the client is not shown, so take places until there are enough rows.

        Raises:
            SearchTimeoutError: it took too long.
            StorageError: see `Database.guard`.
        """
        match, first, last = _match(query), _number(low), _number(high)
        deadline = clock.monotonic() + SECONDS_MAX
        while True:
            numbers = self._find(match, first, last, deadline, is_newest=query.is_newest)
            for number in numbers:
                yield (
                    Position(number >> _POSITION_SHIFT),
                    number >> _PART_SHIFT & (_PARTS - 1),
                    number & (_SIDES - 1),
                )
            if len(numbers) < PLACES_MAX:
                return
            if query.is_newest:
                last = numbers[-1]
            else:
                first = numbers[-1] + 1

    def _find(
        self, match: str, first: int, last: int, deadline: float, *, is_newest: bool
    ) -> list[int]:
        question = (
            "SELECT rowid FROM words WHERE words MATCH ? AND rowid >= ? AND rowid < ?"  # noqa: S608
            f" ORDER BY rowid {'DESC' if is_newest else 'ASC'} LIMIT ?"
        )
        connection = self._database.connection
        seconds = deadline - clock.monotonic()
        if seconds <= 0:
            raise SearchTimeoutError(_TOO_LONG)
        timer = threading.Timer(seconds, connection.interrupt)
        timer.start()
        try:
            with self._database.guard():
                return _fetch(connection, question, (match, first, last, PLACES_MAX))
        except MalformedError:
            self._database = self._open()
            return []
        finally:
            timer.cancel()
            timer.join()


def _fetch(
    connection: sqlite3.Connection, question: str, values: tuple[str | int, ...]
) -> list[int]:
    try:
        return [number for (number,) in connection.execute(question, values)]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise SearchTimeoutError(_TOO_LONG) from error
        raise


def _entries(rows: Iterable[Row]) -> list[tuple[int, str, str, str]]:
    """Return what the index holds of rows in order: id, text, place and sender."""
    entries = []
    former, side = (0, 0), 0
    for row in rows:
        if row.kind != KIND_MESSAGE:
            continue
        side = side + 1 if (row.position, row.part) == former else 0
        former = (row.position, row.part)
        change = said_of(row.record)
        if change is None or side >= _SIDES or row.part >= _PARTS or row.position >= _END:
            continue
        number = _number(row.position) | row.part << _PART_SHIFT | side
        places = words_of_conversation(row.conversation)
        entries.append((number, change.text, places, sender_word(change.source.nick)))
    return entries


def _known(connection: sqlite3.Connection, entries: list[tuple[int, str, str, str]]) -> set[int]:
    """Return the ids of those entries that the index has."""
    if not entries:
        return set()
    numbers = [entry[0] for entry in entries]
    found = connection.execute(
        "SELECT id FROM words_docsize WHERE id BETWEEN ? AND ?", (min(numbers), max(numbers))
    )
    return {number for (number,) in found}


def _insert(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    entries = _entries(rows)
    known = _known(connection, entries)
    if new := [entry for entry in entries if entry[0] not in known]:
        insert_many(connection, "words (rowid, text, place, sender)", new)


def said_of(record: bytes) -> Said | None:
    """Return the message in a row's record; None if it is another change."""
    try:
        change = decode_change(record)
    except msgspec.MsgspecError:
        return None
    return change if isinstance(change, Said) else None


def _match(query: Search) -> str:
    """Return the query in FTS5's syntax; every word in it is quoted."""
    parts = [f"place : ({' OR '.join(map(_quoted, words_of_query(query)))})"]
    if query.sender:
        parts.append(f"sender : {_quoted(sender_word(query.sender))}")
    if query.words:
        # Too many words begin with a given letter.
        words = [f'"{word}"{"*" if len(word) > 1 else ""}' for word in query.words]
        parts.append(f"text : ({' AND '.join(words)})")
    return " AND ".join(parts)


def _quoted(word: str) -> str:
    return f'"{word}"'


def words_of_query(query: Search) -> list[str]:
    """Return what stands for the places of a query, of which a row must have one."""
    places = [_place(excerpt.conversation) for excerpt in query.conversations]
    return places + [_owner(owner.identity) for owner in query.owners]


def words_of_conversation(conversation: str) -> str:
    """Return what stands for a conversation and its owner, with a space between them."""
    if not conversation.startswith("d:"):
        return _place(conversation)
    owner = conversation[2:].rpartition(" ")[0]
    return f"{_place(conversation)} {_owner(owner)}"


def _place(conversation: str) -> str:
    return f"c{_hash(conversation)}"


def _owner(identity: str) -> str:
    return f"o{_hash(identity)}"


def sender_word(nick: str) -> str:
    """Return what stands for a sender."""
    return f"s{_hash(fold_nick(nick))}"


@lru_cache(maxsize=4096)
def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _number(position: Position) -> int:
    return min(position, _END) << _POSITION_SHIFT


def read_found(
    connection: sqlite3.Connection, query: Search, places: Iterable[tuple[Position, int, int]]
) -> tuple[Row, ...]:
    """Return the rows at the places found, in ascending order, up to the limit.

    Raises:
        CorruptRowsError: some of them are damaged.
    """
    found: list[Row] = []
    passed_over = 0
    for position, part, side in places:
        names = connection.execute(
            "SELECT conversation FROM rows WHERE position = ? AND part = ? AND kind = ?"
            " ORDER BY conversation LIMIT 1 OFFSET ?",
            (position, part, KIND_MESSAGE, side),
        ).fetchone()
        if names is None or not peers_of_excerpts(names[0], position, query):
            continue
        row = read_row(connection, names[0], position, part)
        if row is None:
            raise CorruptRowsError((position,))
        if not any(is_with(row, peers) for peers in peers_of_excerpts(names[0], position, query)):
            passed_over += 1
            if passed_over == PASSED_OVER_MAX:
                break
            continue
        if found and (found[-1].position, found[-1].part) == (position, part):
            # A message between two users of one account has two rows that this account owns.
            continue
        found.append(row)
        if len(found) == query.limit:
            break
    return tuple(reversed(found)) if query.is_newest else tuple(found)


def peers_of_excerpts(
    conversation: str, position: Position, query: Search
) -> list[tuple[Owner, ...]]:
    """Return the peers of each part of the query that covers a row; none if it may not be seen."""
    covering = [
        excerpt.peers
        for excerpt in query.conversations
        if conversation == excerpt.conversation and position >= excerpt.from_position
    ]
    is_own = any(
        conversation.startswith(f"d:{owner.identity} ") and position >= owner.from_position
        for owner in query.owners
    )
    return [*covering, ()] if is_own else covering
