"""A history whose newest rows wait in memory, so that they are stored many at a time.

    write --> rows in memory, and in an open transaction --flush--> HistoryStore
    pages <-- the newest rows from memory, earlier ones from the store

A row that is stored touches a page of its conversation's index. The more rows are stored at once,
the fewer pages are written, and the less often. They are inserted as they come, so that no moment
has the work for all of them. All nodes get the same rows, so each stores them at a moment of its
own. The log has the rows until `sync`, which stores everything. So do all other calls but the
latest page of a conversation, which most clients ask for.

Nothing is shown of rows in memory that changes when it is stored: rows of people whose words are
erased do not wait, and a redaction among those that wait has them stored before a page is read.
"""

import contextlib
from collections.abc import Sequence
from operator import attrgetter

from msgspec.structs import replace

from roost.chat.history import (
    EVERYTHING,
    KIND_REDACTION,
    Anchor,
    Answer,
    Excerpt,
    Held,
    Page,
    Query,
    Row,
    Span,
    is_shown,
    is_with,
)
from roost.chat.holes import Hole
from roost.chat.ids import AccountId, Position
from roost.chat.state import Erasure
from roost.storage.errors import FullError, StorageError
from roost.storage.history_gaps import Terms
from roost.storage.history_port import Unindexed
from roost.storage.history_store import HistoryStore

ROWS_MAX = 16_000
"""Rows in memory, which take 8 MB: even of many rooms, each has several among them. What is left to
do when they are stored takes some 20 ms."""
BYTES_MAX = 8 * 1024 * 1024
"""Their records, for those who write long messages."""

_record = attrgetter("record")


