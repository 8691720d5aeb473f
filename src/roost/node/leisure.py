"""Tells whether a process has time for what can wait.

A node is busy while its event loop takes more than a share of a core. What other threads take does
not count: that is what waits.
"""

from collections.abc import Callable

from roost.ops import clock

BUSY_SHARE = 0.1
"""Of a core: what a few hundred messages a second take. A node to which little is said takes a
hundredth."""
LOOK_S = 1.0
"""The shortest time to judge by; what is asked sooner gets the answer before."""


class Leisure:
    """The use of the processor by the thread that calls it."""

    def __init__(
        self,
        monotonic: Callable[[], float] = clock.monotonic,
        used: Callable[[], float] = clock.thread_used,
    ) -> None:
        """Begin to judge; `used` returns the processor time of the thread, in seconds."""
        self._monotonic, self._used = monotonic, used
        self.begin()

    def begin(self) -> None:
        """Judge by what comes from now on."""
        self._since, self._used_before = self._monotonic(), self._used()
        self._is_busy = False

    def is_busy(self) -> bool:
        """Return whether the thread was busy since this was judged before, or `begin`."""
        now = self._monotonic()
        if now - self._since >= LOOK_S:
            used = self._used()
            self._is_busy = used - self._used_before > BUSY_SHARE * (now - self._since)
            self._since, self._used_before = now, used
        return self._is_busy
