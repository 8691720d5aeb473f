"""Which balancers are alive, as far as any node can tell.

Each node tells its neighbours which balancers it has a trunk to. A balancer that nobody has seen
for the grace period is dead: the leader then asks the log to end its sessions. Only the leader
asks, and it counts from the start of its own leadership, so that a returning majority does not
throw out balancers that had no time to come back.
"""

from collections.abc import Iterable, Mapping

from roost.node.mesh import TrunkReport


class Census:
    """When each balancer's incarnation was last seen by this node or a neighbour."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._own: dict[str, int] = {}
        self._reported: dict[str, tuple[TrunkReport, ...]] = {}
        self._missing_since: dict[tuple[str, int], float] = {}

    @property
    def own(self) -> tuple[TrunkReport, ...]:
        """The balancers that this node has a trunk to."""
        return tuple(TrunkReport(name, incarnation) for name, incarnation in self._own.items())

    def trunk_connected(self, name: str, incarnation: int) -> None:
        """This node has a trunk to a balancer."""
        self._own[name] = incarnation

    def trunk_disconnected(self, name: str) -> None:
        """This node lost its trunk to a balancer."""
        self._own.pop(name, None)

    def reported(self, peer: str, trunks: tuple[TrunkReport, ...]) -> None:
        """A neighbour said which trunks it has."""
        self._reported[peer] = trunks

    def peer_disconnected(self, peer: str) -> None:
        """What a neighbour said counts no longer."""
        self._reported.pop(peer, None)

    def begin_leadership(self) -> None:
        """Count every absence from now on."""
        self._missing_since.clear()

    def lost(self, balancers: Mapping[str, int], now: float) -> list[tuple[str, int]]:
        """Name the known incarnations that nobody has seen for the grace period."""
        seen = dict.fromkeys(self._own.items())
        for trunks in self._reported.values():
            seen.update(dict.fromkeys(_pairs(trunks)))
        lost = []
        missing: dict[tuple[str, int], float] = {}
        for known in balancers.items():
            if known not in seen:
                missing[known] = self._missing_since.get(known, now)
                if now - missing[known] >= self._grace_s:
                    lost.append(known)
        self._missing_since = missing
        return lost


def _pairs(trunks: Iterable[TrunkReport]) -> Iterable[tuple[str, int]]:
    return ((trunk.name, trunk.incarnation) for trunk in trunks)
