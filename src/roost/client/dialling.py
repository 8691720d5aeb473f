"""Which address to dial next, and when; pure, and so is its dice: a number is given.

A lost connection is taken up at once at the next address: where a balancer died another one has
its sessions. An address that fails is followed by the next without much ado. When all have
failed, waits grow from a second to a minute, each a little different, so that a thousand clients
of a dead server do not come back in the same moment.
"""

from dataclasses import dataclass

from roost.client.addresses import Address

AGAIN_S = 0.2
"""Before the next address of the same round, or after a connection that worked was lost."""
WAIT_S = 1.0
WAIT_S_MAX = 60.0
"""The wait after the first round in vain, and the longest one; each doubles the last."""
STABLE_S = 10.0
"""A connection that lasted so long counts as one that worked."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a server's `sts` policy asks for."""

    port: int
    until_ms: int


class Dialler:
    """The order of addresses and the waits between them."""

    def __init__(self, addresses: tuple[Address, ...]) -> None:
        """Start with the first address."""
        assert addresses
        self._addresses = addresses
        self._place = 0
        self._failures = 0
        self.policies: dict[str, Policy] = {}
        """By host, as long as they are in force."""

    def address(self, now_ms: int) -> Address:
        """Give the address to dial now: over TLS where a policy wants it."""
        address = self._addresses[self._place]
        policy = self.policies.get(address.host)
        if policy is not None and not address.is_secure and now_ms < policy.until_ms:
            return Address(address.host, policy.port, True)
        return address

    def failed(self, dice: float) -> float:
        """An address did not work; gives the seconds to wait. `dice` is from 0 to 1."""
        self._failures += 1
        self._place = (self._place + 1) % len(self._addresses)
        rounds, rest = divmod(self._failures, len(self._addresses))
        if rest or not rounds:
            return AGAIN_S * (0.5 + dice / 2)
        return min(WAIT_S_MAX, WAIT_S * 2.0 ** min(rounds - 1, 10)) * (0.5 + dice / 2)

    def lost(self, online_s: float, dice: float) -> float:
        """A connection that was online for so long is gone; gives the seconds to wait."""
        if online_s < STABLE_S:
            return self.failed(dice)
        self._failures = 0
        self._place = (self._place + 1) % len(self._addresses)
        return AGAIN_S * (0.5 + dice / 2)

    def upgrade(self, host: str, port: int) -> None:
        """A server wants TLS on this port; try that at once, whatever comes of it."""
        self._addresses = tuple(
            Address(host, port, True) if known.host == host and not known.is_secure else known
            for known in self._addresses
        )

    def replace(self, addresses: tuple[Address, ...]) -> None:
        """Go to other addresses."""
        self._addresses = addresses
        self.restart()

    def restart(self) -> None:
        """Forget failures: the user wants it tried now."""
        self._failures = 0
        self._place %= len(self._addresses)
