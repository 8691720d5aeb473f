"""Removes the text of redacted messages, whichever comes first: message or redaction.

A redaction is a row like any other, and rows from neighbours come in any order. So the places of
redacted messages are noted in a table of their own, which keeps them whatever happens to the rows.

    rows to store, at noted places           --> stored without their text
    redactions among the rows to store       --> their messages, if stored, lose their text, and
                                                 the index for searching its words
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import msgspec

from roost.chat.changes import Redacted
from roost.chat.history import KIND_MESSAGE, KIND_REDACTION, KIND_TAGMSG, Row, decode_change
from roost.chat.record import redacted
from roost.storage.history_rows import COLUMNS, insert_rows, verified

SCHEMA = """
CREATE TABLE IF NOT EXISTS redactions (
    position INTEGER NOT NULL, part INTEGER NOT NULL, PRIMARY KEY (position, part)
) WITHOUT ROWID;
"""

_KINDS = (KIND_MESSAGE, KIND_TAGMSG)
"""The kinds of rows that can be redacted."""


ForgetWords: TypeAlias = Callable[[str, Iterable[tuple[int, int]]], None]
"""Called with a conversation, and the positions and parts of its messages."""


def redact_rows(
    connection: sqlite3.Connection, rows: Sequence[Row], forget_words: ForgetWords
) -> Sequence[Row]:
    """Return rows as they may be stored, and redact rows that are stored already."""
    if not rows:
        return rows
    for row in rows:
        if row.kind == KIND_REDACTION:
            _note(connection, row, forget_words)
    first, last = rows[0].position, rows[-1].position
    noted = connection.execute(
        "SELECT position, part FROM redactions WHERE position BETWEEN ? AND ?",
        (min(first, last), max(first, last)),
    ).fetchall()
    if not noted:
        return rows
    places = dict.fromkeys(noted)
    return [
        redacted(row) if row.kind in _KINDS and (row.position, row.part) in places else row
        for row in rows
    ]


def unredact(connection: sqlite3.Connection, after: int) -> list[int]:
    """Forget the redactions in rows from position `after` on, which are about to be dropped.

    Return the positions before it of the messages that they redacted.
    """
    found = connection.execute(
        f"SELECT {COLUMNS} FROM rows WHERE position >= ? AND kind = ?",  # noqa: S608
        (after, KIND_REDACTION),
    ).fetchall()
    rows = [row for row in map(verified, found) if row is not None]
    places = [place for place in map(_place, rows) if place is not None]
    connection.executemany("DELETE FROM redactions WHERE position = ? AND part = ?", places)
    return sorted({position for position, _ in places if position < after})


def is_noted_from(connection: sqlite3.Connection, first: int) -> bool:
    """Return whether a message at a position or after it is to be stored without its text."""
    question = "SELECT 1 FROM redactions WHERE position >= ? LIMIT 1"
    return connection.execute(question, (first,)).fetchone() is not None


def _place(row: Row) -> tuple[int, int] | None:
    """Return the place of the message that a row redacts; None if the row cannot be read."""
    try:
        change = decode_change(row.record)
    except msgspec.MsgspecError:
        return None
    return (change.position, change.number) if isinstance(change, Redacted) else None


def _note(connection: sqlite3.Connection, row: Row, forget_words: ForgetWords) -> None:
    place = _place(row)
    if place is None:
        return
    connection.execute("INSERT OR IGNORE INTO redactions VALUES (?, ?)", place)
    stored = connection.execute(
        f"SELECT {COLUMNS} FROM rows WHERE position = ? AND part = ?",  # noqa: S608
        place,
    ).fetchall()
    sound = [found for found in map(verified, stored) if found is not None]
    forgotten = [redacted(found) for found in sound if found.kind in _KINDS]
    for found in forgotten:
        forget_words(found.conversation, [(found.position, found.part)])
        connection.execute(
            "DELETE FROM rows WHERE position = ? AND part = ? AND conversation = ?",
            (found.position, found.part, found.conversation),
        )
    insert_rows(connection, forgotten)
