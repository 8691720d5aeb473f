"""How many connections there may be: in all, from one address, and how fast after one another."""

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_IPV6_PREFIX = 64
"""What one customer is given at least: counting single IPv6 addresses would count nothing."""


PRUNE_S = 10.0
"""Between two looks at whose pace need not be remembered any more: what crowds leave behind is
gone soon, and looking costs a millisecond for thousands."""


def plain_address(host: str) -> str:
    """Write an address as people know it: no zone, IPv4 also when it came mapped into IPv6."""
    host = host.partition("%")[0]
    return host[7:] if host.startswith("::ffff:") and "." in host else host


class _Pace:
    """An address' tokens, one for each connection."""

    __slots__ = ("at", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens = tokens
        self.at = at


class Doorkeeper:
    """Counts connections and says who may come in."""

    def __init__(
        self,
        *,
        total_max: int,
        per_address_max: int,
        exempt: Sequence[str],
        burst: int = 1,
        per_s: float = 0.0,
    ) -> None:
        """Allow each address `burst` connections at once and `per_s` a second; 0 is no pace."""
        self.total_max = total_max
        self._burst = float(burst)
        self._per_s = per_s
        self._paces: dict[str, _Pace] = {}
        """Of addresses that came so lately that they may not come as often as a new one."""
        self._pruned_at = float("-inf")
        self._per_address_max = per_address_max
        self._exempt: tuple[Network, ...] = tuple(ipaddress.ip_network(text) for text in exempt)
        self._counts: dict[str, int] = {}
        self.total = 0
        """Connections that are in."""

    def enter(self, address: str, now: float) -> str:
        """Count a connection in; gives the reason when it may not, which is then not counted."""
        if self.total >= self.total_max:
            return f"too many connections: {self.total_max} are allowed"
        key = self._key(address)
        if key:
            count = self._counts.get(key, 0)
            if count >= self._per_address_max:
                return f"too many connections from {key}: {self._per_address_max} are allowed"
            if self._per_s and not self._pay(key, now):
                return (
                    f"too many connections from {key} in a short time: "
                    f"{self._per_s:g} a second are allowed, try again later"
                )
            self._counts[key] = count + 1
        self.total += 1
        return ""

    def leave(self, address: str) -> None:
        """Count a connection out that had come in."""
        self.total -= 1
        key = self._key(address)
        if not key:
            return
        count = self._counts[key] - 1
        if count:
            self._counts[key] = count
        else:
            del self._counts[key]

    def _pay(self, key: str, now: float) -> bool:
        """Take a token for a connection; tells whether there was one."""
        self._prune(now)
        pace = self._paces.get(key)
        if pace is None:
            pace = self._paces[key] = _Pace(self._burst, now)
        pace.tokens = min(self._burst, pace.tokens + (now - pace.at) * self._per_s)
        pace.at = now
        if pace.tokens < 1:
            return False
        pace.tokens -= 1
        return True

    def _prune(self, now: float) -> None:
        """Forget the addresses whose tokens are all there again."""
        if now - self._pruned_at < PRUNE_S:
            return
        self._pruned_at = now
        burst, per_s = self._burst, self._per_s
        self._paces = {
            key: pace
            for key, pace in self._paces.items()
            if pace.tokens + (now - pace.at) * per_s < burst
        }

    def _key(self, address: str) -> str:
        """Give what the address is counted under; empty when it is exempt."""
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            # No IP address: a socket of this machine's own.
            return ""
        if any(ip in network for network in self._exempt):
            return ""
        if ip.version == 6:
            return str(ipaddress.ip_network((ip, _IPV6_PREFIX), strict=False))
        return address
