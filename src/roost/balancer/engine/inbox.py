"""What a node has sent for clients, and this balancer has not shown them yet.

    Output frames --add--> whole outputs --take--> items, as many as a turn may show --> clients

A JOIN in a room of ten thousand is one item, and ten thousand deliveries. So a turn shows some
items, and the next one goes on after what sockets and trunks have brought meanwhile. An output that
has been begun is finished before a session leaves the node: its position is that of whole outputs.
"""

from collections import deque
from collections.abc import Iterator

from roost.protocol.trunk import Item, Output


class Inbox:
    """The outputs of one node, in order."""

    def __init__(self) -> None:
        self._outputs: deque[Output] = deque()
        self._items: list[Item] = []
        """Items of an output whose last frame has not come."""
        self._next = 0
        """The number of the first output's next item."""
        self.position = 0
        """Everything up to this entry has been taken."""

    def __bool__(self) -> bool:
        return bool(self._outputs)

    @property
    def is_begun(self) -> bool:
        """Whether some items of an output have been taken, but not all."""
        return self._next > 0

    def add(self, output: Output) -> None:
        """Add a frame."""
        if not output.is_last:
            self._items.extend(output.items)
            return
        if self._items:
            output = Output(output.position, (*self._items, *output.items))
            self._items = []
        self._outputs.append(output)

    def note_applied(self, position: int) -> None:
        """Note that the outputs so far have everything up to an entry."""
        if self._outputs:
            self._outputs.append(Output(position, ()))
        else:
            self.position = max(self.position, position)

    def take(self, *, only_first: bool = False) -> Iterator[Item]:
        """Take items in order, only those of the first output if asked; stop between any two."""
        while self._outputs:
            output = self._outputs[0]
            for item in output.items[self._next :]:
                self._next += 1
                yield item
            self._finish(output.position)
            if only_first:
                break

    def _finish(self, position: int) -> None:
        self._outputs.popleft()
        self._next = 0
        self.position = max(self.position, position)
