"""How long lines wait for others to go along with: not at all while there is little to do.

    lines and deliveries --> work, fading away --> delay until lines go to the nodes again

Pure. Lines that leave together share what a line alone would cost: a frame to each node, a write
to each log, the waking of every process; and what is said together in a room is written to each
of its clients at once. So everything is collected here, once, and nothing further on waits.
"""

import math

import msgspec

LINE_WORK_S = 350e-6
"""Processor time that a line takes in a cluster of three nodes; measured, between what it takes
alone and in the best company."""
DELIVERY_WORK_S = 3e-6
"""And what a delivery takes, likewise."""
DELAY_S_MIN = 0.002
"""Less is no delay: too few lines come within it, and the event loop's resolution is 1 ms."""
FADING_S = 0.2
"""How fast work is forgotten: a crowd that talks at once is noticed, one pasted page is not."""


class PaceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How long lines may be kept."""

    delay_ms_max: float = 25.0
    """The longest time between two departures of lines, when there is work for at least one core
    of the cluster; 0 lets every line go at once."""

    def __post_init__(self) -> None:
        if not 0 <= self.delay_ms_max <= 1000:
            raise ValueError("delay_ms_max must be from 0 to 1000")


class Pace:
    """When lines may go."""

    def __init__(self, config: PaceConfig) -> None:
        self._delay_s_max = config.delay_ms_max / 1000
        self._work = 0.0
        """Seconds of processor time that what happened lately has taken, fading away."""
        self._went_at = float("-inf")
        self.due = float("-inf")
        """When lines may go again."""

    def went(self, lines: int, deliveries: int, now: float) -> None:
        """Lines go now; so much has come and was delivered since they went the last time.

        The delay grows with the cube of the load, so that a moderate one costs nobody any time.
        """
        self._work *= math.exp(min(0.0, (self._went_at - now) / FADING_S))
        self._work += lines * LINE_WORK_S + deliveries * DELIVERY_WORK_S
        self._went_at = now
        load = min(1.0, self._work / FADING_S)
        delay_s = load * load * load * self._delay_s_max
        self.due = now + delay_s if delay_s >= DELAY_S_MIN else now
