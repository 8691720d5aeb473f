"""Connection limits: how many in all, how many from one address, and how fast."""

from roost.balancer.engine.token_bucket import TokenBucket
from roost.chat.admission import address_key

PRUNE_S = 10.0
"""Between two searches for full token buckets, which need not be kept. A search takes a
millisecond for thousands of addresses."""


class ConnectionLimiter:
    """Counts connections, and refuses those above a limit."""

    def __init__(
        self,
        *,
        total_max: int,
        per_address_max: int,
        exempt: tuple[str, ...],
        burst: int = 1,
        per_s: float = 0.0,
    ) -> None:
        """Allow each address `burst` connections at once and then `per_s` a second; 0 is any.

        The `exempt` networks are only subject to `total_max`.
        """
        self.total_max = total_max
        self.total = 0
        """Open connections."""
        self._per_address_max = per_address_max
        self._exempt = exempt
        self._burst = burst
        self._per_s = per_s
        self._counts: dict[str, int] = {}
        self._buckets: dict[str, TokenBucket] = {}
        """By address; an address without a bucket has a full one."""
        self._pruned_at = float("-inf")

    def admit(self, address: str, now: float) -> str:
        """Count a connection, or return why it is refused; a refused one is not counted."""
        if self.total >= self.total_max:
            return f"too many connections: {self.total_max} are allowed"
        key = address_key(address, self._exempt)
        if key:
            count = self._counts.get(key, 0)
            if count >= self._per_address_max:
                return f"too many connections from {key}: {self._per_address_max} are allowed"
            if self._per_s and not self._take_token(key, now):
                return (
                    f"too many connections from {key} in a short time: "
                    f"{self._per_s:g} a second are allowed, try again later"
                )
            self._counts[key] = count + 1
        self.total += 1
        return ""

    def release(self, address: str) -> None:
        """Count an admitted connection as closed."""
        self.total -= 1
        key = address_key(address, self._exempt)
        if not key:
            return
        count = self._counts[key] - 1
        if count:
            self._counts[key] = count
        else:
            del self._counts[key]

    def _take_token(self, key: str, now: float) -> bool:
        burst, per_s = self._burst, self._per_s
        if now - self._pruned_at >= PRUNE_S:
            self._pruned_at = now
            self._buckets = {
                key: bucket
                for key, bucket in self._buckets.items()
                if not bucket.is_full(burst, per_s, now)
            }
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(burst, now)
        return bool(bucket.take(1, burst, per_s, now))
