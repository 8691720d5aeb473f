"""A moment, passed to the pure parts as an argument: none of them reads a clock."""

from typing import NamedTuple


class Instant(NamedTuple):
    """A moment, as the pure parts see it."""

    monotonic: float
    """Seconds on a clock that never goes back; what every time-out is counted on."""
    wall_ms: int
    """Milliseconds since the Unix epoch; what people are shown."""
