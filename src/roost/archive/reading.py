"""Answers queries from PostgreSQL; what they mean stands in `roost.chat.history`.

A conversation's rows are looked for in one partition first, then in ever more of them, so that a
busy room costs one look-up and a quiet one few. Every row's checksum is verified.
"""

from collections.abc import Iterator, Sequence

from roost.archive.errors import DamagedError
from roost.archive.schema import WEEK_MS, Connection, Week
from roost.archive.words import match
from roost.chat.history import (
    KIND_MESSAGE,
    Anchor,
    Excerpt,
    Page,
    Row,
    Search,
    Span,
    is_shown,
    is_with,
)
from roost.chat.ids import Position
from roost.storage.history_pages import PASSED_OVER_MAX
from roost.storage.history_rows import COLUMNS, verified
from roost.storage.search_results import peers_of_excerpts

GROWTH = 4
"""Each look-up covers this many times the partitions of the one before."""
FOUND_MAX = 1000
"""Rows of a search that are looked at in one go: some are not shown."""

_Place = tuple[int, int]


class Windows:
    """The partitions in which rows of some positions can be, as ever longer spans of time."""

    def __init__(self, weeks: Sequence[Week], low: int, high: int) -> None:
        """Cover the rows from position `low` to before `high`."""
        chosen = []
        for number, week in enumerate(weeks):
            until = weeks[number + 1].first if number + 1 < len(weeks) else high
            if week.first < high and (until > low or number + 1 == len(weeks)):
                chosen.append(week)
        self._weeks = chosen

    def spans(self, *, is_newest: bool) -> Iterator[tuple[int, int]]:
        """Yield times: from the first to before the second."""
        left, count = list(self._weeks), 1
        while left:
            some = left[-count:] if is_newest else left[:count]
            left = left[:-count] if is_newest else left[count:]
            yield some[0].start_ms, some[-1].start_ms + WEEK_MS
            count *= GROWTH


def sound(lines: Sequence[Sequence[object]]) -> list[Row]:
    """Return rows whose checksums are right.

    Raises:
        DamagedError: some are not.
    """
    rows = [verified(tuple(line)) for line in lines]
    damaged = [
        Position(int(str(line[1]))) for line, row in zip(lines, rows, strict=True) if row is None
    ]
    if damaged:
        raise DamagedError(tuple(dict.fromkeys(damaged)))
    return [row for row in rows if row is not None]


async def position_at(connection: Connection, weeks: Sequence[Week], time_ms: int) -> int:
    """Return the first position whose rows are at `time_ms` or later."""
    candidates = [week for week in weeks if week.end_ms > time_ms]
    for week in candidates:
        found = await connection.fetchval(
            f"SELECT position FROM {week.table} WHERE time_ms >= $1"  # noqa: S608
            " ORDER BY time_ms, position LIMIT 1",
            time_ms,
        )
        if found is not None:
            return int(found)
    return 2**63 - 1


