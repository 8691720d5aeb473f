"""Finds messages by their words, in an index beside the history.

    history.db -- the messages of 1,024 positions at a time, when the node is idle --> search.db
    words, sender, conversations, time --> places of rows --> rows of history.db, verified

The index is a file of its own, so that storing messages does not wait for it. If it is missing or
damaged, it is built again. It only names rows; each is then read from the history.

It has chapters, and three levels of vocabularies above them (`search_chapters`): one for each
chapter, and one for each 16 of the level below. A search goes down from the top, and reads only
what may have all its words. What is *due* is to be made, or made again, because rows came. The
newest positions always are; a search reads them from the rows.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from roost.chat.history import Row, Search
from roost.chat.ids import Position
from roost.ops import clock
from roost.storage.checksums import record_checksum
from roost.storage.database import Database
from roost.storage.errors import MalformedError, StorageError
from roost.storage.history_port import Unindexed
from roost.storage.search_chapters import (
    BLOCK_BITS,
    BUCKETS,
    CHAPTER_BITS,
    Chapter,
    Place,
    Recent,
    Sought,
    bucket_of,
    cut,
    next_row,
    read_block,
    vocabulary_of_vocabularies,
)
from roost.storage.search_ranges import Ranges, find_range, with_range, without_range
from roost.storage.search_walk import Walk

SECONDS_MAX = 0.5
"""Time for one search; other queries wait for it."""
READ_BLOCKS_MAX = 32
"""The newest blocks that a search makes for itself if they are due, each in some 2 ms."""
UNINDEXED_BLOCKS_MAX = 64
"""Blocks of 1,024 positions that wait to be indexed while the process is busy, about. The first
search indexes them in 0.14 to 0.18 s of processor time, and the next ones wait for little."""
SOON_BLOCKS_MAX = 16
"""Further ones that are indexed slowly."""
SEARCH_STEPS_MAX = UNINDEXED_BLOCKS_MAX
"""Blocks that are indexed before a search, in some 3 ms each: what waits, and what a neighbour just
sent, is found, too. What came meanwhile under load is read."""
FEW_BUCKETS = 8
"""So many buckets of a chapter are together smaller than its vocabulary."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spans (
    id INTEGER PRIMARY KEY, data BLOB NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS due (level INTEGER PRIMARY KEY, ranges BLOB NOT NULL)
