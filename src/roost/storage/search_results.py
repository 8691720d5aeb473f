"""Reads the rows that a search has found, as far as the client may see them."""

import sqlite3
from collections.abc import Iterable

from roost.chat.history import KIND_MESSAGE, Owner, Row, Search, is_with
from roost.chat.ids import Position
from roost.storage.errors import CorruptRowsError
from roost.storage.history_pages import PASSED_OVER_MAX
from roost.storage.history_rows import COLUMNS, verified
from roost.storage.search_chapters import Place


def read_found(
    connection: sqlite3.Connection, query: Search, places: Iterable[Place]
) -> tuple[Row, ...]:
    """Return the rows at the places found, in ascending order, up to the limit.

    Raises:
        CorruptRowsError: some of them are damaged.
    """
    found: list[Row] = []
    passed_over = 0
    for position, part, conversation in places:
        peers = peers_of_excerpts(conversation, position, query)
        if not peers:
            continue
        columns = connection.execute(
            f"SELECT {COLUMNS} FROM rows"  # noqa: S608
            " WHERE position = ? AND part = ? AND conversation = ?",
            (position, part, conversation),
        ).fetchone()
        if columns is None:
            continue  # It was dropped since it was indexed.
        row = verified(columns)
        if row is None:
            raise CorruptRowsError((Position(position),))
        if row.kind != KIND_MESSAGE:
            continue  # It was redacted since.
        if not any(is_with(row, some) for some in peers):
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


def peers_of_excerpts(conversation: str, position: int, query: Search) -> list[tuple[Owner, ...]]:
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
