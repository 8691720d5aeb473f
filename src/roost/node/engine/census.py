"""Which balancers are alive, as far as any node can tell.

Each node tells its neighbours which balancers it has a trunk to. If no node has seen an incarnation
for the grace period, the leader proposes to end its sessions. That applies to balancers, and to
*orphans*: incarnations that left sessions behind when their balancer restarted. The leader counts
from the start of its leadership, so that balancers have time to come back after an outage.
"""

from collections.abc import Collection, Iterable, Mapping

from roost.protocol.mesh import TrunkReport


class Census:
    """The balancers that this node and its neighbours see."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._own: dict[str, int] = {}
        self._reported: dict[str, tuple[TrunkReport, ...]] = {}
        self._missing_since: dict[int, float] = {}

    @property
    def own(self) -> tuple[TrunkReport, ...]:
        """The balancers that this node has a trunk to, once the log knows them."""
        return tuple(TrunkReport(name, number) for name, number in self._own.items() if number)

    @property
    def trunks(self) -> Collection[str]:
        """The names of these balancers."""
        return self._own.keys()

    def has_trunk(self, name: str) -> bool:
        """Return whether this node has a trunk to a balancer."""
        return name in self._own

    def trunk_connected(self, name: str, incarnation: int) -> None:
        """Note a trunk; the incarnation is 0 while the log has none for the balancer's run."""
        self._own[name] = incarnation

    def knows(self, name: str, incarnation: int) -> bool:
        """Return whether this node has a trunk to this incarnation of a balancer."""
        return self._own.get(name) == incarnation

    def trunk_disconnected(self, name: str) -> None:
        self._own.pop(name, None)

    def reported(self, peer: str, trunks: tuple[TrunkReport, ...]) -> None:
        """Note which trunks a neighbour has."""
        self._reported[peer] = trunks

    def peer_disconnected(self, peer: str) -> None:
        self._reported.pop(peer, None)

    def begin_leadership(self) -> None:
        """Count every absence anew."""
        self._missing_since.clear()

    def lost(
        self, balancers: Mapping[str, int], occupied: Collection[int], now: float
    ) -> list[tuple[str, int]]:
        """Return the balancers and incarnations that nobody has seen for the grace period.

        `balancers` has each balancer's current incarnation, `occupied` the incarnations that have
        sessions. An orphan's balancer is no longer known; its name is empty.
        """
        seen = dict.fromkeys(self._own.values())
        for trunks in self._reported.values():
            seen.update(dict.fromkeys(trunk.incarnation for trunk in trunks))
        lost = []
        missing: dict[int, float] = {}
        for name, incarnation in _known(balancers, occupied):
            if incarnation not in seen:
                since = missing[incarnation] = self._missing_since.get(incarnation, now)
                if now - since >= self._grace_s:
                    lost.append((name, incarnation))
        self._missing_since = missing
        return lost


def _known(balancers: Mapping[str, int], occupied: Collection[int]) -> Iterable[tuple[str, int]]:
    yield from balancers.items()
    present = dict.fromkeys(balancers.values())
    for incarnation in occupied:
        if incarnation not in present:
            yield "", incarnation
