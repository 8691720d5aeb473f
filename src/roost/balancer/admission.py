"""How many connections there may be: in all, and from one address."""

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_IPV6_PREFIX = 64
"""What one customer is given at least: counting single IPv6 addresses would count nothing."""


def plain_address(host: str) -> str:
    """Write an address as people know it: no zone, IPv4 also when it came mapped into IPv6."""
    host = host.partition("%")[0]
    return host[7:] if host.startswith("::ffff:") and "." in host else host


class Doorkeeper:
    """Counts connections and says who may come in."""

    def __init__(self, *, total_max: int, per_address_max: int, exempt: Sequence[str]) -> None:
        self.total_max = total_max
        self._per_address_max = per_address_max
        self._exempt: tuple[Network, ...] = tuple(ipaddress.ip_network(text) for text in exempt)
        self._counts: dict[str, int] = {}
        self.total = 0
        """Connections that are in."""

    def enter(self, address: str) -> str:
        """Count a connection in; gives the reason when it may not, which is then not counted."""
        if self.total >= self.total_max:
            return f"too many connections: {self.total_max} are allowed"
        key = self._key(address)
        if key:
            count = self._counts.get(key, 0)
            if count >= self._per_address_max:
                return f"too many connections from {key}: {self._per_address_max} are allowed"
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
