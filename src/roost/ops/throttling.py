"""Keep events that a crowd or a hostile peer causes from filling the log."""

from collections.abc import Callable

KEYS_MAX = 1000
"""Keys that are remembered; beyond them the one that was seen least recently is forgotten."""


class ThrottledLog:
    """Logs an event at most once in an interval for each key, with how often it was left out."""

    def __init__(self, write: Callable[..., object], event: str, interval_s: float) -> None:
        self._write = write
        self._event = event
        self._interval_s = interval_s
        self._written: dict[str, tuple[float, int]] = {}
        """By key: when the event was last logged, and how often it was left out since."""
        self.count = 0
        """How often the event happened."""

    def log(self, now: float, key: str = "", **fields: object) -> None:
        """Count the event, and log it unless that was done within the interval.

        The field `more` says how often it was left out.
        """
        self.count += 1
        written_at, left_out = self._written.pop(key, (float("-inf"), 0))
        if now - written_at < self._interval_s:
            self._written[key] = (written_at, left_out + 1)
            return
        self._written[key] = (now, 0)
        if len(self._written) > KEYS_MAX:
            del self._written[next(iter(self._written))]
        if left_out:
            fields["more"] = left_out
        self._write(self._event, **fields)
