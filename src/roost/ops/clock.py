"""The only module that reads clocks.

All other code gets the time as an argument or asks here, so that tests and the simulation can
control it.
"""

import datetime as dt
import time

from roost.instant import Instant


def now() -> Instant:
    """Read the monotonic clock for time-outs, and the wall clock for people."""
    return Instant(time.monotonic(), time.time_ns() // 1_000_000)  # noqa: TID251


def monotonic() -> float:
    """Read the clock that never goes back, in seconds since an arbitrary moment."""
    return time.monotonic()  # noqa: TID251


def thread_used() -> float:
    """Return how much processor time the calling thread has taken, in seconds."""
    return time.thread_time()


def utc_now() -> dt.datetime:
    """Read the date and time that certificates are checked against."""
    return dt.datetime.now(dt.UTC)  # noqa: TID251
