"""How the log is written into segments: one record for each write.

    record    id of the log, CRC-32, length, sequence number | msgpack of `Record`
    segment   record, record, ..., zeros up to the size of the file

The checksum also covers the number of the segment and the place of the record in it. So a record
counts only where it was written: not one of an earlier log in the same directory, of another
directory, or of a segment under another name. The id is random. It marks where a record begins,
and nobody can write one into a message.

Sequence numbers have no gaps: after a damaged record, the next sound one shows that something is
missing. What follows the last record, zeros or a torn write, means nothing.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

import msgspec

from roost.raft.messages import Entry, HardState, Position
from roost.storage.witness import Marker

ID_BYTES = 8
_HEAD = struct.Struct("<8sIIQ")
_PLACE = struct.Struct("<QQIQ")
UNKNOWN_TERM = -1


class Record(msgspec.Struct, frozen=True, array_like=True):
    """What one write says: how everything is after it, and which entries came."""

    marker: Marker
    hard_state: HardState
    entries: tuple[Entry, ...] = ()
    """Contiguous; they replace the log from the first one's index on."""
    previous_term: int = UNKNOWN_TERM
    """The term of the entry before them; unknown if they replaced others."""
    positions: tuple[Position, ...] | None = None
    """How far the members are known to have been; None if that is as it was."""


class Found(NamedTuple):
    """A sound record, and where it is."""

    sequence: int
    offset: int
    end: int
    record: Record


class Segment(NamedTuple):
    """What makes a record belong to a file."""

    id: bytes
    number: int

    def encode(self, record: Record, offset: int, sequence: int) -> bytes:
        """Return the bytes of a record that is to be written at an offset."""
        payload = _encoder.encode(record)
        checksum = self._checksum(offset, sequence, payload)
        return _HEAD.pack(self.id, checksum, len(payload), sequence) + payload

    def scan(self, content: bytes) -> Iterator[Found]:
        """Yield the sound records of a file, from the first to the last."""
        offset = content.find(self.id)
        while offset >= 0:
            found = self._read(content, offset)
            if found is not None:
                yield found
            offset = content.find(self.id, offset + 1 if found is None else found.end)

    def without(self, content: bytes, first_index: int) -> bytes:
        """Return a file's content without the entries before an index.

        Every record stays where it is, but shorter: sequence numbers have no gaps.
        """
        result = bytearray(len(content))
        for found in self.scan(content):
            data = self.encode(_without(found.record, first_index), found.offset, found.sequence)
            result[found.offset : found.offset + len(data)] = data
        return bytes(result)

    def _read(self, content: bytes, offset: int) -> Found | None:
        """Return the record at an offset; None if there is none, or a damaged one."""
        start = offset + _HEAD.size
        if start > len(content):
            return None
        _, checksum, length, sequence = _HEAD.unpack_from(content, offset)
        payload = content[start : start + length]
        if len(payload) < length or self._checksum(offset, sequence, payload) != checksum:
            return None
        return Found(sequence, offset, start + length, _decoder.decode(payload))

    def _checksum(self, offset: int, sequence: int, payload: bytes) -> int:
        return crc32(payload, crc32(_PLACE.pack(self.number, offset, len(payload), sequence)))


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)


def _without(record: Record, first_index: int) -> Record:
    dropped = [entry for entry in record.entries if entry.index < first_index]
    if not dropped:
        return record
    return msgspec.structs.replace(
        record, entries=record.entries[len(dropped) :], previous_term=dropped[-1].term
    )
