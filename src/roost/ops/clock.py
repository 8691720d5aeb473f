"""The one reader of clocks.

Everything else is given its time, or asks here, so that nothing depends on a clock that a test or
the simulation cannot turn.
"""

import datetime as dt
import time

from roost.instant import Instant


def now() -> Instant:
    """Read both clocks: the one that time-outs are counted on and the one that people read."""
    return Instant(time.monotonic(), time.time_ns() // 1_000_000)  # noqa: TID251


def monotonic() -> float:
    """Read the clock that never goes back, in seconds from an arbitrary point."""
    return time.monotonic()  # noqa: TID251


def utc_now() -> dt.datetime:
    """Read the calendar: what certificates are dated by."""
    return dt.datetime.now(dt.UTC)  # noqa: TID251
