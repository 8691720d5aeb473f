"""When a node has something to do although nothing has come.

A turn can change only deadlines of what it has looked at (see `routine`). Finding out the others
again would take longer than most turns of a busy node.
"""

from roost.instant import Instant
from roost.log import Log
from roost.node.engine.historian import Historian
from roost.node.engine.pending import PendingCommands
from roost.node.engine.routine import LOG, OTHER

_NEVER_LOOKED = float("-inf")
TICK_LATE_S = 0.25
"""How much later than due a tick may come: an idle node is woken more often than that, and the tick
comes with one of these wakes."""


class Deadlines:
    """The next deadlines of a node's parts."""

    def __init__(self, log: Log, pending: PendingCommands, historian: Historian) -> None:
        self._log = log
        self._pending = pending
        self._historian = historian
        self.looked_at = OTHER
        """What the last turn has looked at."""
        self._lines_due = self._rest_due = self._tick_due = _NEVER_LOOKED
        """Of what lines and entries lead to, of all the rest but the log, and of what has none of
        its own."""

    def next(self, tick_due: float) -> float:
        """Return the first one; `tick_due` is for what has none of its own."""
        self._tick_due = tick_due
        if self.looked_at == OTHER:
            self._rest_due = self._historian.next_deadline()
        if self.looked_at != LOG:
            self._lines_due = min(self._pending.next_deadline(), self._historian.write_deadline())
        late = tick_due + TICK_LATE_S
        return min(self._log.next_deadline(), self._lines_due, self._rest_due, late)

    def is_the_logs(self, now: float) -> bool:
        """Return whether nothing but the log can have anything to do."""
        return now < min(self._lines_due, self._rest_due, self._tick_due)


def next_tick(now: Instant, interval_s: float) -> float:
    """Return when to tick next, in monotonic seconds: all nodes do so at the same time of day.

    So the balancers, which are told something after each tick, are woken by all nodes at once.
    """
    interval_ms = int(interval_s * 1000)
    wait_ms = interval_ms - now.wall_ms % interval_ms
    return now.monotonic + (wait_ms + (interval_ms if wait_ms < interval_ms / 4 else 0)) / 1000
