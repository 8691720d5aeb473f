"""A search on its way through the index: what it looks for, where, in which order, for how long."""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from roost.ops import clock
from roost.storage.errors import SearchTimeoutError
from roost.storage.search_chapters import Place, Sought


class Walk(NamedTuple):
    """A search on its way through the index."""

    history: sqlite3.Connection
    sought: Sought
    low: int
    high: int
    is_newest: bool
    readable: int
    """Blocks from this one on are read from the history if they are due."""
    deadline: float

    def numbers(self, first: int, last: int) -> range:
        """Return the numbers of a range in the order of the search."""
        return range(last, first - 1, -1) if self.is_newest else range(first, last + 1)

    def is_near(self, number: int, bits: int) -> bool:
        """Return whether any position of a block or the like is searched.

        Raises:
            SearchTimeoutError: the time is over.
        """
        if clock.monotonic() > self.deadline:
            raise SearchTimeoutError("the search took too long")
        return number << bits < self.high and number + 1 << bits > self.low

    def ordered(self, found: Iterable[Place]) -> list[Place]:
        """Return those places that are searched, in the order of the search."""
        return sorted(
            (place for place in found if self.low <= place.position < self.high),
            reverse=self.is_newest,
        )
