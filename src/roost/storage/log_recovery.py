"""Reads a log and decides what of it can be trusted.

    damaged ->          x                           x
    entries   [n-6][n-5]   [n-3][n-2] n [n+1][n+2]     [n+4]
                            <--- kept, snapshot at n --->     the marker says n+4

The sound entries that adjoin the snapshot without a hole are kept. The snapshot covers what lies
before them. What lies after them is lost, and fetched from a neighbour. Until then the replica must
not vote: the floor of its hard state is the last entry that it is known to have had.

Entries of the database come first; the records of the segments (`segment_replay`) go on from them.
"""

import sqlite3
import struct
from collections.abc import Callable, Sequence

import msgspec

from roost.raft.messages import Entry, HardState, Position, Snapshot, Stored
from roost.storage.checksums import SNAPSHOT_KIND, entry_checksum
from roost.storage.records import delete_record, has_record, read_record, write_record
from roost.storage.segment_records import ID_BYTES, Found
from roost.storage.segment_replay import Replay, Run
from roost.storage.snapshot_parts import read_configuration, read_snapshot
from roost.storage.witness import Marker

_SEGMENTS = "segments"
_HARD_STATE = "hard state"
_POSITIONS = "positions"
_MARKER = "marker"


class Recovery(msgspec.Struct, frozen=True):
    """What a log holds."""

    stored: Stored
    marker: Marker
    findings: tuple[str, ...]
    """What is damaged, in words; empty if the files hold exactly `stored`."""
    segments: bytes | None = None
    """The id of the log's segments; None if the database has everything."""


class _Found(msgspec.Struct):
    """What was found, before anything is concluded from it."""

    entries: tuple[Entry, ...]
    hard_state: HardState | None
    marker: Marker | None
    positions: tuple[Position, ...]
    is_unsure: bool = False
    """Whether damaged records may have replaced entries."""


def recover(
    connection: sqlite3.Connection,
    witnessed: Marker | None,
    read_segments: Callable[[bytes], Sequence[Found]],
) -> Recovery:
    """Read and verify every record, without changing anything.

    `read_segments` returns the sound records of the log with an id.
    """
    findings: list[str] = []
    snapshot = _read_snapshot(connection, findings)
    segments: bytes | None = None
    if has_record(connection, _SEGMENTS):
        segments = read_record(connection, _SEGMENTS)
        if segments is None or len(segments) != ID_BYTES:
            findings.append("the record of the log's segments is damaged")
            segments = None
    base = _read_entries(connection, findings)
    if segments is None:
        found = _of_database(connection, _choose(Replay(base, None).runs, snapshot, findings))
    else:
        found = _of_segments(base, read_segments(segments), snapshot, findings)
    hard_state, marker = _conclude(found, snapshot, witnessed, findings)
    return Recovery(
        stored=Stored(hard_state, snapshot, found.entries, found.positions),
        marker=marker,
        findings=tuple(findings),
        segments=segments,
    )


def _of_database(connection: sqlite3.Connection, entries: tuple[Entry, ...]) -> _Found:
    return _Found(
        entries, read_hard_state(connection), _read_marker(connection), _read_positions(connection)
    )


def _of_segments(
    base: Sequence[Entry],
    records: Sequence[Found],
    snapshot: Snapshot | None,
    findings: list[str],
) -> _Found:
    # While the database has entries, no segment was ever dropped.
    replay = Replay(base, 1 if base else None)
    for record in records:
        replay.add(record)
    for first, last in replay.gaps:
        count = f"{last - first + 1} writes" if last >= first else "writes"
        findings.append(f"{count} of the log are damaged or missing (from {first} on)")
    entries = _choose(replay.runs, snapshot, findings)
    newest = replay.newest
    return _Found(
        entries,
        None if newest is None else newest.hard_state,
        None if newest is None else newest.marker,
        replay.positions or (),
        is_unsure=bool(replay.gaps),
    )


