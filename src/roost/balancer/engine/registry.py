"""Which nodes belong to the cluster, as far as this balancer can know.

    node --Registry(changed, nodes)--> believed? --> whose trunks are accepted and whose are not

A balancer has no copy of the log, so it is told. The certificate of a node that was removed is
still valid, and its holder may say anything. So the first registry is believed when a majority of
the nodes that it names say the same; from then on only nodes that belong are listened to, and what
they say replaces what is older. Before that every certified node is accepted.
"""

from roost.protocol.trunk import Registry


class NodeRegistry:
    """What nodes have said, and what of it is believed."""

    def __init__(self) -> None:
        self._said: dict[str, Registry] = {}
        self._believed: Registry | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The nodes that belong; empty while that is not known."""
        return tuple(name for name, _ in self._believed.nodes) if self._believed else ()

    def note(self, node: str, registry: Registry) -> bool:
        """Take in what a node says; return whether what is believed has changed."""
        if not registry.nodes:
            return False
        self._said[node] = registry
        believed = self._believed
        if believed is None:
            names = [name for name, _ in registry.nodes]
            agreeing = sum(self._said.get(name) == registry for name in names)
            is_believed = 2 * agreeing > len(names)
        else:
            belongs = any(name == node for name, _ in believed.nodes)
            is_believed = belongs and registry.changed > believed.changed
        if is_believed:
            self._believed = registry
            self._said = {}
        return is_believed

    def refusal(self, node: str, key: str) -> str:
        """Return why a node is refused; empty if it is not. `key` is the hash of its key."""
        if self._believed is None:
            return ""
        for name, wanted in self._believed.nodes:
            if name == node:
                if wanted and wanted != key:
                    return f"the key of {node!r} has changed: it joined again with another one"
                return ""
        return f"{node!r} does not belong to the cluster: it was removed, or has not joined"
