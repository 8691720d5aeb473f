"""When a node has something to do although nothing has come.

A turn can change only deadlines of what it has looked at (see `routine`). Finding out the others
again would take longer than most turns of a busy node.
"""

from roost.log import Log
from roost.node.engine.historian import Historian
from roost.node.engine.pending import PendingCommands
from roost.node.engine.routine import LOG, OTHER

_NEVER_LOOKED = float("-inf")


class Deadlines:
    """The next deadlines of a node's parts."""

    def __init__(self, log: Log, pending: PendingCommands, historian: Historian) -> None:
        self._log = log
        self._pending = pending
        self._historian = historian
        self.looked_at = OTHER
        """What the last turn has looked at."""
        self._lines_due = self._rest_due = _NEVER_LOOKED
        """Of what lines and entries lead to, and of all the rest but the log."""

    def next(self, tick_due: float) -> float:
        """Return the first one; `tick_due` is for what has none of its own."""
        if self.looked_at == OTHER:
            self._rest_due = min(self._historian.next_deadline(), tick_due)
        if self.looked_at != LOG:
            self._lines_due = min(self._pending.next_deadline(), self._historian.write_deadline())
        return min(self._log.next_deadline(), self._lines_due, self._rest_due)

    def is_the_logs(self, now: float) -> bool:
        """Return whether only the log has something to do."""
        return self._log.next_deadline() <= now < min(self._lines_due, self._rest_due)
