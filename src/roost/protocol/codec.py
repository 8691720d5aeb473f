"""How frames become bytes: msgpack, with a tag that says which frame it is."""

from collections.abc import Callable
from typing import Any

import msgspec


class FrameError(ValueError):
    """A peer sent bytes that are no frame of its protocol."""


def make_decoder(frame: Any) -> Callable[[bytes], Any]:
    """Return a function that reads a frame's body; `frame` is the union of what it may be.

    The function raises FrameError for a body that is none of them.
    """
    decoder = msgspec.msgpack.Decoder(frame)

    def decode(body: bytes) -> Any:
        try:
            return decoder.decode(body)
        except (msgspec.MsgspecError, ValueError) as error:
            raise FrameError(f"it sent a frame that cannot be read: {error}") from error

    return decode
