"""Cuts what is sent to a client into pieces of limited size, at line ends."""

from collections.abc import Iterable, Iterator

_LINE_END = b"\r\n"


def cut_payload(payload: bytes, bytes_max: int) -> list[bytes]:
    """Cut encoded lines into at least one piece; a piece is longer only if a single line is."""
    pieces = []
    start = 0
    while len(payload) - start > bytes_max:
        end = payload.rfind(_LINE_END, start, start + bytes_max) + len(_LINE_END)
        if end <= start + 1:
            break
        pieces.append(payload[start:end])
        start = end
    pieces.append(payload[start:])
    return pieces


def join_lines(lines: Iterable[bytes], bytes_max: int) -> Iterator[bytes]:
    """Join encoded lines into pieces; without lines there is no piece."""
    some: list[bytes] = []
    size = 0
    for line in lines:
        if some and size + len(line) > bytes_max:
            yield b"".join(some)
            some, size = [], 0
        some.append(line)
        size += len(line)
    if some:
        yield b"".join(some)
