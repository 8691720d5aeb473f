"""Says from beside the log what the log held, so that a loss inside of it is noticed.

SQLite leaves out all of a write-ahead log from its first damaged frame on, as if nothing had ever
been there: right for a transaction that a crash tore, but votes and entries that this node has
acknowledged could vanish without a word. So after each durable write its number is noted in a
small file of its own, without an fsync. Whatever the file says when it is read was durable once;
when the log knows less, it has lost something. Only a loss of the writes of the last seconds
before a power failure can go unnoticed, when the note was not on the disk either.
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
        """Give what was noted last; None when there is nothing, or something damaged."""
        content = os.pread(self._descriptor, _NOTE.size + 4, 0)
        note, checksum = content[: _NOTE.size], content[_NOTE.size :]
        if len(checksum) != 4 or crc32(note) != int.from_bytes(checksum, "little"):
            return None
        return Marker(*_NOTE.unpack(note))

    def note(self, marker: Marker) -> None:
        """Note a write that is durable."""
        note = _NOTE.pack(marker.writes, marker.index, marker.term)
        # Without its note a loss may go unnoticed, but nothing is lost by that.
        with contextlib.suppress(OSError):
            os.pwrite(self._descriptor, note + crc32(note).to_bytes(4, "little"), 0)

    def close(self) -> None:
        """Close the file; closing it again does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
