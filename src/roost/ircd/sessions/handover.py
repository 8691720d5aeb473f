"""A session that another node served goes on here as one uninterrupted conversation.

    served | missed | answer to line 7 | missed | answer to line 8 | missed | live
                      ^ has had its effect already, and is answered when it comes again

What others did and what the client's own lines did is shown in the log's order. So all of it is
held back until the last line that had its effect is answered, and then leaves in one piece: should
this node die before, the client was shown nothing, and the next node begins anew.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

from roost.chat.ids import Position
from roost.protocol.trunk import Item


class Handover(msgspec.Struct, eq=False):
    """What is held back for one session, until it is live."""

    last_line: int = 0
    """The last line that had its effect when another node served the session; 0 for none."""
    items: list[Item] = msgspec.field(default_factory=list)
    """To be sent, in order."""
    missed: deque[tuple[Position, bytes]] = msgspec.field(default_factory=deque)
    """What others did and is not in `items` yet, in order, each with its entry's position."""
    until: Position = Position(0)
    """What came after this entry is in neither."""

    def miss(self, lines: Iterable[tuple[Position, bytes]], until: Position) -> None:
        """Note what was missed up to `until`."""
        self.missed.extend(lines)
        self.until = until

    def take_missed(self, before: Position) -> list[bytes]:
        """Take what happened before an entry, or all that there is."""
        lines: list[bytes] = []
        while self.missed and self.missed[0][0] < before:
            lines.append(self.missed.popleft()[1])
        return lines
