"""Cuts what a balancer is sent after a turn into frames of limited size.

    items of a turn --> Output, Output, ... Output(position)     nothing is shown before the last

A turn's items are few as a rule, and one frame has them all. If an entry takes several turns to be
shown, so does the output.
"""

from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from roost.ircd.rendering.pieces import cut_payload
from roost.ircd.sessions.outbox import SESSION_BYTES, item_size
from roost.ircd.sessions.server_output import ServerOutput
from roost.protocol.framing import FRAME_BYTES_MAX
from roost.protocol.trunk import Deliver, DeliverTo, Item, Join, Leave, Output

OUTPUT_BYTES_MAX = 1024 * 1024
"""Bytes of items in a frame: a few milliseconds of a link, so that nothing waits long behind it,
and far below the limit of a frame."""
ITEM_BYTES_MAX = 256 * 1024
"""Bytes of an item; a longer one is cut. No line is as long."""


class Outputs:
    """The outputs to all balancers; one can go on for several turns."""

    def __init__(self, position: int, has_trunk: Callable[[str], bool]) -> None:
        self._has_trunk = has_trunk
        self.shown = position
        """The entry up to which everything has been sent wholly."""
        self._begun: dict[str, None] = {}
        """Balancers that wait for the end of an output."""

    def cut(self, position: int, output: ServerOutput) -> Iterator[tuple[str, Output]]:
        """Make frames of each balancer's items.

        Unless the entry at `position` is shown wholly, the outputs go on in a later turn.
        """
        is_whole = output.is_whole
        for balancer, some in output.items.items():
            if some and self._has_trunk(balancer):
                for frame in cut_output(position, some, output.size, is_whole=is_whole):
                    yield balancer, frame
                if is_whole:
                    self._begun.pop(balancer, None)
                else:
                    self._begun[balancer] = None
        if is_whole:
            self.shown = position
            for balancer in filter(self._has_trunk, self._begun):
                yield balancer, Output(position, ())
            self._begun.clear()


def cut_output(
    position: int, items: list[Item], size: int, *, is_whole: bool = True
) -> Iterator[Output]:
    """Make frames of items, which take at most `size` bytes; the last one has the position."""
    if size <= OUTPUT_BYTES_MAX:
        yield _frame(position, items, is_whole=is_whole)
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
    yield _frame(position, some, is_whole=is_whole)


def _frame(position: int, items: list[Item], *, is_whole: bool) -> Output:
    return Output(position if is_whole else 0, tuple(items), is_last=is_whole)


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
