"""Decide which address to dial next, and when. Pure: random numbers are arguments.

After a lost connection the next address is tried at once: when a balancer dies, another one has
its sessions. The addresses of a list follow each other quickly. When all have failed, the waits
grow from a second to a minute, with jitter, so that the clients of a dead server do not all come
back at the same moment.
"""

from dataclasses import dataclass

from roost.client.addresses import Address

AGAIN_S = 0.2
"""Before the next address of a round, or after a working connection was lost."""
WAIT_S = 1.0
WAIT_S_MAX = 60.0
"""The wait after the first failed round, and the longest wait; each is twice the one before."""
STABLE_S = 10.0
"""A connection that lasted this long counts as one that worked."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A server's `sts` policy."""

    port: int
    until_ms: int


class Dialler:
    """The order of addresses, and the waits between them."""

    def __init__(self, addresses: tuple[Address, ...]) -> None:
        assert addresses
        self._addresses = addresses
        self._place = 0
        self._failures = 0
        self.wait_s_max = WAIT_S_MAX
        self.policies: dict[str, Policy] = {}
        """By host, while they are in force."""

    def address(self, now_ms: int) -> Address:
        """Return the address to dial now, changed to TLS if a policy asks for it."""
        address = self._addresses[self._place]
        policy = self.policies.get(address.host)
        if policy is not None and not address.is_secure and now_ms < policy.until_ms:
            return Address(address.host, policy.port, True)
        return address

    def failed(self, jitter: float) -> float:
        """Note that an address failed; return the seconds to wait. `jitter` is 0 to 1."""
        self._failures += 1
        self._place = (self._place + 1) % len(self._addresses)
        rounds, rest = divmod(self._failures, len(self._addresses))
        if rest or not rounds:
            return AGAIN_S * (0.5 + jitter / 2)
        return min(self.wait_s_max, WAIT_S * 2.0 ** min(rounds - 1, 10)) * (0.5 + jitter / 2)

    def lost(self, online_s: float, jitter: float) -> float:
        """Note the end of a connection that lasted `online_s`; return the seconds to wait."""
        if online_s < STABLE_S:
            return self.failed(jitter)
        self._failures = 0
        self._place = (self._place + 1) % len(self._addresses)
        return AGAIN_S * (0.5 + jitter / 2)

    def upgrade(self, host: str, port: int) -> None:
        """Use TLS on a port of a host from now on, because its server asks for it."""
        self._addresses = tuple(
            Address(host, port, True) if known.host == host and not known.is_secure else known
            for known in self._addresses
        )

    def replace(self, addresses: tuple[Address, ...]) -> None:
        """Replace the addresses."""
        self._addresses = addresses
        self.restart()

    def restart(self) -> None:
        """Forget failures, because the user wants to try now."""
        self._failures = 0
        self._place %= len(self._addresses)
