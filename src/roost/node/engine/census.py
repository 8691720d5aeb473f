"""Which balancers are alive, as far as any node can tell.

Each node tells its neighbours which balancers it has a trunk to. An incarnation that nobody has
seen for the grace period is dead: the leader then asks the log to end its sessions. That goes for
balancers, and for *orphans*: incarnations that left sessions behind when their balancer started
anew. Only the leader asks, and it counts from the start of its own leadership, so that a returning
majority does not throw out balancers that had no time to come back.
"""

from collections.abc import Collection, Iterable, Mapping

from roost.protocol.mesh import TrunkReport


class Census:
    """When each balancer's incarnation was last seen by this node or a neighbour."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._own: dict[str, int] = {}
        self._reported: dict[str, tuple[TrunkReport, ...]] = {}
        self._missing_since: dict[int, float] = {}

    @property
    def own(self) -> tuple[TrunkReport, ...]:
        """The balancers that this node has a trunk to."""
        return tuple(TrunkReport(name, incarnation) for name, incarnation in self._own.items())

    @property
    def trunks(self) -> Collection[str]:
        """The names of these balancers."""
        return self._own.keys()

    def has_trunk(self, name: str) -> bool:
        """Return whether this node has a trunk to a balancer."""
        return name in self._own

    def trunk_connected(self, name: str, incarnation: int) -> None:
        """This node has a trunk to a balancer."""
        self._own[name] = incarnation

    def knows(self, name: str, incarnation: int) -> bool:
        """Whether this node has a trunk to this run of a balancer."""
        return self._own.get(name) == incarnation

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

    def lost(
        self, balancers: Mapping[str, int], occupied: Collection[int], now: float
    ) -> list[tuple[str, int]]:
        """Name the known incarnations that nobody has seen for the grace period.

        `balancers` has each balancer's present one, `occupied` are those that have sessions. The
        name of an orphan's balancer is not known any more, and empty.
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
