"""The regular work of a process, done together, and if possible when the process is awake anyway.

    a turn of the event loop, late in the period --\
    a timer, if no such turn has come --------------> listeners, in order

Waking an idle process costs several times what heartbeats, measurements and checks then cost. So
they share one pulse, and the pulse comes with what wakes the process: a leader's heartbeat wakes
its followers, whose pulse follows it from then on.
"""

import asyncio
from collections.abc import Callable

from roost.ops import clock

PULSE_S = 0.2
"""The period: five times in a second, as often as the leader sends heartbeats."""
EARLY = 0.85
LATE = 1.15
"""A turn counts from this part of the period on; without one, the timer goes off then."""


class Pulse:
    """Calls its listeners about once in each period."""

    def __init__(self, period_s: float = PULSE_S) -> None:
        """`period_s` must be several times the resolution of the event loop, a millisecond."""
        self._loop = asyncio.get_running_loop()
        self._early_s, self._late_s = period_s * EARLY, period_s * LATE
        self._listeners: list[Callable[[float, float], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._ripe_at = float("inf")
        self.due_at = float("inf")
        """When the timer goes off, in monotonic seconds; never if it is not running."""

        self._plan(clock.monotonic())

    def add(self, listener: Callable[[float, float], None]) -> None:
        """Have a listener called with the time, and how many seconds late the timer was."""
        self._listeners.append(listener)

    def remove(self, listener: Callable[[float, float], None]) -> None:
        """Call a listener no more."""
        self._listeners.remove(listener)

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._ripe_at = self.due_at = float("inf")

    def is_ripe(self, now: float) -> bool:
        """Return whether it is nearly time to beat, so that a wake deserves a turn."""
        return now >= self._ripe_at

    def ride(self, now: float) -> None:
        """Beat if it is nearly time to; call it in each turn, before what the turn sends."""
        if now >= self._ripe_at:
            self._beat(now)

    def _beat(self, now: float) -> None:
        late_s = max(0.0, now - self.due_at)
        self._plan(now)
        for listener in tuple(self._listeners):
            listener(now, late_s)

    def _plan(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._ripe_at, self.due_at = now + self._early_s, now + self._late_s
        self._timer = self._loop.call_later(self._late_s, lambda: self._beat(clock.monotonic()))
