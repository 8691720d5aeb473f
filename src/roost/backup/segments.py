"""Files of history rows, and of the chat state: compressed, and with a SHA-256 of the whole file.

rows    blocks, each: the length of its bytes, 32 bits, big-endian, then the bytes: a MessagePack
        array of rows, compressed by zlib
state   what `chat.snapshot` encodes, compressed by zlib
"""

import hashlib
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from roost.backup.errors import DamagedError
from roost.backup.manifest import FileEntry
from roost.chat.history import Row

LEVEL = 6
"""zlib's usual one: chat shrinks to a quarter. A copy is made seldom and kept for long."""
BLOCK_BYTES_MAX = 64 * 1024 * 1024
"""No block is longer: each holds what a node sends at once, compressed."""
READ_BYTES = 1024 * 1024
_BLOCK = struct.Struct(">I")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Row, ...])


class FileWriter:
    """Writes a file and counts what it writes; it is durable once `finish` returns."""

    def __init__(self, path: Path) -> None:
        """Create the file.

        Raises:
            OSError: it cannot be created.
        """
        self._path = path
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file: BinaryIO = os.fdopen(descriptor, "wb")
        self._hash = hashlib.sha256()
        self._bytes = 0

    def write(self, data: bytes) -> None:
        """Add some bytes."""
        self._file.write(data)
        self._hash.update(data)
        self._bytes += len(data)

    def write_rows(self, rows: Sequence[Row]) -> None:
        """Add a block of rows."""
        body = zlib.compress(_encoder.encode(rows), LEVEL)
        self.write(_BLOCK.pack(len(body)) + body)

    def finish(self, name: str) -> FileEntry:
        """Make the file durable and close it; return how a manifest names it."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return FileEntry(name, self._bytes, self._hash.hexdigest())

    def close(self) -> None:
        """Close the file as it is."""
        self._file.close()


def digest_of(path: Path) -> tuple[int, str]:
    """Return the size and the SHA-256 of a file.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while part := file.read(READ_BYTES):
            digest.update(part)
            size += len(part)
    return size, digest.hexdigest()


def read_rows(path: Path) -> Iterator[tuple[Row, ...]]:
    """Yield the blocks of a file.

    Raises:
        DamagedError: it is cut short or changed.
    """
    try:
        with path.open("rb") as file:
            while head := file.read(_BLOCK.size):
                yield _read_block(file, head)
    except OSError as error:
        raise DamagedError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, struct.error, zlib.error, msgspec.MsgspecError) as error:
        raise DamagedError(f"{path} is damaged or cut short: {error}") from error


def _read_block(file: BinaryIO, head: bytes) -> tuple[Row, ...]:
    (length,) = _BLOCK.unpack(head)
    if length > BLOCK_BYTES_MAX:
        raise ValueError("a block that is too long")
    body = file.read(length)
    if len(body) != length:
        raise ValueError("a block that is cut short")
    return _decoder.decode(zlib.decompress(body))


def read_state(path: Path) -> bytes:
    """Return the encoded state in a file.

    Raises:
        DamagedError: it is cut short or changed.
    """
    try:
        return zlib.decompress(path.read_bytes())
    except OSError as error:
        raise DamagedError(f"{path} cannot be read: {error.strerror or error}") from error
    except zlib.error as error:
        raise DamagedError(f"{path} is damaged or cut short: {error}") from error