def _conclude(
    found: _Found, snapshot: Snapshot | None, witnessed: Marker | None, findings: list[str]
) -> tuple[HardState, Marker]:
    """Return the hard state and the marker that the log has from now on."""
    last: Entry | Snapshot | None = found.entries[-1] if found.entries else snapshot
    end = (last.term, last.index) if last is not None else (0, 0)
    known = end
    marker, hard_state = found.marker, found.hard_state
    is_forgetful = False
    if hard_state is None:
        findings.append("the record of term and vote is damaged, so votes are forgotten")
        is_forgetful = True
        hard_state = HardState()
    if marker is None:
        findings.append("the marker of the log's end is damaged, so what followed is unknown")
        is_forgetful = True
        marker = witnessed or Marker()
    else:
        if found.is_unsure and (marker.term, marker.index) < end:
            findings.append(f"the log went on to {end[1]}, but ended at {marker.index} later")
            is_forgetful = True
        if witnessed is not None and witnessed.writes > marker.writes:
            findings.append(f"{witnessed.writes - marker.writes} durable writes have vanished")
            is_forgetful = True
            known = max(known, (witnessed.term, witnessed.index))
            marker = msgspec.structs.replace(marker, writes=witnessed.writes)
    known = max(known, (marker.term, marker.index))
    if known > end:
        findings.append(
            f"the log ends at {end[1]} (term {end[0]}) but went on to {known[1]} (term {known[0]})"
        )
        floor = max(known, (hard_state.floor_term, hard_state.floor_index))
        hard_state = msgspec.structs.replace(hard_state, floor_term=floor[0], floor_index=floor[1])
    if is_forgetful:
        hard_state = msgspec.structs.replace(hard_state, is_amnesiac=True)
        if known[0] > hard_state.term:
            hard_state = msgspec.structs.replace(hard_state, term=known[0], voted_for="")
    return hard_state, Marker(marker.writes, end[1], end[0])


def read_hard_state(connection: sqlite3.Connection) -> HardState | None:
    """Return the hard state; None if it is damaged or was never written."""
    value = read_record(connection, _HARD_STATE)
    return None if value is None else msgspec.json.decode(value, type=HardState)


def write_hard_state(connection: sqlite3.Connection, hard_state: HardState) -> None:
    """Set the hard state, within the caller's transaction."""
    write_record(connection, _HARD_STATE, msgspec.json.encode(hard_state))


def write_positions(connection: sqlite3.Connection, positions: tuple[Position, ...]) -> None:
    """Set how far the members are known to have been, within the caller's transaction."""
    write_record(connection, _POSITIONS, msgspec.json.encode(positions))


def _read_positions(connection: sqlite3.Connection) -> tuple[Position, ...]:
    """Return the positions; none if the record is missing or damaged: others know them, too."""
    value = read_record(connection, _POSITIONS)
    return () if value is None else msgspec.json.decode(value, type=tuple[Position, ...])


def write_marker(connection: sqlite3.Connection, marker: Marker) -> None:
    """Set where the log ends, within the caller's transaction."""
    write_record(connection, _MARKER, msgspec.json.encode(marker))


def _read_marker(connection: sqlite3.Connection) -> Marker | None:
    value = read_record(connection, _MARKER)
    return None if value is None else msgspec.json.decode(value, type=Marker)


def write_segments(connection: sqlite3.Connection, segments: bytes) -> None:
    """Have the segments with an id count, within the caller's transaction.

    The log's end, term and vote are in them from now on.
    """
    write_record(connection, _SEGMENTS, segments)
    for name in (_HARD_STATE, _POSITIONS, _MARKER):
        delete_record(connection, name)


def _read_snapshot(connection: sqlite3.Connection, findings: list[str]) -> Snapshot | None:
    row = read_snapshot(connection)
    if row is None:
        return None
    index, term, time_ms, data, checksum = row
    if not _is_sound(index, term, time_ms, SNAPSHOT_KIND, data, checksum):
        findings.append("the snapshot is damaged")
        return None
    try:
        configuration = read_configuration(connection, index)
    except ValueError:
        findings.append("the snapshot's list of members is damaged")
        return None
    return Snapshot(index, term, time_ms, data, configuration)


def _read_entries(connection: sqlite3.Connection, findings: list[str]) -> list[Entry]:
    """Return the sound entries in the database, in order."""
    sound: list[Entry] = []
    damaged: list[int] = []
    rows = connection.execute(
        "SELECT position, term, time_ms, kind, data, checksum FROM entries ORDER BY position"
    )
    for index, term, time_ms, kind, data, checksum in rows:
        if _is_sound(index, term, time_ms, kind, data, checksum):
            sound.append(Entry(index, term, time_ms, kind, data))
        else:
            damaged.append(index)
    if damaged:
        shown = ", ".join(map(str, damaged[:10])) + (", ..." if len(damaged) > 10 else "")
        findings.append(f"{len(damaged)} log records are damaged ({shown})")
    return sound


def _choose(
    runs: Sequence[Run], snapshot: Snapshot | None, findings: list[str]
) -> tuple[Entry, ...]:
    """Return the entries around the snapshot, or from the first one without a snapshot."""
    kept = next((run.entries for run in runs if run.continues(snapshot)), [])
    unreachable = sum(len(run.entries) for run in runs) - len(kept)
    if unreachable:
        findings.append(f"{unreachable} sound log records lie beyond a hole and are dropped")
    return tuple(kept)


def _is_sound(index: int, term: int, time_ms: int, kind: int, data: bytes, checksum: int) -> bool:
    """Return whether the fields, which may have any type, have their checksum."""
    try:
        return entry_checksum(index, term, time_ms, kind, data) == checksum
    except (struct.error, TypeError):
        return False
