"""The newest message of each conversation in PostgreSQL, and the answers to `Targets`."""

from collections.abc import Iterable

from roost.archive.schema import Connection
from roost.chat.history import (
    Owner,
    Row,
    Span,
    Target,
    Targets,
    private_conversation,
)
from roost.storage.history_targets import note_newest

LINES = 200
"""Lines that are read at once: more than an answer has, because some do not count."""

_UPSERT = """
INSERT INTO roost.latest
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::int[], $5::bigint[], $6::text[])
ON CONFLICT (conversation) DO UPDATE SET owner = excluded.owner, position = excluded.position,
    part = excluded.part, time_ms = excluded.time_ms, name = excluded.name
WHERE (excluded.position, excluded.part) >= (latest.position, latest.part)
"""
_COLUMNS = "conversation, position, time_ms, name"


async def note_latest(connection: Connection, rows: Iterable[Row]) -> None:
    """Update the table with rows that are stored, within the caller's transaction."""
    newest: dict[str, Row] = {}
    note_newest(newest, rows)
    # In one order everywhere, so that two writers cannot block each other.
    lines = [newest[name] for name in sorted(newest)]
    if lines:
        await connection.execute(
            _UPSERT,
            [row.conversation for row in lines],
            [row.conversation.rpartition(" ")[0] for row in lines],
            [row.position for row in lines],
            [row.part for row in lines],
            [row.time_ms for row in lines],
            [row.peer for row in lines],
        )


async def read_targets(
    connection: Connection, targets: Targets, positions: Span
) -> tuple[Target, ...]:
    """Return the conversations whose newest message is between two times and in `positions`."""
    if targets.limit <= 0:
        return ()
    is_newest_first = targets.after_ms > targets.before_ms
    low, high = sorted((targets.after_ms, targets.before_ms))
    rooms = {key: (name, first) for key, name, first in targets.rooms}
    found: dict[str, tuple[int, int, Target]] = {}
    lines = await connection.fetch(
        f"SELECT {_COLUMNS} FROM roost.latest WHERE conversation = ANY($1)",  # noqa: S608
        list(rooms),
    )
    for conversation, position, time_ms, _ in lines:
        name, first = rooms[conversation]
        is_in = max(first, positions.first) <= position <= positions.last
        if is_in and low < time_ms < high:
            found[conversation] = (time_ms, position, Target(name, time_ms))
    for owner in targets.owners:
        found |= await _private(
            connection, targets, owner, positions, is_newest_first=is_newest_first
        )
    ordered = sorted(found.values(), key=lambda entry: entry[:2], reverse=is_newest_first)
    return tuple(target for _, _, target in ordered[: targets.limit])


async def _private(
    connection: Connection,
    targets: Targets,
    owner: Owner,
    positions: Span,
    *,
    is_newest_first: bool,
) -> dict[str, tuple[int, int, Target]]:
    """Return up to `limit` private conversations of one owner, by the folded peer."""
    low, high = sorted((targets.after_ms, targets.before_ms))
    order = "DESC" if is_newest_first else "ASC"
    found: dict[str, tuple[int, int, Target]] = {}
    offset = 0
    while len(found) < targets.limit:
        lines = await connection.fetch(
            f"SELECT {_COLUMNS} FROM roost.latest"  # noqa: S608
            " WHERE owner = $1 AND time_ms > $2 AND time_ms < $3"
            f" ORDER BY time_ms {order}, conversation LIMIT {LINES} OFFSET $4",
            f"d:{owner.identity}",
            low,
            high,
            offset,
        )
        outdated = await _outdated(connection, targets, owner, [tuple(line) for line in lines])
        for conversation, position, time_ms, name in lines:
            is_in = max(owner.from_position, positions.first) <= position <= positions.last
            peer = conversation.rpartition(" ")[2]
            if is_in and peer not in outdated and len(found) < targets.limit:
                found[peer] = (time_ms, position, Target(name, time_ms))
        if len(lines) < LINES:
            break
        offset += LINES
    return found


async def _outdated(
    connection: Connection,
    targets: Targets,
    owner: Owner,
    lines: list[tuple[str, int, int, str]],
) -> dict[str, None]:
    """Return the peers with whom a later message is stored under another identity."""
    peers = {line[0].rpartition(" ")[2]: line[1] for line in lines}
    found: dict[str, None] = {}
    for other in targets.owners:
        if other == owner:
            continue
        others = await connection.fetch(
            f"SELECT {_COLUMNS} FROM roost.latest WHERE conversation = ANY($1)",  # noqa: S608
            [private_conversation(other.identity, peer) for peer in peers],
        )
        for conversation, position, _, _ in others:
            peer = conversation.rpartition(" ")[2]
            if position >= max(other.from_position, peers[peer] + 1):
                found[peer] = None
    return found
