"""The time that a node goes by: what a majority's clocks allow, not what its own clock says.

    own wall clock --+
    neighbours' -----+--> the latest time that a majority has reached --> messages, expiries, limits

Heartbeats measure the neighbours' wall clocks. A clock is kept as its distance from this node's
monotonic clock, which never jumps. The cluster's time is the largest distance that a majority of
the clocks has reached: for three clocks it is the middle one. A node that has not heard what enough
others' clocks say since it started does not stand for election. While no majority agrees, time goes
on at the pace of the monotonic clock. If the agreed time itself jumps, the node follows after
`SETTLE_S`, so that a fault of seconds leaves no trace.
"""

from roost.instant import Instant

SETTLE_S = 10.0
"""How long a jump of a majority's clocks must last before it is believed. Clocks that were set
wrong and right again within it change nothing; a real correction is followed soon."""
SLEW = 0.1
"""How fast small differences are made up for: 100 ms a second, so that no time seems to jump."""
LOOK_S = 0.05
"""How often the clocks are compared: `read` is called for every input of a node."""
ABDICATION_S = 5.0
"""How often a leader whose clock is wrong tries to make another node lead."""
ROUND_TRIP_S_MAX = 0.5
"""A slower heartbeat says too little about a clock: it may be wrong by half of this."""
FIRST_ROUND_TRIP_S_MAX = 2.0
"""The same for a node that knows nothing better yet, so that a slow start does not stop it."""


class ClusterClock:
    """Turns this node's clock into the cluster's time, and tells whether its own clock is wrong."""

    def __init__(self, members: int, offset_ms_max: int, now: Instant) -> None:
        self._majority = members // 2 + 1
        self._voters: tuple[str, ...] = ()
        self._counts_own = True
        self._offset_ms_max = offset_ms_max
        self._others: dict[str, float] = {}
        """Neighbour -> its wall clock minus our monotonic clock, in milliseconds."""
        self._own = self._base = _distance(now)
        self._is_compared = False
        self._is_settled = False
        """Whether `_base` was ever agreed on by a majority."""
        self._disputed_since: float | None = None
        self._moved_at = self._look_due = now.monotonic
        self._abdication_due = now.monotonic

    def follow(self, name: str, voters: tuple[str, ...]) -> None:
        """Go by the clocks of these nodes from now on; `name` is this one."""
        if voters != self._voters:
            self._voters = voters
            self._majority = len(voters) // 2 + 1
            self._counts_own = name in voters

    def measure(self, name: str, wall_ms: int, sent: float, received: float) -> None:
        """Note what a neighbour's wall clock said between two moments of our monotonic clock."""
        limit_s = ROUND_TRIP_S_MAX if self._is_compared else FIRST_ROUND_TRIP_S_MAX
        if received - sent <= limit_s:
            self._others[name] = wall_ms - (sent + received) * 500

    def forget(self, name: str) -> None:
        """Ignore the clock of a neighbour whose link is gone."""
        self._others.pop(name, None)

    def read(self, now: Instant) -> Instant:
        """Return `now` with the cluster's time in place of this node's wall clock."""
        monotonic = now[0]
        if monotonic >= self._look_due:
            self._look_due = monotonic + LOOK_S
            self._own = _distance(now)
            self._follow(monotonic)
        return Instant(monotonic, int(monotonic * 1000 + self._base))

    @property
    def offset_ms(self) -> int:
        """How far this node's wall clock is ahead of the cluster's time; negative when behind."""
        return round(self._own - self._base)

    @property
    def is_compared(self) -> bool:
        """Whether the time comes from a majority's clocks, and not from this node's alone."""
        return self._is_compared

    @property
    def is_settled(self) -> bool:
        """Whether a majority of the clocks has agreed on the time since the start."""
        return self._is_settled

    @property
    def is_wrong(self) -> bool:
        """Whether others confirm that this node's wall clock is off by more than is allowed."""
        if self._is_close(self._own):
            return False
        confirming = sum(1 for clock in self._counted() if self._is_close(clock))
        return confirming >= max(1, self._majority - 1)

    def is_abdication_due(self, now: Instant) -> bool:
        """Return whether a leader is to hand over now, because its clock is wrong."""
        if not self.is_wrong or now.monotonic < self._abdication_due:
            return False
        self._abdication_due = now.monotonic + ABDICATION_S
        return True

    def _is_close(self, clock: float) -> bool:
        return abs(clock - self._base) <= self._offset_ms_max

    def _counted(self) -> list[float]:
        """Return the neighbours' clocks that count: those of voters, once it is known who votes."""
        if not self._voters:
            return list(self._others.values())
        return [self._others[name] for name in self._voters if name in self._others]

    def _follow(self, monotonic: float) -> None:
        elapsed, self._moved_at = monotonic - self._moved_at, monotonic
        own = [self._own] if self._counts_own else []
        clocks = sorted(own + self._counted(), reverse=True)
        if len(clocks) < self._majority:
            self._disputed_since = None
            return
        self._is_compared = True
        allowed = clocks[self._majority - 1]
        close = sum(1 for clock in clocks if abs(clock - allowed) <= self._offset_ms_max)
        if not self._is_settled:
            self._base = allowed
            self._is_settled = close >= self._majority
        elif close < self._majority:
            self._disputed_since = None
        elif self._is_close(allowed):
            self._disputed_since = None
            step = SLEW * elapsed * 1000
            self._base += max(-step, min(step, allowed - self._base))
        elif self._disputed_since is None:
            self._disputed_since = monotonic
        elif monotonic - self._disputed_since >= SETTLE_S:
            self._disputed_since, self._base = None, allowed


def _distance(now: Instant) -> float:
    return now.wall_ms - now.monotonic * 1000
