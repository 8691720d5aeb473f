"""IRC over WebSocket: lines as messages, and which web pages may connect.

Sources: RFC 6455; ircv3.net/specs/extensions/websocket.
"""

import functools
import struct
from collections.abc import Sequence
from urllib.parse import urlsplit

FRAME_TEXT, FRAME_BINARY = 0x81, 0x82
"""The first byte of an unfragmented message (RFC 6455, section 5.2)."""
CLOSE_FRAME = b"\x88\x02\x03\xe8"
"""A close frame with status code 1000."""
PROTOCOL_ERROR_FRAME = b"\x88\x02\x03\xea"
"""A close frame with status code 1002."""
_MASKED = 0x80
_MASK_BYTES = 4
CACHED_BYTES_MAX = 8 * 1024
"""Longer pieces are for one client, and not worth keeping for the next one."""


def encode_lines(data: bytes, first: int) -> bytes:
    """Encode lines, each as a message of the kind `first`; once for all clients that get them."""
    return (_encode_cached if len(data) <= CACHED_BYTES_MAX else _encode)(data, first)


def is_allowed_origin(origin: str, host: str, allowed: frozenset[str]) -> bool:
    """Return whether pages of an origin may connect: those of our own host, and `allowed` ones."""
    origin = origin.lower()
    if "*" in allowed or origin in allowed:
        return True
    try:
        return bool(host) and urlsplit(origin).netloc == host.lower()
    except ValueError:
        return False


def origins(configured: Sequence[str]) -> frozenset[str]:
    """Return configured origins in the form in which they are compared."""
    return frozenset(origin.lower().rstrip("/") for origin in configured)


class MaskCheck:
    """Follows a client's frames, and finds those that are not masked.

    "The server MUST close the connection upon receiving a frame that is not masked." (RFC 6455,
    section 5.1). aiohttp takes them.
    """

    def __init__(self) -> None:
        self._head = bytearray()
        """The beginning of a frame, without its mask."""
        self._left = 0
        """Bytes of the frame's mask and payload that have not come yet."""

    def is_passed(self, data: bytes) -> bool:
        """Take what the client sent next; return False if a frame in it is not masked."""
        place = 0
        while place < len(data):
            if self._left:
                taken = min(self._left, len(data) - place)
                self._left -= taken
                place += taken
                continue
            self._head.append(data[place])
            place += 1
            if len(self._head) < 2:
                continue
            if not self._head[1] & _MASKED:
                return False
            size = self._head[1] & ~_MASKED
            length_bytes = {126: 2, 127: 8}.get(size, 0)
            if len(self._head) == 2 + length_bytes:
                if length_bytes:
                    size = int.from_bytes(self._head[2:])
                self._left = _MASK_BYTES + size
                self._head.clear()
        return True


def _encode(data: bytes, first: int) -> bytes:
    frames = []
    for line in data.split(b"\n"):
        text = line.removesuffix(b"\r")
        if not text:
            continue
        if first == FRAME_TEXT:
            text = _as_utf8(text)
        size = len(text)
        if size < 126:
            head = bytes((first, size))
        elif size < 1 << 16:
            head = struct.pack("!BBH", first, 126, size)
        else:
            head = struct.pack("!BBQ", first, 127, size)
        frames.append(head)
        frames.append(text)
    return b"".join(frames)


_encode_cached = functools.lru_cache(maxsize=256)(_encode)


def _as_utf8(line: bytes) -> bytes:
    """Replace whatever is not UTF-8: browsers close the connection for it."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return line.decode("utf-8", "replace").encode()
    return line
