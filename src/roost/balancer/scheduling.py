"""What sockets and trunks need of the balancer's event loop."""

from typing import Protocol


class FlushScheduler(Protocol):
    """The event loop's turns: inputs first, then one flush of what they led to."""

    @property
    def now(self) -> float:
        """The time, at most a sweep old."""

    def read_clock(self) -> float:
        """Return the exact time, for what measures round trips."""

    def schedule_flush(self) -> None:
        """Flush lines and outboxes at the end of this turn; call it after each input."""
