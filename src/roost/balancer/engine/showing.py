"""Shows clients what nodes have sent for them, as much in a turn as a turn may have."""

import contextlib
from collections.abc import Callable, Iterator

from roost.balancer.engine.node_pool import Node, NodePool
from roost.balancer.engine.relay import Relay
from roost.balancer.engine.sessions import AcknowledgementError
from roost.balancer.errors import TrunkError
from roost.protocol.trunk import Deliver, Item

DELIVERIES_PER_TURN = 20_000
"""Payloads put into outboxes in one turn, which takes some milliseconds."""


class Showing:
    """The outputs of all nodes on their way to the clients."""

    def __init__(
        self,
        pool: NodePool,
        relay: Relay,
        take_item: Callable[[Node, Item, float], None],
        drop: Callable[[Node, str, float], None],
    ) -> None:
        """`take_item` shows an item, `drop` ends the trunk of a node that sent nonsense."""
        self._pool = pool
        self._relay = relay
        self._take_item = take_item
        self._drop = drop
        self._left = DELIVERIES_PER_TURN
        self.has_more = False
        """Whether something is left for the next turn."""

    def go_on(self, now: float) -> None:
        """Begin a turn: show what earlier ones left."""
        self._left = DELIVERIES_PER_TURN
        if not self.has_more:
            return
        self.has_more = False
        for node in list(self._pool):
            if node.inbox:
                try:
                    self.show(node, now)
                except TrunkError as error:
                    self._drop(node, str(error), now)

    def show(self, node: Node, now: float) -> None:
        """Show what a node has sent, if this turn may show more.

        Raises:
            TrunkError: An item makes no sense; drop the trunk.
        """
        self._show(node, node.inbox.take(), now, is_whole=False)

    def finish_begun(self, node: Node, now: float) -> None:
        """Show the rest of an output, so that the node's position is true of all its sessions."""
        if node.inbox.is_begun:
            with contextlib.suppress(TrunkError):
                self._show(node, node.inbox.take(only_first=True), now, is_whole=True)

    def _show(self, node: Node, items: Iterator[Item], now: float, *, is_whole: bool) -> None:
        relay = self._relay
        if self._left <= 0 and not is_whole:
            self.has_more = True
            return
        try:
            for item in items:
                before = relay.deliveries
                # Most items are of this kind, so they are not tried for the others.
                if type(item) is Deliver:
                    relay.deliver(node, item)
                else:
                    self._take_item(node, item, now)
                self._left -= 1 + relay.deliveries - before
                if self._left <= 0 and not is_whole:
                    break
        except AcknowledgementError as error:
            raise TrunkError(str(error)) from error
        if node.inbox:
            self.has_more = True
        self._pool.advance(node, node.inbox.position)
