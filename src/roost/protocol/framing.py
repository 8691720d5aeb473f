"""Frames on a stream of bytes: four bytes of length, big-endian, then the body.

    +--------+--------+--------+--------+----------------- - -
    |      length of the body, 32 bits  |  body
    +--------+--------+--------+--------+----------------- - -

Pure. A frame may arrive in any number of pieces, and a piece may hold any number of frames.
"""

from collections.abc import Iterable

HEADER_BYTES = 4
FRAME_BYTES_MAX = 16 * 1024 * 1024
"""Longest body: several times what a turn of a busy node produces, and a chunk of a snapshot fits
well; small enough that a broken peer costs no noticeable memory."""


def encode_header(body: bytes) -> bytes:
    """Make the bytes that go before a body."""
    return len(body).to_bytes(HEADER_BYTES, "big")


def encode_frames(bodies: Iterable[bytes]) -> bytes:
    """Make the bytes that carry these bodies."""
    pieces: list[bytes] = []
    for body in bodies:
        pieces.append(encode_header(body))
        pieces.append(body)
    return b"".join(pieces)


class FrameTooLongError(Exception):
    """A peer announced a frame above the limit: its link is of no use any more."""


class FrameBuffer:
    """Cuts a stream into frames; holds at most one unfinished frame."""

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._frame_bytes_max = frame_bytes_max
        self._rest = bytearray()
        self._needed = HEADER_BYTES
        """Nothing can be cut off before `_rest` has this many bytes."""

    @property
    def unfinished_bytes(self) -> int:
        """How many bytes of an unfinished frame have arrived."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """Take a piece of the stream; gives the bodies that are complete now, in order.

        Raises:
            FrameTooLongError: a longer frame than allowed is announced; the stream is of no use
                any more.
        """
        if not self._rest:
            bodies, end = self._cut(data)
            if end < len(data):
                self._rest += memoryview(data)[end:]
            return bodies
        self._rest += data
        if len(self._rest) < self._needed:
            return []
        stream = bytes(self._rest)
        bodies, end = self._cut(stream)
        self._rest = bytearray(memoryview(stream)[end:])
        return bodies

    def _cut(self, stream: bytes) -> tuple[list[bytes], int]:
        bodies: list[bytes] = []
        start = 0
        available = len(stream)
        while available - start >= HEADER_BYTES:
            length = int.from_bytes(stream[start : start + HEADER_BYTES], "big")
            if length > self._frame_bytes_max:
                raise FrameTooLongError(
                    f"a frame of {length} bytes is announced, {self._frame_bytes_max} are allowed"
                )
            end = start + HEADER_BYTES + length
            if end > available:
                self._needed = HEADER_BYTES + length
                return bodies, start
            bodies.append(stream[start + HEADER_BYTES : end])
            start = end
        self._needed = HEADER_BYTES
        return bodies, start
