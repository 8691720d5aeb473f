"""Reads a log and decides what of it can be trusted.

    damaged ->          x                           x
    entries   [n-6][n-5]   [n-3][n-2] n [n+1][n+2]     [n+4]
                            <--- kept, snapshot at n --->     the marker says n+4

The sound entries that adjoin the snapshot without a hole are kept. The snapshot covers what lies
before them. What lies after them is lost, and fetched from a neighbour. Until then the replica must
not vote: the floor of its hard state is the last entry that it is known to have had.
"""

import sqlite3
import struct

import msgspec

from roost.raft.messages import Entry, HardState, Position, Snapshot, Stored
from roost.storage.checksums import SNAPSHOT_KIND, entry_checksum
from roost.storage.records import read_record, write_record
from roost.storage.snapshot_parts import read_configuration, read_snapshot
from roost.storage.witness import Marker


class Recovery(msgspec.Struct, frozen=True):
    """What a log holds."""

    stored: Stored
    marker: Marker
    findings: tuple[str, ...]
    """What is damaged, in words; empty if the file holds exactly `stored`."""


def recover(connection: sqlite3.Connection, witnessed: Marker | None) -> Recovery:
    """Read and verify every record, without changing anything."""
    findings: list[str] = []
    snapshot = _read_snapshot(connection, findings)
    entries = _read_entries(connection, snapshot, findings)
    last: Entry | Snapshot | None = entries[-1] if entries else snapshot
    end = (last.term, last.index) if last is not None else (0, 0)

    known = end
    marker = _read_marker(connection)
    hard_state = read_hard_state(connection)
    is_forgetful = False
    if hard_state is None:
        findings.append("the record of term and vote is damaged, so votes are forgotten")
        is_forgetful = True
        hard_state = HardState()
    if marker is None:
        findings.append("the marker of the log's end is damaged, so what followed is unknown")
        is_forgetful = True
        marker = witnessed or Marker()
    elif witnessed is not None and witnessed.writes > marker.writes:
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
    return Recovery(
        stored=Stored(hard_state, snapshot, entries, _read_positions(connection)),
        marker=Marker(marker.writes, end[1], end[0]),
        findings=tuple(findings),
    )


def read_hard_state(connection: sqlite3.Connection) -> HardState | None:
    """Return the hard state; None if it is damaged or was never written."""
    value = read_record(connection, "hard state")
    return None if value is None else msgspec.json.decode(value, type=HardState)


def write_hard_state(connection: sqlite3.Connection, hard_state: HardState) -> None:
    """Set the hard state, within the caller's transaction."""
    write_record(connection, "hard state", msgspec.json.encode(hard_state))


def write_positions(connection: sqlite3.Connection, positions: tuple[Position, ...]) -> None:
    """Set how far the members are known to have been, within the caller's transaction."""
    write_record(connection, "positions", msgspec.json.encode(positions))


def _read_positions(connection: sqlite3.Connection) -> tuple[Position, ...]:
    """Return the positions; none if the record is missing or damaged: others know them, too."""
    value = read_record(connection, "positions")
    return () if value is None else msgspec.json.decode(value, type=tuple[Position, ...])


def write_marker(connection: sqlite3.Connection, marker: Marker) -> None:
    """Set where the log ends, within the caller's transaction."""
    write_record(connection, "marker", msgspec.json.encode(marker))


def _read_marker(connection: sqlite3.Connection) -> Marker | None:
    value = read_record(connection, "marker")
    return None if value is None else msgspec.json.decode(value, type=Marker)


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


def _read_entries(
    connection: sqlite3.Connection, snapshot: Snapshot | None, findings: list[str]
) -> tuple[Entry, ...]:
    """Return the sound entries around the snapshot, or from the first one without a snapshot."""
    sound: dict[int, Entry] = {}
    damaged: list[int] = []
    rows = connection.execute(
        "SELECT position, term, time_ms, kind, data, checksum FROM entries ORDER BY position"
    )
    for index, term, time_ms, kind, data, checksum in rows:
        if _is_sound(index, term, time_ms, kind, data, checksum):
            sound[index] = Entry(index, term, time_ms, kind, data)
        else:
            damaged.append(index)
    base = snapshot.index if snapshot is not None else 0
    last = base
    while last + 1 in sound:
        last += 1
    first = base + 1
    if snapshot is not None and base in sound and sound[base].term == snapshot.term:
        while first - 1 in sound:
            first -= 1
    if damaged:
        shown = ", ".join(map(str, damaged[:10])) + (", ..." if len(damaged) > 10 else "")
        findings.append(f"{len(damaged)} log records are damaged ({shown})")
    unreachable = len(sound) - (last - first + 1)
    if unreachable:
        findings.append(f"{unreachable} sound log records lie beyond a hole and are dropped")
    return tuple(sound[index] for index in range(first, last + 1))


def _is_sound(index: int, term: int, time_ms: int, kind: int, data: bytes, checksum: int) -> bool:
    """Return whether the fields, which may have any type, have their checksum."""
    try:
        return entry_checksum(index, term, time_ms, kind, data) == checksum
    except (struct.error, TypeError):
        return False
