"""Cuts what a balancer is sent after a turn into frames of limited size.

    items of a turn --> Output, Output, ... Output(position)     nothing is shown before the last

A turn's items are few as a rule, and one frame has them all.
"""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from roost.ircd.rendering.pieces import cut_payload
from roost.ircd.sessions.outbox import SESSION_BYTES, item_size
from roost.protocol.framing import FRAME_BYTES_MAX
from roost.protocol.trunk import Deliver, DeliverTo, Item, Join, Leave, Output

OUTPUT_BYTES_MAX = 1024 * 1024
"""Bytes of items in a frame: a few milliseconds of a link, so that nothing waits long behind it,
and far below the limit of a frame."""
ITEM_BYTES_MAX = 256 * 1024
"""Bytes of an item; a longer one is cut. No line is as long."""


def cut_output(position: int, items: list[Item], size: int) -> Iterator[Output]:
    """Make frames of items, which take at most `size` bytes; the last one has the position."""
    if size <= OUTPUT_BYTES_MAX:
        yield Output(position, tuple(items))
        return
    some: list[Item] = []
    some_bytes = 0
    for item in _cut_items(items):
        item_bytes = item_size(item)
        assert item_bytes <= FRAME_BYTES_MAX // 2, f"a {type(item).__name__} is too long to send"
        if some and some_bytes + item_bytes > OUTPUT_BYTES_MAX:
            yield Output(0, tuple(some), is_last=False)
            some, some_bytes = [], 0
        some.append(item)
        some_bytes += item_bytes
    yield Output(position, tuple(some))


def _cut_items(items: Iterable[Item]) -> Iterator[Item]:
    """Cut items that are too long, at line ends and between sessions."""
    count = ITEM_BYTES_MAX // 2 // SESSION_BYTES
    for item in items:
        if item_size(item) <= ITEM_BYTES_MAX:
            yield item
            continue
        match item:
            case Deliver(payload=payload):
                for piece in cut_payload(payload, ITEM_BYTES_MAX // 2):
                    yield replace(item, payload=piece)
            case DeliverTo(sessions, payload):
                for start in range(0, len(sessions), count):
                    for piece in cut_payload(payload, ITEM_BYTES_MAX // 2):
                        yield DeliverTo(sessions[start : start + count], piece)
            case Join(_, sessions) | Leave(_, sessions):
                for start in range(0, len(sessions), count):
                    yield replace(item, sessions=sessions[start : start + count])
            case _:
                # The IRC side cuts answers itself, because their parts are numbered.
                yield item
