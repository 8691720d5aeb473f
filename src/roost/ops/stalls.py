"""How long an event loop was stopped: nothing else could happen meanwhile, not even a heartbeat.

begin --- what one turn of the loop does --- end        exact, for what its owner marks
a timer that is late                                     for everything else
"""

from dataclasses import dataclass

PERIOD_S = 60.0
"""`recent_s` covers the present period and the one before."""


@dataclass(frozen=True, kw_only=True)
class StallStatistics:
    """The longest stops of an event loop, in seconds."""

    longest_s: float
    """Since the process began its work."""
    recent_s: float
    """Within the last one to two minutes."""


class StallDetector:
    """Keeps the longest stops; the owner says what the time is, in monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._began: float | None = None
        self._longest_s = 0.0
        self._period_ends = now + PERIOD_S
        self._periods_s = [0.0, 0.0]
        """The longest stops in the period before, and in the present one."""

    def begin(self, now: float) -> None:
        """Note that a turn begins; only the first call until `end` counts."""
        if self._began is None:
            self._began = now

    def end(self, now: float) -> None:
        """Note that the turn is over."""
        if self._began is not None:
            self._note(now - self._began, now)
            self._began = None

    def expected(self, planned: float, now: float) -> None:
        """Note that what was planned for a moment happens only now."""
        self._note(now - planned, now)

    def statistics(self, now: float) -> StallStatistics:
        """Return the longest stops."""
        self._move_on(now)
        return StallStatistics(longest_s=self._longest_s, recent_s=max(self._periods_s))

    def _note(self, seconds: float, now: float) -> None:
        if now >= self._period_ends:
            self._move_on(now)
        if seconds > self._periods_s[1]:
            self._periods_s[1] = seconds
            self._longest_s = max(self._longest_s, seconds)

    def _move_on(self, now: float) -> None:
        if now < self._period_ends:
            return
        is_next = now < self._period_ends + PERIOD_S
        self._periods_s = [self._periods_s[1] if is_next else 0.0, 0.0]
        self._period_ends = now + PERIOD_S
