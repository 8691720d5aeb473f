"""The checksum that every stored record carries: CRC-32 over all of its fields.

SQLite's own pages have none: a flipped bit in a record would be served as it is. The numbers of a
record are packed with the lengths of its variable parts, so that no two records look the same.
"""

import struct
from zlib import crc32

_ENTRY = struct.Struct("<qqqq")
_ROW = struct.Struct("<qqqqqq")


def entry_checksum(index: int, term: int, time_ms: int, kind: int, data: bytes) -> int:
    """Sum up a log entry.

    Raises:
        struct.error, TypeError: these are no fields of an entry.
    """
    return crc32(data, crc32(_ENTRY.pack(index, term, time_ms, kind)))


SNAPSHOT_KIND = -1
"""Stands where an entry has its kind, so that a snapshot never passes for an entry."""


def record_checksum(name: str, value: bytes) -> int:
    """Sum up a named record."""
    return crc32(value, crc32(name.encode("utf-8", "surrogateescape") + b"\0"))


def row_checksum(
    conversation: str, position: int, part: int, time_ms: int, kind: int, peer: str, record: bytes
) -> int:
    """Sum up a history row.

    Raises:
        struct.error, TypeError, AttributeError: these are no fields of a row.
    """
    first = conversation.encode("utf-8", "surrogateescape")
    second = peer.encode("utf-8", "surrogateescape")
    numbers = _ROW.pack(position, part, time_ms, kind, len(first), len(second))
    return crc32(record, crc32(second, crc32(first, crc32(numbers))))
