"""Answers `Targets` queries, from a table of each conversation's newest message.

The table is derived from the rows, and a damaged line of it is renewed from them.
"""

import contextlib
import sqlite3
import struct
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from roost.chat.history import (
    EVERYTHING,
    KIND_MESSAGE,
    Owner,
    Row,
    Span,
    Target,
    Targets,
    private_conversation,
)
from roost.storage.checksums import row_checksum
from roost.storage.database import insert_many
from roost.storage.errors import CorruptRowsError
from roost.storage.history_rows import read_row, whole

SCHEMA = """
CREATE TABLE IF NOT EXISTS latest (
    conversation TEXT PRIMARY KEY, owner TEXT NOT NULL, position INTEGER NOT NULL,
    part INTEGER NOT NULL, time_ms INTEGER NOT NULL, name TEXT NOT NULL,
    checksum INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS latest_by_owner ON latest (owner, time_ms) WHERE owner <> '';
"""

_COLUMNS = "conversation, owner, position, part, time_ms, name, checksum"


_UPDATE = (
    "ON CONFLICT (conversation) DO UPDATE SET"
    " owner = excluded.owner, position = excluded.position, part = excluded.part,"
    " time_ms = excluded.time_ms, name = excluded.name, checksum = excluded.checksum"
    " WHERE excluded.position > position"
    " OR excluded.position = position AND excluded.part >= part"
)

_Found: TypeAlias = tuple[int, int, Target]
"""Time, position and target."""


def note_newest(newest: dict[str, Row], rows: Iterable[Row]) -> None:
    """Put the newest message of each conversation into `newest`."""
    for row in rows:
        if row.kind == KIND_MESSAGE:
            known = newest.get(row.conversation)
            if known is None or (row.position, row.part) >= (known.position, known.part):
                newest[row.conversation] = row


def write_latest(connection: sqlite3.Connection, newest: Mapping[str, Row]) -> None:
    """Update the table with the newest of the messages that were just stored."""
    insert_many(connection, "latest", [_line(row) for row in newest.values()], update=_UPDATE)


def forget_latest(connection: sqlite3.Connection, after: int) -> None:
    """Renew the lines of conversations whose rows from position `after` on were dropped."""
    lines = connection.execute(
        "SELECT conversation FROM latest WHERE position >= ?", (after,)
    ).fetchall()
    connection.execute("DELETE FROM latest WHERE position >= ?", (after,))
    for (conversation,) in lines:
        # One without a line has one again with its next message.
        with contextlib.suppress(CorruptRowsError):
            _renew(connection, conversation)


def read_targets(
    connection: sqlite3.Connection, targets: Targets, positions: Span = EVERYTHING
) -> tuple[Target, ...]:
    """Return the conversations whose newest message is between the two times and in `positions`.

    Raises:
        CorruptRowsError: a damaged line cannot be renewed, because rows are damaged, too.
    """
    if targets.limit <= 0:
        return ()
    is_newest_first = targets.after_ms > targets.before_ms
    low, high = sorted((targets.after_ms, targets.before_ms))
    found: dict[str, _Found] = {}
    for conversation, name, from_position in targets.rooms:
        fields = _find_line(connection, conversation)
        if fields is not None:
            _, _, position, _, time_ms, _ = fields
            is_in = max(from_position, positions.first) <= position <= positions.last
            if is_in and low < time_ms < high:
                found[conversation] = (time_ms, position, Target(name, time_ms))
    for owner in targets.owners:
        found |= _private_targets(
            connection, targets, owner, (low, high), positions, is_newest_first=is_newest_first
        )
    ordered = sorted(found.values(), key=lambda entry: entry[:2], reverse=is_newest_first)
    return tuple(target for _, _, target in ordered[: targets.limit])


def _private_targets(
    connection: sqlite3.Connection,
    targets: Targets,
    owner: Owner,
    span: tuple[int, int],
    positions: Span,
    *,
    is_newest_first: bool,
) -> dict[str, _Found]:
    """Return up to `limit` private conversations of one owner, by the folded peer."""
    order = "DESC" if is_newest_first else "ASC"
    # By the peer, because a conversation whose line was renewed can come again.
    found: dict[str, _Found] = {}
    lines = connection.execute(
        f"SELECT {_COLUMNS} FROM latest WHERE owner = ? AND owner <> ''"  # noqa: S608
        f" AND time_ms > ? AND time_ms < ? ORDER BY time_ms {order}",
        (f"d:{owner.identity}", *span),
    )
    with contextlib.closing(lines):
        for line in lines:
            fields = _sound(connection, line)
            if fields is None:
                continue
            conversation, _, position, _, time_ms, name = fields
            peer = conversation.rpartition(" ")[2]
            if not max(owner.from_position, positions.first) <= position <= positions.last:
                continue
            if not span[0] < time_ms < span[1]:
                continue
            if _is_outdated(connection, targets, owner, peer, position):
                continue
            found[peer] = (time_ms, position, Target(name, time_ms))
            if len(found) == targets.limit:
                break
    return found


def _is_outdated(
    connection: sqlite3.Connection, targets: Targets, owner: Owner, peer: str, position: int
) -> bool:
    """Return whether a later message with the same peer is stored under another identity."""
    for other in targets.owners:
        if other != owner:
            fields = _find_line(connection, private_conversation(other.identity, peer))
            if fields is not None and fields[2] >= max(other.from_position, position + 1):
                return True
    return False


def _find_line(connection: sqlite3.Connection, conversation: str) -> tuple[Any, ...] | None:
    """Return the sound fields of a conversation's line."""
    line = connection.execute(
        f"SELECT {_COLUMNS} FROM latest WHERE conversation = ?",  # noqa: S608
        (conversation,),
    ).fetchone()
    return None if line is None else _sound(connection, line)


def _line(row: Row) -> tuple[Any, ...]:
    owner = row.conversation.rpartition(" ")[0]
    fields = (row.conversation, owner, row.position, row.part, row.time_ms, row.peer)
    return (*fields, _checksum(fields))


def _checksum(fields: tuple[Any, ...]) -> int:
    conversation, owner, position, part, time_ms, name = fields
    return row_checksum(conversation, position, part, time_ms, KIND_MESSAGE, name, owner.encode())


def _sound(connection: sqlite3.Connection, line: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Return a line's fields if their checksum is right, else renewed ones."""
    *fields, checksum = line
    try:
        if _checksum(tuple(fields)) == checksum:
            return tuple(fields)
    except (struct.error, TypeError, AttributeError, UnicodeEncodeError):
        pass
    return _renew(connection, fields[0])


def _renew(connection: sqlite3.Connection, conversation: Any) -> tuple[Any, ...] | None:
    """Renew a conversation's line from the rows; return None if it has no message."""
    try:
        place = connection.execute(
            "SELECT position, part FROM rows INDEXED BY rows_messages WHERE conversation = ?"
            " AND kind = 0 ORDER BY position DESC, part DESC LIMIT 1",
            (conversation,),
        ).fetchone()
    except UnicodeEncodeError:
        return None  # The name itself is damaged, and there is no such conversation.
    if place is None:
        return None
    row = read_row(connection, conversation, *place)
    if row is None:
        raise CorruptRowsError((whole(place[0]),))
    line = _line(row)
    connection.execute("INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?, ?, ?)", line)
    return line[:-1]
