"""Virtual time, the seed, and the queue of events of a simulated cluster."""

import heapq
import itertools
import random
from collections.abc import Callable

from roost.instant import Instant

EPOCH_MS = 1_700_000_000_000


class World:
    """A queue of events on a virtual clock; the only source of time and randomness."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.trace: list[str] = []

    def instant(self, skew_ms: int = 0) -> Instant:
        """Return the time on a node whose wall clock is skewed."""
        return Instant(self.now, EPOCH_MS + skew_ms + int(self.now * 1000))

    def at(self, delay: float, action: Callable[[], None]) -> None:
        """Schedule an event `delay` seconds from now."""
        heapq.heappush(self._events, (self.now + max(delay, 0.0), next(self._order), action))

    def log(self, text: str) -> None:
        """Record a line, to analyse a failure."""
        self.trace.append(f"{self.now:9.4f} {text}")

    def step(self) -> None:
        """Process the next event."""
        self.now, _, action = heapq.heappop(self._events)
        action()

    def run_events(self, count: int) -> None:
        """Process this many events."""
        for _ in range(count):
            self.step()

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.step()
        self.now = end

    def run_until(
        self, condition: Callable[[], bool], seconds_max: float, what: str | Callable[[], str]
    ) -> float:
        """Let time pass until a condition holds; return how long it took.

        Raises:
            AssertionError: it was not so within `seconds_max` virtual seconds.
        """
        start = self.now
        while not condition():
            if not self._events or self._events[0][0] > start + seconds_max:
                tail = "\n".join(self.trace[-60:])
                text = what if isinstance(what, str) else what()
                raise AssertionError(
                    f"seed {self.seed}: after {seconds_max} s still not so: {text}\n{tail}"
                )
            self.step()
        return self.now - start
