"""Takes the words of erased people out of the rows, some at a time.

    records   "erasures": whose words, and up to which position the rows are done

Rows that come later, such as a neighbour's, are erased before they are stored. So what is done
stays done. Deleted text is overwritten (`secure_delete`), and the index for searching is made anew,
because it cannot forget words that it is not told.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence

import msgspec

from roost.chat.erasing import erased
from roost.chat.history import POSITION_MAX, Row
from roost.chat.ids import AccountId, Position
from roost.chat.state import Erasure
from roost.storage.history_rows import COLUMNS, insert_rows, verified, whole
from roost.storage.records import has_record, read_record, write_record

ROWS_PER_STEP = 500
"""Rows that are looked at in one transaction, in some 10 ms."""

_NAME = "erasures"


class Progress(msgspec.Struct, frozen=True, array_like=True):
    """Whose words are erased, and from which position on that is still to be done."""

    account: AccountId
    erasure: Erasure
    next: Position = Position(0)

    @property
    def is_done(self) -> bool:
        """Whether all rows are done."""
        return self.next > self.erasure.until


class Erasures:
    """What is erased from a store, and what is still to be."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read it; a damaged record makes everything be looked at again."""
        value = read_record(connection, _NAME)
        self.is_damaged = value is None and has_record(connection, _NAME)
        found = () if value is None else msgspec.json.decode(value, type=tuple[Progress, ...])
        self._progress = {one.account: one for one in found}

    @property
    def done(self) -> tuple[AccountId, ...]:
        """The accounts whose words are in no row any more."""
        return tuple(one.account for one in self._progress.values() if one.is_done)

    @property
    def known(self) -> Mapping[AccountId, Erasure]:
        """The accounts that are erased."""
        return {one.account: one.erasure for one in self._progress.values()}

    def clean(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Return rows as they may be stored."""
        return erased(rows, self.known) if self._progress else rows

    def step(
        self,
        connection: sqlite3.Connection,
        account: AccountId,
        erasure: Erasure,
        forget_index: Callable[[], None],
    ) -> Progress:
        """Erase some more rows, within the caller's transaction; call `forget_index` in the end.

        Return what to give to `note` once the transaction is done.
        """
        progress = self._progress.get(account, Progress(account, erasure))
        found = connection.execute(
            f"SELECT {COLUMNS} FROM rows WHERE position BETWEEN ? AND ?"  # noqa: S608
            " ORDER BY position, part, conversation LIMIT ?",
            (progress.next, erasure.until, ROWS_PER_STEP),
        ).fetchall()
        last = erasure.until
        if len(found) == ROWS_PER_STEP:
            # There may be more rows of the last position.
            first, last = whole(found[0][1]), Position(whole(found[-1][1]) - 1)
            if last < first:
                last = first
                found = connection.execute(
                    f"SELECT {COLUMNS} FROM rows WHERE position = ?",  # noqa: S608
                    (first,),
                ).fetchall()
        rows = [row for row in map(verified, found) if row is not None and row.position <= last]
        for row in rows:
            left = erased((row,), {account: erasure})
            if tuple(left) != (row,):
                connection.execute(
                    "DELETE FROM rows WHERE position = ? AND part = ? AND conversation = ?",
                    (row.position, row.part, row.conversation),
                )
                insert_rows(connection, left)
        following = min(Position(last + 1), Position(POSITION_MAX))
        if following > erasure.until:
            # Nothing is indexed before the transaction ends.
            forget_index()
            for owner in erasure.owners:
                connection.execute("DELETE FROM latest WHERE owner = ?", (f"d:{owner.identity}",))
        made = Progress(account, erasure, following)
        value = msgspec.json.encode(tuple((self._progress | {account: made}).values()))
        write_record(connection, _NAME, value)
        return made

    def note(self, progress: Progress) -> None:
        """Note that a step is done."""
        self._progress[progress.account] = progress
