"""The rows before the first one of a node that is to hold more: fetched block by block.

The newest come first, so that what the node holds is whole from its first position on.
"""

from roost.chat.history import Held, Span
from roost.chat.holes import Hole
from roost.node.engine.backfill import Backfill, Want
from roost.node.engine.effects import ImportRows
from roost.node.engine.holding import Holding

BLOCK = -1
"""Stands for a query's ticket where the rows before the first one are fetched."""


class Earlier:
    """The block that is being fetched."""

    def __init__(self, holding: Holding, backfill: Backfill) -> None:
        self._holding = holding
        self._backfill = backfill
        self._block: Span | None = None
        self._oldest_ms = 0
        """The time of the oldest row of the block."""
        self.holes: list[Hole] = []
        """What the neighbours did not have that sent the last block."""

    def advance(self, peers: list[str]) -> None:
        """See to it that the rows before the first one are fetched, if they are to be held."""
        block = self._holding.missing_block(peers)
        if self._block is not None and block != self._block:
            if self._backfill.drop(BLOCK):
                self._block = None
        elif self._block is None and block is not None and self._backfill.is_idle:
            self._block, self._oldest_ms = block, self._holding.start.time_ms
            self.holes = []
            self._backfill.add(Want(*block, is_gap=False, question=BLOCK))

    def receive(self, peer: str, effect: ImportRows) -> bool:
        """Note what a neighbour sent if it is part of the block; return whether it is."""
        block = self._block
        if block is None or not block.first <= effect.first <= block.last:
            return False
        self._oldest_ms = min([self._oldest_ms, *(row.time_ms for row in effect.rows)])
        self.holes += self._holding.holes_at(peer, effect.first, effect.last)
        return True

    def take_fetched(self) -> Held | None:
        """Return from where on rows are held now that the block is stored."""
        block, self._block = self._block, None
        if block is None or block.last != self._holding.start.position - 1:
            return None
        return Held(block.first, self._oldest_ms)
