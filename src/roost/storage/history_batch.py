"""Rows that are stored in one transaction, some at a time.

    insert, insert, ... --> rows in an open transaction --> finish, in the end

What is done for a row is done for a few hundred together, while they are in the processor's caches.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from roost.chat.history import Row
from roost.storage.database import ROWS_PER_STATEMENT
from roost.storage.history_redactions import ForgetWords, redact_rows
from roost.storage.history_rows import insert_rows
from roost.storage.history_targets import note_newest, write_latest


class Batch:
    """What the open transaction has so far."""

    def __init__(self, forget_words: ForgetWords) -> None:
        """`forget_words` is called for messages that rows redact."""
        self.rows: list[Row] = []
        """The rows as they are stored, but for those that were redacted later."""
        self.has_redacted = False
        """Whether some of the rows may have been redacted later."""
        self._forget_words = forget_words
        self._newest: dict[str, Row] = {}

    def insert(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Insert rows; existing ones stay as they are."""
        stored = redact_rows(connection, rows, self._forget)
        for first in range(0, len(rows), ROWS_PER_STATEMENT):
            end = first + ROWS_PER_STATEMENT
            insert_rows(connection, stored[first:end])
            note_newest(self._newest, rows[first:end])
        self.rows += stored

    def finish(self, connection: sqlite3.Connection) -> None:
        """Write what follows from all rows together."""
        write_latest(connection, self._newest)

    def _forget(self, conversation: str, places: Iterable[tuple[int, int]]) -> None:
        self.has_redacted = True
        self._forget_words(conversation, places)
