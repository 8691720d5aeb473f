"""Real stores on real files, what to put into them, and ways to damage them."""

import shutil
import sqlite3
from pathlib import Path

from roost.chat.history import KIND_MESSAGE, Row
from roost.chat.ids import Position
from roost.raft.messages import Entry, HardState, Persist, Snapshot
from roost.storage import DataDirectory, Identity

IDENTITY = Identity("test", "n1")


def open_directory(path: Path, *, is_founding: bool = True) -> DataDirectory:
    return DataDirectory.open(path, IDENTITY, is_founding=is_founding)


def entry(index: int, term: int = 1) -> Entry:
    return Entry(index, term, 1_000 + index, 1, b"command %d of term %d" % (index, term))


def entries(first: int, last: int, term: int = 1) -> tuple[Entry, ...]:
    return tuple(entry(index, term) for index in range(first, last + 1))


def batch(
    *appended: Entry,
    number: int = 1,
    hard_state: HardState | None = None,
    snapshot: Snapshot | None = None,
) -> Persist:
    return Persist(number, hard_state, snapshot, appended, ())


def snapshot(index: int, term: int = 1) -> Snapshot:
    return Snapshot(index, term, 1_000 + index, b"state at %d" % index)


def row(
    position: int,
    conversation: str = "r:1",
    *,
    part: int = 0,
    kind: int = KIND_MESSAGE,
    peer: str = "",
    time_ms: int = -1,
) -> Row:
    time_ms = 10_000 + 10 * position if time_ms < 0 else time_ms
    record = b"record %d.%d" % (position, part)
    return Row(conversation, Position(position), part, time_ms, kind, peer, record)


def execute(file: Path, statement: str, *parameters: object) -> int:
    """Change a closed database behind its store's back; return how many rows changed."""
    connection = sqlite3.connect(file)
    try:
        with connection:
            return connection.execute(statement, parameters).rowcount
    finally:
        connection.close()


def flip(file: Path, needle: bytes, *, nth: int = 0) -> None:
    """Flip a bit in the first byte of the nth place where `needle` is found in a file."""
    content = bytearray(file.read_bytes())
    place = -1
    for _ in range(nth + 1):
        place = content.index(needle, place + 1)
    content[place] ^= 0x04
    file.write_bytes(content)


def copy_as_after_kill(source: Path, target: Path) -> None:
    """Copy the files of an open directory, as a killed process leaves them."""
    shutil.copytree(source, target)
