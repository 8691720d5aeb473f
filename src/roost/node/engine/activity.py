"""How much is said in which rooms, for the live page: counts only, and nothing of hidden rooms.

messages --said--> one count per room and minute, for an hour --busiest--> the rooms to show
"""

import heapq
from collections import deque
from collections.abc import Mapping

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
        self._minutes: deque[tuple[int, dict[RoomId, int]]] = deque()
        self._total: dict[RoomId, int] = {}
        self._looked_at = float("-inf")
        self._busiest: tuple[RoomActivity, ...] = ()

    def applied(self, applied: Applied) -> None:
        """Count the messages to rooms of an entry."""
        for result in applied.results:
            if type(result) is not Said or not (room := result.room):
                continue
            total = self._total.get(room, 0)
            if not total and len(self._total) >= ROOMS_MAX:
                continue
            minute = applied.time_ms // MINUTE_MS
            if not self._minutes or self._minutes[-1][0] < minute:
                self._minutes.append((minute, {}))
            counts = self._minutes[-1][1]
            counts[room] = counts.get(room, 0) + 1
            self._total[room] = total + 1

    def busiest(self, state: State, now: float) -> tuple[RoomActivity, ...]:
        """Return the busiest rooms that are not hidden; `now` is the monotonic time."""
        if now - self._looked_at < LOOK_S:
            return self._busiest
        self._looked_at = now
        first = state.time_ms // MINUTE_MS - MINUTES
        while self._minutes and self._minutes[0][0] <= first:
            self._subtract(self._minutes.popleft()[1])
        shown = (
            RoomActivity(room.name, len(room.members), count)
            for number, count in self._total.items()
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
