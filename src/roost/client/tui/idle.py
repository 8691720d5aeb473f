"""Collect garbage while the user is idle.

A full collection visits every object: with a hundred thousand loaded messages it takes a tenth of
a second, long enough to notice while scrolling. So only young objects are collected as usual. Full
collections wait for a quiet moment, and freeze what survives.
"""

import gc

YOUNG = 20_000
"""New objects before the youngest generation is collected; Python's default is 700."""
MIDDLE = 50
NEVER = 1_000_000
QUIET_S = 2.0
"""How long nothing must have changed."""
EVERY_S = 60.0


class IdleCollector:
    """Decides when to run a full collection."""

    def __init__(self) -> None:
        self._changed_s = 0.0
        self._collected_s = 0.0

    def begin(self) -> None:
        """Turn off automatic full collections; `look` runs them."""
        gc.set_threshold(YOUNG, MIDDLE, NEVER)

    def changed(self, now_s: float) -> None:
        """Note that the screen has changed."""
        self._changed_s = now_s

    def look(self, now_s: float) -> None:
        """Run a full collection if the screen is quiet and the last one is long ago."""
        if now_s - self._changed_s < QUIET_S or now_s - self._collected_s < EVERY_S:
            return
        self._collected_s = now_s
        gc.collect()
        gc.freeze()
