"""What one write to a client has: pieces of an outbox, joined."""

WRITE_BYTES_MAX = 256 * 1024
"""Joined into one write at most."""


class Joiner:
    """Joins pieces for a write, once for all clients that get the same.

    Most members of a room do, one after the other.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._data = b""

    def join(self, pieces: list[bytes]) -> bytes:
        """Join pieces; the list must not be changed afterwards."""
        if len(pieces) == 1:
            return pieces[0]
        if pieces != self._pieces:
            data = b"".join(pieces)
            if len(data) > WRITE_BYTES_MAX:
                return data
            self._pieces, self._data = pieces, data
        return self._data


def take_write(pieces: list[bytes]) -> bytes:
    """Remove and join as many whole pieces as one write may have, at least one."""
    size = count = 0
    for piece in pieces:
        size += len(piece)
        if count and size > WRITE_BYTES_MAX:
            break
        count += 1
    data = b"".join(pieces[:count])
    del pieces[:count]
    return data