"""
_FAN_BITS = 4
_TOP = 2
_LEVELS = range(_TOP + 1)
"""Of vocabularies."""
_BUCKETS_LEVEL = _TOP + 1
"""Stands for a level in the ids of buckets."""
_LEVEL_SHIFT = 48
"""An id has the level above the number in the level."""
_END = 2**48
"""A position after every indexed one."""


def _bits(level: int) -> int:
    """Return how many bits of a position do not matter at a level."""
    return CHAPTER_BITS + _FAN_BITS * level


def _id(level: int, number: int) -> int:
    return level << _LEVEL_SHIFT | number


def _bucket_id(chapter: int, bucket: int) -> int:
    return _id(_BUCKETS_LEVEL, chapter * BUCKETS + bucket)


class SearchIndex:
    """The file search.db; it is built again if it is damaged, without an error."""

    def __init__(self, path: Path) -> None:
        """Open it, or create an empty one.

        Raises:
            StorageError: it can be neither opened nor created.
        """
        self._path = path
        self._due: list[Ranges]
        self._chapter = Chapter(0)
        """The first one that is due, as far as it is made."""
        self._recent = Recent()
        self._remove_older()
        try:
            self._database = self._open()
        except MalformedError:
            # It was moved aside; it can be built again from the history.
            self._database = self._open()

    def _remove_older(self) -> None:
        """Remove an index of version 1, which had other tables."""
        if not self._path.exists():
            return
        try:
            with contextlib.closing(sqlite3.connect(self._path)) as connection:
                question = "SELECT 1 FROM sqlite_master WHERE name = 'words'"
                is_older = connection.execute(question).fetchone() is not None
        except sqlite3.Error:
            return  # It is found to be damaged when it is opened.
        if is_older:
            self._remove()

    def _remove(self) -> None:
        try:
            for suffix in ("-wal", "-shm", ""):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{self._path}: {error}") from error

    def _open(self) -> Database:
        database = Database(self._path, synchronous="NORMAL", schema=_SCHEMA)
        try:
            with database.guard() as connection:
                stored = dict(connection.execute("SELECT level, ranges FROM due"))
            due = [
                msgspec.json.decode(stored[level], type=Ranges)
                if stored
                else ((0, _END >> _bits(level)),)
                for level in _LEVELS
            ]
        except (KeyError, TypeError, msgspec.MsgspecError) as error:
            raise database.condemn("what is due in it cannot be read") from error
        except BaseException:
            database.close()
            raise
        self._due, self._chapter = due, Chapter(due[0][0][0])
        self._recent.clear()
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
        self._remove()
        self._database = self._open()

    # What is due

    def keep(self, rows: Iterable[Row], after: Position, applied: Position) -> None:
        """Keep rows to index, which are all that was just stored from a position to another."""
        self._recent.extend(rows, after, applied)

    def note(self, first: Position, last: Position) -> None:
        """Note that rows of these positions come or go, even if they are indexed.

        Raises:
            FullError, StorageError: see `Database.guard`.
        """
        if first > last:
            return
        self._recent.clear_until(last)
        due = [
            with_range(self._due[level], first >> _bits(level), min(last, _END) >> _bits(level))
            for level in _LEVELS
        ]
        if first >> BLOCK_BITS < self._chapter.next_block or due[0] != self._due[0]:
            self._chapter = Chapter(due[0][0][0])
        if due == self._due:
            return
        with self._mended():
            with self._database.transaction() as connection:
                self._write_due(connection, due)
            self._due = due

    def remove(self, conversation: str, places: Iterable[tuple[int, int]]) -> None:
        """Forget rows that are about to be dropped or redacted, by their position and part.

        Their words stay in vocabularies, where nothing tells whose they were.

        Raises:
            FullError, StorageError: see `Database.guard`.
        """
        dropped = frozenset(places)
        buckets = (bucket_of(conversation),)
        self._recent.cut(
            lambda place: place.conversation != conversation or place[:2] not in dropped
        )
        with self._mended():
            left: dict[int, bytes] = {}
            for number in sorted({position >> CHAPTER_BITS for position, _ in dropped}):
                left |= self._cut(
                    number,
                    buckets,
                    lambda place: place.conversation != conversation or place[:2] not in dropped,
                )
            with self._database.transaction() as connection:
                _store(connection, left)

    def drop_before(self, end: Position) -> None:
        """Forget all rows before a position, which are about to be dropped.

        Raises:
            FullError, StorageError: see `Database.guard`.
        """
        numbers = [end >> _bits(level) for level in _LEVELS]
        due = [without_range(self._due[level], 0, numbers[level] - 1) for level in _LEVELS]
        self._recent.clear_until(Position(end - 1))
        with self._mended():
            left = self._cut(numbers[0], range(BUCKETS), lambda place: place.position >= end)
            for level, number in enumerate(numbers):
                # What is above the first rows that stay has words of dropped ones, too.
                if self._load(_id(level, number)):
                    left[_id(level, number)] = b""
            with self._database.transaction() as connection:
                for level, number in enumerate(numbers):
                    _delete(connection, level, 0, number - 1)
                _delete(connection, _BUCKETS_LEVEL, 0, numbers[0] * BUCKETS - 1)
                _store(connection, left)
                self._write_due(connection, due)
            self._due = due
            if self._chapter.number < numbers[0]:
                self._chapter = Chapter(due[0][0][0])

    def _cut(
        self, number: int, buckets: Iterable[int], is_kept: Callable[[Place], bool]
    ) -> dict[int, bytes]:
        """Return what is to be stored of a chapter without some of its messages."""
        first = number << CHAPTER_BITS
        if self._chapter.number == number:
            self._chapter.cut(is_kept)
        names = [_bucket_id(number, bucket) for bucket in buckets]
        stored = {name: data for name in names if (data := self._load(name)) is not None}
        return {name: cut(data, first, is_kept) for name, data in stored.items()}

    @contextlib.contextmanager
    def _mended(self) -> Iterator[None]:
        """Begin with an empty index if the file turns out to be damaged."""
        try:
            yield
        except MalformedError:
            self._database = self._open()

    def _write_due(self, connection: sqlite3.Connection, due: list[Ranges]) -> None:
        changed = [
            (level, msgspec.json.encode(due[level]))
            for level in _LEVELS
            if due[level] != self._due[level]
        ]
        connection.executemany("INSERT OR REPLACE INTO due VALUES (?, ?)", changed)

    # Making what is due

    def step(
        self,
        history: sqlite3.Connection,
        held: Position,
        applied: Position,
        *,
        is_deep: bool = True,
    ) -> bool:
        """Index some more of the rows up to `applied`; return whether there is more to do.

        `held` is the first position that rows are kept of. Only if it `is_deep`, vocabularies above
        those of chapters are made, too.

        Raises:
            FullError, StorageError: see `Database.guard`; the step can be repeated.
        """
        with self._mended():
            if self._blocks_due(applied):
                self._read(history, applied)
            elif (level := self._level_due()) and is_deep:
                self._sum_up(level, held)
        return self._blocks_due(applied) > 0 or (is_deep and self._level_due() > 0)

    def _blocks_due(self, applied: Position) -> int:
        """Return how many whole blocks there are up to `applied` from the first that is due on."""
        return max(0, (min(applied + 1, _END) >> BLOCK_BITS) - self._chapter.next_block)

    def left(self, applied: Position, *, is_busy: bool) -> Unindexed:
        """Return what is left to do."""
        blocks = self._blocks_due(applied)
        if not blocks and not self._level_due():
            return Unindexed.NONE
        if not is_busy or blocks > UNINDEXED_BLOCKS_MAX + SOON_BLOCKS_MAX:
            return Unindexed.DUE
        return Unindexed.SOON if blocks > UNINDEXED_BLOCKS_MAX else Unindexed.WAITING

    def catch_up(self, history: sqlite3.Connection, held: Position, applied: Position) -> None:
        """Index what a search is to find; see `step`."""
        for _ in range(SEARCH_STEPS_MAX):
            if not self.step(history, held, applied, is_deep=False):
                break

    def _level_due(self) -> int:
        """Return the lowest level above 0 with a vocabulary that can be made; 0 for none."""
        for level in _LEVELS[1:]:
            if self._due[level][0][0] < self._due[level - 1][0][0] >> _FAN_BITS:
                return level
        return 0

    def _read(self, history: sqlite3.Connection, applied: Position) -> None:
        """Add a block to the chapter that is being made, and store it when it is whole."""
        first, last = self._due[0][0]
        last = min(last, (applied + 1 >> CHAPTER_BITS) - 1)
        if first <= last and self._chapter.blocks == 0:
            # Chapters without rows are not stored.
            following = next_row(history, first << CHAPTER_BITS) >> CHAPTER_BITS
            if following > first:
                self._finish(0, first, min(following - 1, last), {})
                return
        chapter = self._chapter
        if not chapter.is_whole:
            block = chapter.next_block
            messages = self._recent.take_block(block)
            chapter.add(read_block(history, block) if messages is None else messages)
        if chapter.is_whole:
            stored = {_id(0, first): chapter.vocabulary()}
            for bucket, data in chapter.buckets().items():
                stored[_bucket_id(first, bucket)] = data
            self._finish(0, first, first, stored)

    def _sum_up(self, level: int, held: Position) -> None:
        """Make the next vocabulary of a level from those below."""
        first, last = self._due[level][0]
        last = min(last, (self._due[level - 1][0][0] >> _FAN_BITS) - 1)
        below = (_id(level - 1, first << _FAN_BITS), _id(level, 0) - 1)
        with self._database.guard() as connection:
            question = "SELECT id FROM spans WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1"
            found = connection.execute(question, below).fetchone()
        number = last + 1 if found is None else (found[0] - _id(level - 1, 0)) >> _FAN_BITS
        if number > last:
            self._finish(level, first, last, {})
            return
        # One that reaches back to dropped rows would keep their words.
        data = b""
        if number << _bits(level) >= held:
            begin = _id(level - 1, number << _FAN_BITS)
            parts = map(self._load, range(begin, begin + (1 << _FAN_BITS)))
            data = vocabulary_of_vocabularies([part for part in parts if part is not None])
        self._finish(level, first, number, {_id(level, number): data})

    def _finish(self, level: int, first: int, last: int, stored: dict[int, bytes]) -> None:
        """Replace a range of a level, which is not due any more, by what is in it."""
        due = list(self._due)
        due[level] = without_range(due[level], first, last)
        with self._database.transaction() as connection:
            _delete(connection, level, first, last)
            if level == 0:
                _delete(connection, _BUCKETS_LEVEL, first * BUCKETS, (last + 1) * BUCKETS - 1)
            _store(connection, stored)
            self._write_due(connection, due)
        self._due = due
        if level == 0:
            self._chapter = Chapter(due[0][0][0])

    def _load(self, name: int) -> bytes | None:
        """Return a vocabulary or a bucket; None if there is none.

        Raises:
            MalformedError: it is damaged; the whole index is made anew.
        """
        with self._database.guard() as connection:
            found = connection.execute(
                "SELECT data, checksum FROM spans WHERE id = ?", (name,)
            ).fetchone()
        if found is None:
            return None
        data, checksum = found
        if not isinstance(data, bytes) or checksum != record_checksum(str(name), data):
            raise self._database.condemn("a checksum is wrong")
        return data

    # Searching

    def find(
        self, history: sqlite3.Connection, query: Search, low: int, high: int, applied: Position
    ) -> Iterator[Place]:
        """Yield the places of messages from `low` to before `high`.

        The newest come first, unless the query says otherwise. The row at a place may be one that
        the client is not shown, so take places until there are enough rows. What is due is not
        found, except for the newest positions.

        Raises:
            SearchTimeoutError: it took too long.
            StorageError: see `Database.guard`.
        """
        starts = [excerpt.from_position for excerpt in query.conversations]
        starts += [owner.from_position for owner in query.owners]
        low = max(low, min(starts, default=0))
        high = min(high, applied + 1, _END)
        if low >= high:
            return
        readable = (applied >> BLOCK_BITS) - READ_BLOCKS_MAX + 1
        deadline = clock.monotonic() + SECONDS_MAX
        walk = Walk(history, Sought(query), low, high, query.is_newest, readable, deadline)
        with self._mended():
            for number in walk.numbers(low >> _bits(_TOP), (high - 1) >> _bits(_TOP)):
                yield from self._search(walk, _TOP, number)

    def _search(self, walk: Walk, level: int, number: int) -> Iterator[Place]:
        if not walk.is_near(number, _bits(level)):
            return
        if find_range(self._due[level], number) is not None:
            if level == 0:
                yield from walk.ordered(self._found_in_rows(walk, number))
                return
            if not self._leads_down(walk, level, number):
                return
        elif level > 0 or len(walk.sought.buckets) > FEW_BUCKETS:
            vocabulary = self._load(_id(level, number))
            # It is missing if there is nothing, and empty if it would be too large.
            if vocabulary is None or (vocabulary and not walk.sought.may_be_under(vocabulary)):
                return
        if level == 0:
            yield from walk.ordered(self._found(walk.sought, number))
            return
        below = number << _FAN_BITS
        for one in walk.numbers(below, below + (1 << _FAN_BITS) - 1):
            yield from self._search(walk, level - 1, one)

    def _found(self, sought: Sought, chapter: int) -> list[Place]:
        """Return the places found in a chapter that is stored, in no order."""
        found: list[Place] = []
        for bucket in sought.buckets:
            data = self._load(_bucket_id(chapter, bucket))
            if data is not None:
                found += sought.find(data, chapter << CHAPTER_BITS)
        return found

    def _found_in_rows(self, walk: Walk, number: int) -> list[Place]:
        """Return the places found in a chapter that is due, if it is near the end of the history.

        It is read as far as that was not done yet.
        """
        blocks = 1 << CHAPTER_BITS - BLOCK_BITS
        found: list[Place] = []
        begin = number * blocks
        if self._chapter.number == number:
            found += self._chapter.find(walk.sought)
            begin = self._chapter.next_block
        rest = Chapter(number)
        for block in range(max(begin, walk.readable), (number + 1) * blocks):
            if walk.is_near(block, BLOCK_BITS):
                messages = read_block(walk.history, block)
                rest.add(message for message in messages if walk.sought.is_in(message[0]))
        return found + rest.find(walk.sought)

    def _leads_down(self, walk: Walk, level: int, number: int) -> bool:
        """Return whether there is anything to be found below a vocabulary that is due."""
        shift = _FAN_BITS * level
        last = (number + 1 << shift) - 1
        due = find_range(self._due[0], number << shift)
        is_read = (last + 1 << CHAPTER_BITS - BLOCK_BITS) > walk.readable
        return is_read or due is None or due[1] < last


def _delete(connection: sqlite3.Connection, level: int, first: int, last: int) -> None:
    if first <= last:
        span = (_id(level, first), _id(level, last))
        connection.execute("DELETE FROM spans WHERE id BETWEEN ? AND ?", span)


def _store(connection: sqlite3.Connection, spans: dict[int, bytes]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO spans VALUES (?, ?, ?)",
        [(name, data, record_checksum(str(name), data)) for name, data in spans.items()],
    )
