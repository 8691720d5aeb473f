"""Answers `Page` queries: a bounded number of rows, found without reading others."""

import sqlite3

from roost.chat.history import (
    EVERYTHING,
    KIND_MESSAGE,
    POSITION_MAX,
    Anchor,
    Excerpt,
    Page,
    Row,
    Span,
    is_shown,
    is_with,
)
from roost.chat.ids import Position
from roost.storage.errors import CorruptRowsError
from roost.storage.history_rows import first_position_at, read_row

PASSED_OVER_MAX = 1000
"""Rows of other people under a former nickname that a page passes over, in some 10 ms; those
behind them are left out. The nickname of a crowd must not cost others their turn."""

_Place = tuple[int, int]
"""Position and part."""

_RANGE = (
    " AND position >= ? AND (position > ? OR part >= ?)"
    " AND position <= ? AND (position < ? OR part < ?)"
)
_KEYS = "SELECT position, part FROM rows INDEXED BY {index} WHERE conversation = ? AND {kind}"
_KEYS_OF_MESSAGES = _KEYS.format(index="rows_messages", kind=f"kind = {KIND_MESSAGE}") + _RANGE
_KEYS_OF_OTHERS = (
    _KEYS.format(index="rows_kinds", kind=f"kind <> {KIND_MESSAGE} AND kind = {{kind}}") + _RANGE
)
_OLDEST_FIRST = " ORDER BY position, part LIMIT ?"
_NEWEST_FIRST = " ORDER BY position DESC, part DESC LIMIT ?"


def read_page(
    connection: sqlite3.Connection, page: Page, span: Span = EVERYTHING
) -> tuple[Row, ...]:
    """Return the rows of a page that lie in `span`, in ascending order.

    Raises:
        CorruptRowsError: rows of the page, or on the way to it, are damaged.
    """
    low: _Place = (span.first, 0)
    high: _Place = (min(span.last, POSITION_MAX - 1) + 1, 0)
    if page.after is not None:
        low = max(low, _place_after(connection, page.after))
    if page.before is not None:
        high = min(high, _place_at(connection, page.before))
    reader = _Readers(connection, page)
    if page.around is None:
        return reader.fetch(low, high, page.limit, is_newest=page.is_newest)
    middle = min(max(low, _place_at(connection, page.around)), high)
    earlier = reader.fetch(low, middle, page.limit // 2, is_newest=True)
    later = reader.fetch(middle, high, page.limit - len(earlier), is_newest=False)
    return earlier + later


def _place_at(connection: sqlite3.Connection, anchor: Anchor) -> _Place:
    """Return the first place that is not before the anchor."""
    if anchor.time_ms >= 0:
        return first_position_at(connection, anchor.time_ms), 0
    return anchor.position, anchor.part


def _place_after(connection: sqlite3.Connection, anchor: Anchor) -> _Place:
    """Return the first place after the anchor."""
    if anchor.time_ms >= 0:
        return first_position_at(connection, anchor.time_ms + 1), 0
    return anchor.position, anchor.part + 1


class _Readers:
    """Reads rows for a page from everything that it is taken from."""

    def __init__(self, connection: sqlite3.Connection, page: Page) -> None:
        self._readers = [
            _Reader(connection, excerpt, page.kinds) for excerpt in dict.fromkeys(page.excerpts())
        ]

    def fetch(self, low: _Place, high: _Place, limit: int, *, is_newest: bool) -> tuple[Row, ...]:
        """Return up to `limit` rows from `low` to before `high`, in ascending order."""
        pages = [reader.fetch(low, high, limit, is_newest=is_newest) for reader in self._readers]
        if len(pages) == 1:
            return pages[0]
        # A message between two users of one account has two rows that this account owns.
        rows = {(row.position, row.part): row for page in reversed(pages) for row in page}
        merged = [rows[place] for place in sorted(rows)]
        return tuple(merged[max(0, len(merged) - limit) :] if is_newest else merged[:limit])


class _Reader:
    """Reads rows of one conversation for a page."""

    def __init__(
        self, connection: sqlite3.Connection, excerpt: Excerpt, kinds: tuple[int, ...]
    ) -> None:
        self._connection = connection
        self._conversation = excerpt.conversation
        self._from: _Place = (excerpt.from_position, 0)
        self._peers = excerpt.peers
        self._kinds = kinds

    def fetch(self, low: _Place, high: _Place, limit: int, *, is_newest: bool) -> tuple[Row, ...]:
        """Return up to `limit` rows from `low` to before `high`, in ascending order.

        Only rows that are shown count, so fewer than `limit` means that there are no more.
        """
        found: list[Row] = []
        passed_over = 0
        low = max(low, self._from)
        while len(found) < limit and low < high:
            places = self._places(low, high, limit, is_newest=is_newest)
            rows = [row for row in self._read(places) if self._is_wanted(row)]
            passed_over += len(places) - len(rows)
            found = rows + found if is_newest else found + rows
            if len(places) < limit or (self._peers and passed_over >= PASSED_OVER_MAX):
                break
            if is_newest:
                high = places[0]
            else:
                low = (places[-1][0], places[-1][1] + 1)
        if len(found) > limit:
            found = found[-limit:] if is_newest else found[:limit]
        return tuple(found)

    def _is_wanted(self, row: Row) -> bool:
        return is_shown(row, self._kinds) and is_with(row, self._peers)

    def _places(self, low: _Place, high: _Place, limit: int, *, is_newest: bool) -> list[_Place]:
        """Return up to `limit` places of rows of the page's kinds, in ascending order."""
        order = _NEWEST_FIRST if is_newest else _OLDEST_FIRST
        bounds = (low[0], low[0], low[1], high[0], high[0], high[1])
        places: list[_Place] = []
        for kind in self._kinds:
            keys = _KEYS_OF_MESSAGES if kind == KIND_MESSAGE else _KEYS_OF_OTHERS.format(kind=kind)
            places += self._connection.execute(
                keys + order, (self._conversation, *bounds, limit)
            ).fetchall()
        if not all(isinstance(number, int) for place in places for number in place):
            raise CorruptRowsError((Position(0),))
        places.sort()
        return places[-limit:] if is_newest else places[:limit]

    def _read(self, places: list[_Place]) -> list[Row]:
        rows = [
            read_row(self._connection, self._conversation, position, part)
            for position, part in places
        ]
        damaged = [
            Position(position)
            for (position, _), row in zip(places, rows, strict=True)
            if row is None
        ]
        if damaged:
            raise CorruptRowsError(tuple(dict.fromkeys(damaged)))
        return [row for row in rows if row is not None]
