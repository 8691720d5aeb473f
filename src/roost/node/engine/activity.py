"""How much is said in which rooms, for the live page: counts only, and nothing of hidden rooms.

messages --said--> one count per room and minute, for an hour --busiest--> the rooms to show
"""

import heapq
from collections import Counter, deque

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
LOOK_S = 10.0
"""Between two looks for the busiest rooms."""


class Activity:
    """Messages per room in the last hour."""

    def __init__(self) -> None:
        self._minutes: deque[tuple[int, Counter[RoomId]]] = deque()
        self._total: Counter[RoomId] = Counter()
        self._looked_at = float("-inf")
        self._busiest: tuple[RoomActivity, ...] = ()

    def applied(self, applied: Applied) -> None:
        """Count the messages to rooms of an entry."""
        for result in applied.results:
            if type(result) is not Said or not (room := result.room):
                continue
            if room not in self._total and len(self._total) >= ROOMS_MAX:
                continue
            minute = applied.time_ms // MINUTE_MS
            if not self._minutes or self._minutes[-1][0] < minute:
                self._minutes.append((minute, Counter()))
            self._minutes[-1][1][room] += 1
            self._total[room] += 1

    def busiest(self, state: State, now: float) -> tuple[RoomActivity, ...]:
        """Return the busiest rooms that are not hidden; `now` is the monotonic time."""
        if now - self._looked_at < LOOK_S:
            return self._busiest
        self._looked_at = now
        first = state.time_ms // MINUTE_MS - MINUTES
        while self._minutes and self._minutes[0][0] <= first:
            self._total -= self._minutes.popleft()[1]
        shown = (
            RoomActivity(room.name, len(room.members), count)
            for number, count in self._total.items()
            if (room := state.rooms.get(number)) is not None and not is_private(room)
        )
        self._busiest = tuple(
            heapq.nlargest(SHOWN_MAX, shown, key=lambda one: (one.messages, one.members, one.name))
        )
        return self._busiest
