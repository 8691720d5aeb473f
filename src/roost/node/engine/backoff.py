"""The pauses between attempts to reach a peer."""

from collections.abc import Callable

import msgspec


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast a lost peer is dialled again."""

    first_s: float
    most_s: float


MESH_PACE = Pace(first_s=0.05, most_s=1.0)
"""A neighbour that restarts is back within a second, and votes are waiting for it."""
TRUNK_PACE = Pace(first_s=0.1, most_s=1.0)


class Backoff:
    """Doubles the pause after each failure, up to a maximum.

    The second half of each pause is random, so that nodes that lost the same peer do not all come
    back at once.
    """

    def __init__(self, pace: Pace, random: Callable[[], float]) -> None:
        self._pace = pace
        self._random = random
        self._next_s = pace.first_s

    def next_s(self) -> float:
        """Return the next pause in seconds."""
        pause = self._next_s
        self._next_s = min(self._next_s * 2, self._pace.most_s)
        return pause * (0.5 + self._random() / 2)

    def reset(self) -> None:
        """Go back to the first pause."""
        self._next_s = self._pace.first_s
