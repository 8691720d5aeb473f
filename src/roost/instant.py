"""A moment, passed to the pure parts as an argument: none of them reads a clock."""

from typing import NamedTuple


class Instant(NamedTuple):
    monotonic: float
    """Seconds on a clock that never goes back; all time-outs use it."""
    wall_ms: int
    """Milliseconds since the Unix epoch; people are shown this."""
