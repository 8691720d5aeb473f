"""Closed sessions, each until a node confirms that the log says so.

    client gone --> Detach to its node --> Close (confirmed)
                         | trunk lost first, or not ready for long
                         +--> Detach to another node, as soon as there is one

A node that is told twice does no harm; a session that no node is told of would stay in its rooms.
"""

from roost.balancer.engine.node_pool import Node, NodePool
from roost.protocol.trunk import Detach


class DetachQueue:
    """The detaches that are not confirmed; those that a node was sent are kept with the node."""

    def __init__(self, pool: NodePool) -> None:
        self._pool = pool
        self._unsent: dict[int, Detach] = {}
        """By session: those that no node could be sent."""

    def __len__(self) -> int:
        return len(self._unsent) + sum(len(node.detaches) for node in self._pool)

    @property
    def has_unsent(self) -> bool:
        """Whether some wait for a node."""
        return bool(self._unsent)

    def add(self, detach: Detach, node: Node | None = None) -> None:
        """Send a detach to `node` if it is connected, else to any that is ready, else later."""
        if node is None or node.trunk is None:
            node = self._pool.choose_for_detach()
        if node is None or node.trunk is None:
            self._unsent[detach.session] = detach
            return
        node.detaches[detach.session] = detach
        node.trunk.send(detach)

    def resend(self, lost: Node) -> None:
        """Send to other nodes what one that is lost or cut off did not confirm."""
        detaches, lost.detaches = lost.detaches, {}
        for detach in detaches.values():
            self.add(detach)

    def send_unsent(self) -> None:
        """Send what waits for a node."""
        detaches, self._unsent = self._unsent, {}
        for detach in detaches.values():
            self.add(detach)

    def confirm(self, node: Node, session: int) -> bool:
        """Note that a node closed a session; return whether a detach asked for it."""
        return node.detaches.pop(session, None) is not None