async def read_page(
    connection: Connection, weeks: Sequence[Week], page: Page, span: Span
) -> tuple[Row, ...]:
    """Return the rows of a page in a span, in ascending order."""

    async def at(anchor: Anchor, offset: int) -> _Place:
        if anchor.time_ms >= 0:
            return await position_at(connection, weeks, anchor.time_ms + offset), 0
        return anchor.position, anchor.part + offset

    low: _Place = (span.first, 0)
    high: _Place = (min(span.last, 2**63 - 2) + 1, 0)
    if page.after is not None:
        low = max(low, await at(page.after, 1))
    if page.before is not None:
        high = min(high, await at(page.before, 0))
    reader = _Reader(connection, weeks, page)
    if page.around is None:
        return await reader.fetch(low, high, page.limit, is_newest=page.is_newest)
    middle = min(max(low, await at(page.around, 0)), high)
    earlier = await reader.fetch(low, middle, page.limit // 2, is_newest=True)
    rest = page.limit - len(earlier)
    return earlier + await reader.fetch(middle, high, rest, is_newest=False)


class _Reader:
    """Reads the rows of a page from everything that it is taken from."""

    def __init__(self, connection: Connection, weeks: Sequence[Week], page: Page) -> None:
        self._connection = connection
        self._weeks = weeks
        self._excerpts = list(dict.fromkeys(page.excerpts()))
        self._kinds = page.kinds

    async def fetch(
        self, low: _Place, high: _Place, limit: int, *, is_newest: bool
    ) -> tuple[Row, ...]:
        """Return up to `limit` rows from `low` to before `high`, in ascending order."""
        if limit <= 0:
            return ()
        found: dict[_Place, Row] = {}
        for excerpt in reversed(self._excerpts):
            # A message between two users of one account has two rows that this account owns.
            for row in await self._fetch(excerpt, low, high, limit, is_newest=is_newest):
                found[row.position, row.part] = row
        rows = [found[place] for place in sorted(found)]
        return tuple(rows[max(0, len(rows) - limit) :] if is_newest else rows[:limit])

    async def _fetch(
        self, excerpt: Excerpt, low: _Place, high: _Place, limit: int, *, is_newest: bool
    ) -> list[Row]:
        low = max(low, (excerpt.from_position, 0))
        found: list[Row] = []
        passed_over = 0
        for span in Windows(self._weeks, low[0], high[0] + 1).spans(is_newest=is_newest):
            start, end = low, high
            while len(found) < limit and start < end:
                rows = await self._rows(excerpt, start, end, span, limit, is_newest=is_newest)
                wanted = [row for row in rows if self._is_wanted(row, excerpt)]
                passed_over += len(rows) - len(wanted)
                found = wanted + found if is_newest else found + wanted
                if excerpt.peers and passed_over >= PASSED_OVER_MAX:
                    return found
                if len(rows) < limit:
                    break
                if is_newest:
                    end = (rows[0].position, rows[0].part)
                else:
                    start = (rows[-1].position, rows[-1].part + 1)
            if len(found) >= limit:
                return found[-limit:] if is_newest else found[:limit]
        return found

    def _is_wanted(self, row: Row, excerpt: Excerpt) -> bool:
        return is_shown(row, self._kinds) and is_with(row, excerpt.peers)

    async def _rows(
        self,
        excerpt: Excerpt,
        low: _Place,
        high: _Place,
        span: tuple[int, int],
        limit: int,
        *,
        is_newest: bool,
    ) -> list[Row]:
        order = "DESC" if is_newest else "ASC"
        rows: list[Row] = []
        for kind in self._kinds:
            is_kind = "kind = 0" if kind == KIND_MESSAGE else f"kind <> 0 AND kind = {int(kind)}"
            lines = await self._connection.fetch(
                f"SELECT {COLUMNS} FROM roost.rows"  # noqa: S608
                f" WHERE conversation = $1 AND {is_kind}"
                " AND (position, part) >= ($2, $3) AND (position, part) < ($4, $5)"
                f" AND time_ms >= {span[0]} AND time_ms < {span[1]}"
                f" ORDER BY position {order}, part {order} LIMIT $6",
                excerpt.conversation,
                *low,
                *high,
                limit,
            )
            rows += sound(lines)
        rows.sort(key=lambda row: (row.position, row.part))
        return rows[-limit:] if is_newest else rows[:limit]


async def search(
    connection: Connection, weeks: Sequence[Week], query: Search, span: Span
) -> tuple[Row, ...]:
    """Return messages by their text, in ascending order."""
    if query.limit <= 0:
        return ()
    low, high = int(span.first), min(span.last, 2**63 - 2) + 1
    if query.after_ms >= 0:
        low = max(low, await position_at(connection, weeks, query.after_ms))
    if query.before_ms >= 0:
        high = min(high, await position_at(connection, weeks, query.before_ms + 1))
    words = match(query)
    order = "DESC" if query.is_newest else "ASC"
    found: dict[_Place, Row] = {}
    passed_over = 0
    for start_ms, end_ms in Windows(weeks, low, high).spans(is_newest=query.is_newest):
        first, end = low, high
        while first < end:
            lines = await connection.fetch(
                f"SELECT {COLUMNS} FROM roost.rows"  # noqa: S608
                " WHERE kind = 0 AND words @@ $1::text::tsquery"
                " AND position >= $2 AND position < $3"
                f" AND time_ms >= {start_ms} AND time_ms < {end_ms}"
                f" ORDER BY position {order}, part {order}, conversation {order}"
                f" LIMIT {FOUND_MAX}",
                words,
                first,
                end,
            )
            rows = sound(lines)
            for row in rows:
                peers = peers_of_excerpts(row.conversation, row.position, query)
                if any(is_with(row, those) for those in peers):
                    found.setdefault((row.position, row.part), row)
                elif peers:
                    passed_over += 1
                is_full = len(found) >= query.limit
                if is_full or passed_over >= PASSED_OVER_MAX:
                    return _ordered(found)
            if len(rows) < FOUND_MAX:
                break
            # The last position may have more rows; those that are here count once.
            if query.is_newest:
                end = min(end - 1, rows[-1].position + 1)
            else:
                first = max(first + 1, rows[-1].position)
    return _ordered(found)


def _ordered(found: dict[_Place, Row]) -> tuple[Row, ...]:
    return tuple(found[place] for place in sorted(found))
