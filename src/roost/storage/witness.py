"""A note beside the log of what the log held, to detect losses.

A damaged record at the end of the log looks like a write that was cut short; SQLite even drops
everything in a write-ahead log from the first damaged frame on. That is right for a torn write, but
acknowledged votes and entries could vanish, too. So the number of each durable write is noted in a
file of its own, without an fsync. What the file says was durable; if the log knows less, it has
lost something. Only the writes of the last seconds before a power failure can vanish unnoticed, if
the note did not reach the disk either.
"""

import contextlib
import os
import struct
from pathlib import Path
from zlib import crc32

import msgspec

_NOTE = struct.Struct("<QQQ")


class Marker(msgspec.Struct, frozen=True, array_like=True):
    """Where the log ends, and how many writes led there."""

    writes: int = 0
    index: int = 0
    term: int = 0


class Witness:
    """The file of the last durable write."""

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            OSError: it cannot be opened.
        """
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def read(self) -> Marker | None:
        """Return the last note; None if it is missing or damaged."""
        content = os.pread(self._descriptor, _NOTE.size + 4, 0)
        note, checksum = content[: _NOTE.size], content[_NOTE.size :]
        if len(checksum) != 4 or crc32(note) != int.from_bytes(checksum, "little"):
            return None
        return Marker(*_NOTE.unpack(note))

    def note(self, marker: Marker) -> None:
        """Note a write that is durable."""
        note = _NOTE.pack(marker.writes, marker.index, marker.term)
        # A missing note only means that a loss may go unnoticed.
        with contextlib.suppress(OSError):
            os.pwrite(self._descriptor, note + crc32(note).to_bytes(4, "little"), 0)

    def close(self) -> None:
        """Close the file; repeated calls do nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
