"""A typing notice on its way to another node: not state, so it may be lost."""

import msgspec

from roost.chat.changes import Source
from roost.chat.ids import RoomId, UserId


class Whisper(msgspec.Struct, frozen=True, array_like=True):
    """A TAGMSG that every node shows to its own clients without the log.

    Either `room` or `recipient` is 0; `target` and `minimum_status` are as in `changes.Said`.
    """

    source: Source
    room: RoomId
    recipient: UserId
    target: str
    minimum_status: int
    tags: tuple[tuple[str, str], ...]
    time_ms: int
