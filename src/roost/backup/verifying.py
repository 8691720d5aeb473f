"""Reads a backup from end to end, as `roost restore` would, and says what is wrong with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from roost.backup.errors import DamagedError
from roost.backup.manifest import Manifest, Segment
from roost.backup.repository import Repository
from roost.backup.segments import digest_of, read_rows, read_state
from roost.chat.history import Row
from roost.chat.ids import Position
from roost.chat.snapshot import SnapshotError, decode_state
from roost.chat.state import State


class Checked(NamedTuple):
    """What was read of a sound backup."""

    files: int
    bytes: int
    rows: int


def check(repository: Repository, manifest: Manifest) -> Checked:
    """Read all files of a backup.

    Raises:
        DamagedError: one is missing, cut short, changed, or not what the backup says it is.
    """
    for file in manifest.files:
        path = repository.path / file.name
        try:
            found = digest_of(path)
        except OSError as error:
            raise DamagedError(f"{path} cannot be read: {error.strerror or error}") from error
        if found != (file.bytes, file.sha256):
            raise DamagedError(
                f"{path} is damaged or cut short: it has {found[0]} bytes of {file.bytes}, or "
                "another checksum than when it was made"
            )
    load_state(repository, manifest)
    rows = sum(len(block) for block in rows_of(repository, manifest))
    return Checked(len(manifest.files), sum(file.bytes for file in manifest.files), rows)


def load_state(repository: Repository, manifest: Manifest) -> State:
    """Return the chat state of a backup.

    Raises:
        DamagedError: it cannot be read.
    """
    path = repository.path / manifest.state.name
    try:
        state = decode_state(read_state(path))
    except SnapshotError as error:
        raise DamagedError(f"{path} cannot be read: {error}") from error
    if state.position != manifest.position:
        raise DamagedError(f"{path} is the state at {state.position}, not {manifest.position}")
    return state


def rows_of(repository: Repository, manifest: Manifest) -> Iterator[tuple[Row, ...]]:
    """Yield the rows of a backup, in order.

    Raises:
        DamagedError: a file is not what the backup says it is.
    """
    last = Position(0)
    for segment in manifest.segments:
        path = repository.path / segment.file.name
        if segment.first <= last:
            raise DamagedError(f"{path} overlaps with the file before it")
        last = segment.last
        yield from _rows_of_segment(path, segment)


def _rows_of_segment(path: Path, segment: Segment) -> Iterator[tuple[Row, ...]]:
    count = 0
    at = segment.first
    for block in read_rows(path):
        for row in block:
            if not at <= row.position <= segment.last:
                raise DamagedError(f"{path} has a row of position {row.position}, out of order")
            at = row.position
        count += len(block)
        yield block
    if count != segment.rows:
        raise DamagedError(f"{path} has {count} rows instead of {segment.rows}")
