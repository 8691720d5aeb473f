"""Which balancers are alive, as far as any node can tell, and what else the nodes tell each other.

Each node tells its neighbours which balancers it has a trunk to. If no node has seen an incarnation
for the grace period, the leader proposes to end its sessions. That applies to balancers, and to
*orphans*: incarnations that left sessions behind when their balancer restarted. The leader counts
from the start of its leadership, so that balancers have time to come back after an outage.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from math import inf

from roost.ircd.sessions.newcomers import Newcomers
from roost.protocol.mesh import Gossip, TrunkReport
from roost.raft.messages import Position as LogPosition

REPEAT_S = 10.0
"""How often neighbours are told the same again."""
NEWCOMERS_INTERVAL_S = 0.1
"""The shortest time between two reports that differ in the newcomers only: a crowd that connects
changes their number thousands of times a second."""


class Census:
    """The balancers that this node and its neighbours see."""

    def __init__(
        self, grace_s: float, interval_s: float = 1.0, newcomers: Newcomers | None = None
    ) -> None:
        self._grace_s = grace_s
        self._interval_s = interval_s
        self._newcomers = Newcomers() if newcomers is None else newcomers
        self._told = Gossip(())
        self._told_at = self._looked_at = -inf
        self._own: dict[str, int] = {}
        self._reported: dict[str, Gossip] = {}
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

    def news(self, positions: Callable[[], tuple[LogPosition, ...]], now: float) -> Gossip | None:
        """Return what to tell all neighbours now, if it is time to; it counts as told.

        A new neighbour is told at once, and links lose nothing, so the same is seldom told again.
        """
        since_s = now - self._looked_at
        told, newcomers = self._told, len(self._newcomers.here)
        is_urgent = told.trunks != self.own or (
            told.newcomers != newcomers and since_s >= NEWCOMERS_INTERVAL_S
        )
        if not is_urgent and since_s < self._interval_s:
            return None
        self._looked_at = now
        present = self.gossip(positions())
        if present == told and now - self._told_at < REPEAT_S:
            return None
        self._told, self._told_at = present, now
        return present

    def gossip(self, positions: tuple[LogPosition, ...]) -> Gossip:
        """Return what this node knows; `positions` is how far nodes are known to have been."""
        return Gossip(self.own, positions, len(self._newcomers.here))

    def reported(self, peer: str, gossip: Gossip) -> None:
        """Note what a neighbour tells."""
        self._reported[peer] = gossip
        self._count_newcomers()

    def peer_disconnected(self, peer: str) -> None:
        self._reported.pop(peer, None)
        self._count_newcomers()

    def _count_newcomers(self) -> None:
        self._newcomers.elsewhere = sum(gossip.newcomers for gossip in self._reported.values())

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
        for gossip in self._reported.values():
            seen.update(dict.fromkeys(trunk.incarnation for trunk in gossip.trunks))
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
