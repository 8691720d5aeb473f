"""Collect garbage while the user is idle, and never much at once.

A collection visits every object of its generation and the younger ones: with a hundred thousand
loaded messages a full one takes a fifth of a second, long enough to notice while scrolling. So the
two young generations are kept small, full collections wait for a quiet moment, and what survives
is frozen. After much was loaded, it is frozen without being looked at: messages are no cycles.
"""

import gc

YOUNG = 20_000
"""New objects before the youngest generation is collected; Python's default is 700."""
MIDDLE = 5
"""Collections of the youngest generation before one of the middle one, which thus visits at most
100,000 objects: about 10 ms."""
NEVER = 1_000_000
MIDDLE_COLLECTIONS_MAX = 3
"""How many may have filled the oldest generation for it to be collected, in some 30 ms."""
QUIET_S = 2.0
"""How long nothing must have changed."""
EVERY_S = 60.0


class IdleCollector:
    """Decides when to run a full collection."""

    def __init__(self) -> None:
        self._changed_s = 0.0
        self._collected_s = 0.0

    def begin(self) -> None:
        """Freeze what is loaded, and turn off automatic full collections; `look` runs them."""
        gc.freeze()
        gc.set_threshold(YOUNG, MIDDLE, NEVER)

    def changed(self, now_s: float) -> None:
        """Note that the screen has changed."""
        self._changed_s = now_s

    def look(self, now_s: float) -> None:
        """Run a full collection if the screen is quiet and the last one is long ago."""
        if now_s - self._changed_s < QUIET_S or now_s - self._collected_s < EVERY_S:
            return
        self._collected_s = now_s
        if gc.get_count()[2] <= MIDDLE_COLLECTIONS_MAX:
            gc.collect()
        gc.freeze()
