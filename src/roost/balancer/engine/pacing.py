"""How long lines are collected before a batch goes to the nodes: no time at all under low load.

    lines and deliveries --> load, a decaying average --> delay until the next batch

Lines in one batch share what a single line costs: a frame to each node, a write to each log, the
wake-up of every process. What is said together in a room is also written to each of its clients
at once. Batches are made here only; no later stage waits for more.

    delay
    25 ms |                    .
          |                   .    near a whole core, with the cube of the load
          |                 .
     5 ms |   . . . . . . .        the first lines that share a batch save the most
        0 |. .
          +----------------------
           0   0.2       0.6   1   cores of load
"""

import math

import msgspec

LINE_WORK_S = 350e-6
"""Processor time of a line in a cluster of three nodes: measured, between that of a line alone and
that of one in a full batch."""
DELIVERY_WORK_S = 3e-6
"""Processor time of a delivery."""
MODERATE_LOAD = 0.2
"""In cores. From here on the delay is this share of the longest one, until the cube of the load is
more. Three lines that share a batch already cost the nodes half of what they cost alone."""
DELAY_S_MIN = 0.002
"""Shorter delays are skipped: they collect few lines, and the event loop's resolution is 1 ms."""
DECAY_S = 0.2
"""Time constant of the average: a crowd that talks counts, a single pasted page does not."""


class PaceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How long lines may be collected."""

    delay_ms_max: float = 25.0
    """The longest time between two batches, reached when the cluster needs a whole core; a fifth
    of it at a moderate load; 0 sends every line at once."""

    def __post_init__(self) -> None:
        if not 0 <= self.delay_ms_max <= 1000:
            raise ValueError("delay_ms_max must be from 0 to 1000")


class Pacer:
    """When the next batch may be sent."""

    def __init__(self, config: PaceConfig) -> None:
        self._delay_s_max = config.delay_ms_max / 1000
        self._work = 0.0
        """Processor time of recent lines and deliveries, in seconds, decaying."""
        self._sent_at = float("-inf")
        self.due = float("-inf")
        """When the next batch may be sent."""

    def sent(self, lines: int, deliveries: int, now: float) -> None:
        """Note that a batch is sent, and what came and was delivered since the one before.

        A low load causes no delay, and a moderate one a short one.
        """
        self._work *= math.exp(min(0.0, (self._sent_at - now) / DECAY_S))
        self._work += lines * LINE_WORK_S + deliveries * DELIVERY_WORK_S
        self._sent_at = now
        load = min(1.0, self._work / DECAY_S)
        delay_s = max(load * load * load, min(load, MODERATE_LOAD)) * self._delay_s_max
        self.due = now + delay_s if delay_s >= DELAY_S_MIN else now
