"""Collecting garbage when nobody notices.

A full collection looks at every object, which with a hundred thousand loaded messages takes a tenth
of a second: long enough to be seen while one scrolls. So young objects are collected as always, and
all of them only in a quiet moment; what is still there then is left out from then on.
"""

import gc

YOUNG = 20_000
"""New objects before the youngest are looked at; Python's default is 700."""
MIDDLE = 50
NEVER = 1_000_000
QUIET_S = 2.0
"""Nothing may have changed for so long."""
EVERY_S = 60.0


class IdleCollector:
    """Decides when to collect everything."""

    def __init__(self) -> None:
        self._changed_s = 0.0
        self._collected_s = 0.0

    def begin(self) -> None:
        """Leave full collections to `look`."""
        gc.set_threshold(YOUNG, MIDDLE, NEVER)

    def changed(self, now_s: float) -> None:
        """Note that something happened on the screen."""
        self._changed_s = now_s

    def look(self, now_s: float) -> None:
        """Collect if it is quiet, and was not done lately."""
        if now_s - self._changed_s < QUIET_S or now_s - self._collected_s < EVERY_S:
            return
        self._collected_s = now_s
        gc.collect()
        gc.freeze()
