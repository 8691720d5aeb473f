"""How much is said in which rooms, for the live page: counts only, and nothing of hidden rooms.

messages --said--> one count per room and minute, for an hour --busiest--> the rooms to show
"""

import heapq
from collections import Counter, deque
from collections.abc import Mapping
from typing import Final

from roost.chat.access import is_private
from roost.chat.applied import Applied
from roost.chat.changes import Said
from roost.chat.ids import RoomId
from roost.chat.state import State
from roost.protocol.trunk import RoomActivity

MINUTES = 60
MINUTE_MS = 60_000
ROOMS_MAX = 5_000
"""Rooms that are counted: to find the busiest of them takes a millisecond."""
SHOWN_MAX = 10
SAID_MAX: Final = 4_096
"""Messages that are counted together, which takes less than one after the other."""
LOOK_S = 10.0
"""Between two looks for the busiest rooms."""


class Activity:
    """Messages per room in the last hour."""

    def __init__(self) -> None:
        self._said: list[RoomId] = []
        """The rooms of the last messages, which are counted together."""
        self._present: dict[RoomId, int] = {}
        """The counts of the last minute in which something was said."""
        self._minute = 0
        self._end_ms = 0
        """When that minute ends."""
        self._minutes: deque[tuple[int, dict[RoomId, int]]] = deque()
        """Those before it, and what they are together."""
        self._total: dict[RoomId, int] = {}
        self._looked_at = float("-inf")
        self._busiest: tuple[RoomActivity, ...] = ()

    def applied(self, applied: Applied) -> None:
        """Count the messages to rooms of an entry."""
        for result in applied.results:
            if type(result) is not Said or not (room := result.room):
                continue
            if applied.time_ms >= self._end_ms:
                self._begin(applied.time_ms // MINUTE_MS)
            self._said.append(room)
            if len(self._said) >= SAID_MAX:
                self._count()

    def _count(self) -> None:
        """Count the last messages."""
        present = self._present
        for room, count in Counter(self._said).items():
            if room in present:
                present[room] += count
            elif len(present) < ROOMS_MAX:
                present[room] = count
        self._said.clear()

    def _begin(self, minute: int) -> None:
        """Begin to count a minute."""
        self._count()
        counted = self._present
        for room in [*counted]:
            if room in self._total or len(self._total) < ROOMS_MAX:
                self._total[room] = self._total.get(room, 0) + counted[room]
            else:
                del counted[room]
        if counted:
            self._minutes.append((self._minute, counted))
        self._present = {}
        self._minute, self._end_ms = minute, (minute + 1) * MINUTE_MS

    def busiest(self, state: State, now: float) -> tuple[RoomActivity, ...]:
        """Return the busiest rooms that are not hidden; `now` is the monotonic time."""
        if now - self._looked_at < LOOK_S:
            return self._busiest
        self._looked_at = now
        if state.time_ms >= self._end_ms:
            self._begin(state.time_ms // MINUTE_MS)
        first = self._minute - MINUTES
        while self._minutes and self._minutes[0][0] <= first:
            self._subtract(self._minutes.popleft()[1])
        self._count()
        total = dict(self._total)
        for number, count in self._present.items():
            total[number] = total.get(number, 0) + count
        shown = (
            RoomActivity(room.name, len(room.members), count)
            for number, count in total.items()
            if (room := state.rooms.get(number)) is not None and not is_private(room)
        )
        self._busiest = tuple(
            heapq.nlargest(SHOWN_MAX, shown, key=lambda one: (one.messages, one.members, one.name))
        )
        return self._busiest

    def _subtract(self, counts: Mapping[RoomId, int]) -> None:
        for room, count in counts.items():
            self._total[room] -= count
            if not self._total[room]:
                del self._total[room]
