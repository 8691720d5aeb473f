"""What is held back for a session that another node served, so that its client notices nothing.

    served | missed | answer to line 7 | missed | answer to line 8 | missed | live
                      ^ has taken effect already, and is answered when it comes again

What others did and what the client's own lines did is shown in the order of the log. So everything
is held back until the last line that has taken effect is answered, and is then sent at once. If
this node dies earlier, the client has been shown nothing, and the next node starts again.

Who is in a room is known only for the present. The list that a client gets when it enters is
therefore newer than the changes that follow it, and those may take names from it that somebody else
has by now. Then the room is listed again at the end, after a JOIN if names must be taken away.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable

import msgspec

from roost.chat.ids import Position, RoomId
from roost.ircd.sessions.stretches import Stretch
from roost.protocol.trunk import Item


class Handover(msgspec.Struct, eq=False):
    """What is held back for one session until it is live."""

    last_line: int = 0
    """The last line that took effect while another node served the session; 0 for none."""
    items: list[Item] = msgspec.field(default_factory=list)
    """Items to send, in order."""
    missed: deque[Stretch] = msgspec.field(default_factory=deque)
    """Lines about others that are not in `items` yet, in order."""
    until: Position = Position(0)
    """The last entry whose lines are in either."""
    shown: Position = Position(0)
    """The last entry whose lines are in `items`, or that the client knew before."""
    entered: dict[RoomId, None] = msgspec.field(default_factory=dict)
    """Rooms that another client of the user entered meanwhile, to be described at the end."""
    renamed: dict[RoomId, None] = msgspec.field(default_factory=dict)
    """Rooms that got another name meanwhile, and whose members are to be listed at the end."""
    listed: dict[RoomId, list[Position]] = msgspec.field(default_factory=dict)
    """Rooms that `items` tell to have been entered, and the last entries shown before each list of
    their present members."""
    has_gap: bool = False
    """Whether entries before those of `missed` are not available any more."""

    def miss(self, stretches: Iterable[Stretch], until: Position) -> None:
        """Add what was missed up to the entry `until`."""
        self.missed.extend(stretches)
        self.until = until

    def take_missed(self, before: Position) -> list[bytes]:
        """Take what happened before an entry."""
        lines: list[bytes] = []
        self.shown = Position(before - 1)
        while self.missed:
            run, first, last = self.missed.popleft()
            cut = bisect_left(run.positions, before, first, last)
            lines += run.take(first, cut)
            if cut < last:
                self.missed.appendleft(Stretch(run, cut, last))
                break
        return lines
