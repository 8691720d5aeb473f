"""Frames on a stream of bytes: four bytes of length, big-endian, then the body.

    +--------+--------+--------+--------+----------------- - -
    |      length of the body, 32 bits  |  body
    +--------+--------+--------+--------+----------------- - -

A frame may arrive in any number of pieces, and a piece may hold any number of frames.
"""

from collections.abc import Iterable

HEADER_BYTES = 4
FRAME_BYTES_MAX = 16 * 1024 * 1024
"""The longest body. It is several times what a busy node sends in one turn and fits a chunk of a
snapshot; it is small enough that a broken peer costs no noticeable memory."""


def encode_header(body: bytes) -> bytes:
    """Return the bytes that precede a body."""
    return len(body).to_bytes(HEADER_BYTES, "big")


def encode_frames(bodies: Iterable[bytes]) -> bytes:
    """Return the stream that carries these bodies."""
    pieces: list[bytes] = []
    for body in bodies:
        pieces.append(encode_header(body))
        pieces.append(body)
    return b"".join(pieces)


class FrameTooLongError(Exception):
    """A peer announced a frame above the limit: the rest of its stream cannot be read."""


class FrameBuffer:
    """Splits a stream into frames; holds at most one incomplete frame."""

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._frame_bytes_max = frame_bytes_max
        self._rest = bytearray()
        self._needed = HEADER_BYTES
        """No frame is complete before `_rest` has this many bytes."""

    @property
    def unfinished_bytes(self) -> int:
        """How many bytes of an incomplete frame have arrived."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """Add a piece of the stream; return the bodies that are complete now, in order.

        Raises:
            FrameTooLongError: a frame above the limit is announced.
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