class HistoryBuffer:
    """A store, and the rows that are newer than those in it; see the port `History`."""

    def __init__(self, store: HistoryStore, phase: float = 1.0) -> None:
        """Keep rows before a store; `phase`, from 0 to 1, is a number of the node."""
        self._store = store
        self._first_share = (1 + phase) / 2
        self._is_in_turn = False
        """Whether rows were stored last because there were enough."""
        self._applied = store.applied
        self._rows: list[Row] = []
        """In order, and of positions that the store does not have."""
        self._inserted = 0
        """How many of them the store has in a transaction that goes on."""
        self._bytes = 0
        self._sorted = 0
        """How many of them were sorted by conversation, which is only done for who asks."""
        self._by_conversation: dict[str, list[Row]] = {}

    @property
    def findings(self) -> tuple[str, ...]:
        """What was found to be damaged when the store was opened, in words."""
        return self._store.findings

    @property
    def applied(self) -> Position:
        """The last position whose rows are in memory, or stored."""
        return self._applied

    @property
    def held(self) -> Held:
        """See the port."""
        return self._store.held

    @property
    def holes(self) -> tuple[Hole, ...]:
        """See the port."""
        return self._store.holes

    @property
    def erased(self) -> tuple[AccountId, ...]:
        """See the port."""
        return self._store.erased

    def gaps(self) -> tuple[tuple[Position, Position], ...]:
        """See the port."""
        return self._store.gaps()

    def terms(self) -> Terms:
        """See the port."""
        return self._store.terms()

    def write(self, rows: Sequence[Row], applied: Position, terms: Terms = ()) -> None:
        """Keep rows, or store them at once with those that wait; see the port."""
        may_wait = not terms and self._may_wait(rows)
        size = self._bytes + sum(map(len, map(_record, rows)))
        is_enough = len(self._rows) + len(rows) > self._rows_max or size > BYTES_MAX
        if not may_wait or is_enough:
            # If this fails, what waited still waits, and these rows come again.
            self._put(rows, max(applied, self._applied), terms)
            self._is_in_turn = may_wait
            return
        self._rows += rows
        self._bytes = size
        self._applied = max(applied, self._applied)
        with contextlib.suppress(FullError):
            self._insert()

    @property
    def _rows_max(self) -> int:
        """How many rows wait: fewer at first, and each node its own number, to take turns."""
        return ROWS_MAX if self._is_in_turn else int(ROWS_MAX * self._first_share)

    def _insert(self) -> None:
        """Insert the rows in memory that are not yet inserted."""
        begin, self._inserted = self._inserted, 0
        if begin < len(self._rows):
            self._store.insert(self._rows[begin:])
        self._inserted = len(self._rows)

    def _may_wait(self, rows: Sequence[Row]) -> bool:
        """Return whether rows only follow those before, and are stored as they are."""
        if not rows:
            return True
        first = rows[0].position
        return first > self._applied and not self._store.may_change_after(first)

    def flush(self) -> None:
        """Store the rows that wait, if there are any.

        Raises:
            FullError: the disk is full; they wait on.
        """
        if self._has_waiting:
            self._put((), self._applied, ())
            self._is_in_turn = False

    def _put(self, rows: Sequence[Row], applied: Position, terms: Terms) -> None:
        """Store the rows in memory, and further ones."""
        begin, self._inserted = self._inserted, 0
        self._store.write((*self._rows[begin:], *rows), applied, terms)
        self._rows = []
        self._bytes = self._sorted = 0
        self._by_conversation = {}
        self._applied = self._store.applied

    # Questions

    def answer(self, query: Query, span: Span = EVERYTHING) -> Answer:
        """Answer a query; see the port."""
        if isinstance(query, Page) and query.around is None:
            waiting = self._waiting(query, span)
            if query.is_newest and waiting:
                limit = query.limit - len(waiting)
                query = replace(query, limit=limit)
                found = self._store.answer(query, self._stored(span)) if limit > 0 else ()
                return (*found, *waiting)
            found = self._store.answer(query, self._stored(span))
            if not waiting or len(found) >= query.limit:
                return found
            # Of some private conversations the store may leave out what would come between.
            if not any(excerpt.peers for excerpt in query.excerpts()):
                return (*found, *waiting[: query.limit - len(found)])
        self.flush()
        return self._store.answer(query, span)

    def _stored(self, span: Span) -> Span:
        """Return a span without the rows in memory, which the store may have inserted."""
        return Span(span.first, min(span.last, self._store.applied))

    def _waiting(self, page: Page, span: Span) -> list[Row]:
        """Return the rows in memory that a page can have; all of them follow those stored."""
        if not self._sort():
            self.flush()
        found: dict[tuple[int, int], Row] = {}
        # A message between two users of one account has two rows that this account owns.
        for excerpt in dict.fromkeys(page.excerpts()):
            for row in self._by_conversation.get(excerpt.conversation, ()):
                if _is_in(row, page, excerpt, span):
                    found.setdefault((row.position, row.part), row)
        rows = [found[place] for place in sorted(found)]
        limit = max(page.limit, 0)
        return rows[max(0, len(rows) - limit) :] if page.is_newest else rows[:limit]

    def _sort(self) -> bool:
        """Sort rows by conversation; return whether all are as they will be stored."""
        for row in self._rows[self._sorted :]:
            if row.kind == KIND_REDACTION:
                self._by_conversation, self._sorted = {}, 0
                return False
            known = self._by_conversation.get(row.conversation)
            if known is None:
                self._by_conversation[row.conversation] = [row]
            else:
                known.append(row)
        self._sorted = len(self._rows)
        return True

    def export(
        self, first: Position, last: Position, bytes_max: int
    ) -> tuple[tuple[Row, ...], Position, tuple[Position, ...]]:
        """Return rows for a neighbour; see the port."""
        try:
            self.flush()
        except FullError:
            # There is no room for those that wait: they are not among those that are covered.
            last = min(last, max(self._store.applied, Position(first - 1)))
        return self._store.export(first, last, bytes_max)

    def find_kept(self, conversation: str, older_ms: int, messages: int) -> Position:
        """See the port."""
        with contextlib.suppress(FullError):
            self.flush()
        return self._store.find_kept(conversation, older_ms, messages)

    def index_some(self, *, is_busy: bool = False) -> Unindexed:
        """Store what waits unless the process is busy, and make some of the index; see the port."""
        if not is_busy:
            self.flush()
        left = self._store.index_some(is_busy=is_busy)
        return left or (Unindexed.WAITING if self._has_waiting else Unindexed.NONE)

    @property
    def _has_waiting(self) -> bool:
        return bool(self._rows) or self._applied > self._store.applied

    # Changes

    def sync(self) -> None:
        """Make everything durable, rows that wait included; see the port."""
        self._flushed().sync()

    def import_rows(self, rows: Sequence[Row], first: Position, last: Position) -> None:
        """See the port."""
        self._flushed().import_rows(rows, first, last)

    def add_gap(self, first: Position, last: Position) -> None:
        """See the port."""
        self._flushed().add_gap(first, last)

    def narrow_gap(self, first: Position, last: Position) -> None:
        """See the port."""
        self._flushed().narrow_gap(first, last)

    def skip_terms(self, first: Position, last: Position, term: int) -> None:
        """See the port."""
        self._flushed().skip_terms(first, last, term)

    def reset_applied(self, position: Position) -> None:
        """See the port."""
        self._flushed().reset_applied(position)
        self._applied = position

    def forget(self, last: Position) -> tuple[Position, ...]:
        """See the port."""
        missing = self._flushed().forget(last)
        self._applied = self._store.applied
        return missing

    def hold_from(self, held: Held) -> None:
        """See the port."""
        self._flushed().hold_from(held)

    def note_hole(self, hole: Hole) -> None:
        """See the port."""
        self._flushed().note_hole(hole)

    def trim(self, before: Position, older_ms: int, bytes_max: int = 0) -> bool:
        """See the port."""
        return self._flushed().trim(before, older_ms, bytes_max)

    def trim_room(self, conversation: str, before: Position) -> bool:
        """See the port."""
        return self._flushed().trim_room(conversation, before)

    def erase(self, account: AccountId, erasure: Erasure) -> bool:
        """See the port."""
        return self._flushed().erase(account, erasure)

    def _flushed(self) -> HistoryStore:
        self.flush()
        return self._store

    def close(self) -> None:
        """Store what waits, if that is possible, and close the files."""
        with contextlib.suppress(StorageError):
            self.flush()
        self._store.close()


def _is_in(row: Row, page: Page, excerpt: Excerpt, span: Span) -> bool:
    """Return whether a row is one of those that a page is taken from."""
    return (
        max(span.first, excerpt.from_position) <= row.position <= span.last
        and (page.after is None or _compare(row, page.after) > 0)
        and (page.before is None or _compare(row, page.before) < 0)
        and is_shown(row, page.kinds)
        and is_with(row, excerpt.peers)
    )


def _compare(row: Row, anchor: Anchor) -> int:
    """Return whether a row is before an anchor (-1), at it (0), or after it (1)."""
    if anchor.time_ms >= 0:
        own: tuple[int, ...] = (row.time_ms,)
        other: tuple[int, ...] = (anchor.time_ms,)
    else:
        own, other = (row.position, row.part), (anchor.position, anchor.part)
    return (own > other) - (own < other)
