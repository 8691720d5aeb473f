"""Tells balancers which nodes belong to the cluster."""

from collections.abc import Collection, Iterator

from roost.chat.state import State
from roost.protocol.trunk import Registry


class RegistryTeller:
    """What each balancer was told last."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def news(self, state: State, balancers: Collection[str]) -> Iterator[tuple[str, Registry]]:
        """Yield what to tell which of the balancers that there are trunks to."""
        changed = state.nodes_changed
        for gone in [name for name in self._told if name not in balancers]:
            del self._told[gone]
        for balancer in balancers:
            if changed and self._told.get(balancer) != changed:
                self._told[balancer] = changed
                nodes = tuple((name, node.key) for name, node in state.nodes.items())
                yield balancer, Registry(changed, nodes)
