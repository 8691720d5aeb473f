"""A token bucket: allows a burst at once, and a steady rate after it."""


def refilled(tokens: float, burst: int, per_s: float, seconds: float) -> float:
    """Return how many tokens there are after some seconds, at most `burst`."""
    return min(float(burst), tokens + seconds * per_s)


class TokenBucket:
    """The tokens of one client or address; full at first.

    `burst` and `per_s` are arguments, so that thousands of buckets share one configuration.
    """

    __slots__ = ("_tokens", "_updated_at")

    def __init__(self, burst: int, now: float) -> None:
        self._tokens = float(burst)
        self._updated_at = now

    def take(self, wanted: int, burst: int, per_s: float, now: float) -> int:
        """Take up to `wanted` whole tokens, and return how many; a rate of 0 sets no limit."""
        if not per_s:
            return wanted
        tokens = refilled(self._tokens, burst, per_s, now - self._updated_at)
        taken = min(wanted, int(tokens))
        self._tokens = tokens - taken
        self._updated_at = now
        return taken

    def is_full(self, burst: int, per_s: float, now: float) -> bool:
        """Return whether the bucket is as good as a new one."""
        return self._tokens + (now - self._updated_at) * per_s >= burst
