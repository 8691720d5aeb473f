"""The checksum of every stored record: CRC-32 over all of its fields.

SQLite has none, and would serve a record with a flipped bit. The numbers of a record are packed
together with the lengths of its variable parts, so that no two records have the same bytes.
"""

import struct
from zlib import crc32

_ENTRY = struct.Struct("<qqqq")
_ROW = struct.Struct("<qqqqqq")


def entry_checksum(index: int, term: int, time_ms: int, kind: int, data: bytes) -> int:
    """Return the checksum of a log entry.

    Raises:
        struct.error, TypeError: the fields have wrong types.
    """
    return crc32(data, crc32(_ENTRY.pack(index, term, time_ms, kind)))


SNAPSHOT_KIND = -1
"""Takes the place of an entry's kind, so that a snapshot never passes for an entry."""


def record_checksum(name: str, value: bytes) -> int:
    """Return the checksum of a named record."""
    return crc32(value, crc32(name.encode("utf-8", "surrogateescape") + b"\0"))


def row_checksum(
    conversation: str, position: int, part: int, time_ms: int, kind: int, peer: str, record: bytes
) -> int:
    """Return the checksum of a history row.

    Raises:
        struct.error, TypeError, AttributeError: the fields have wrong types.
    """
    first = conversation.encode("utf-8", "surrogateescape")
    second = peer.encode("utf-8", "surrogateescape")
    numbers = _ROW.pack(position, part, time_ms, kind, len(first), len(second))
    # One call for all of it is cheaper than one for each part, and gives the same.
    return crc32(numbers + first + second + record)
