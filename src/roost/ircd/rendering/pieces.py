"""Cuts what is sent to one client into pieces of a bounded size, between two lines."""

from collections.abc import Iterable, Iterator

_LINE_END = b"\r\n"


def cut_payload(payload: bytes, bytes_max: int) -> list[bytes]:
    """Cut whole lines into pieces; at least one, and one that is longer only if a line is."""
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
    """Put lines together in pieces; no lines give no piece."""
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
