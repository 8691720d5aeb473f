"""Whether sessions should move from one node to another, and how many.

    share of a node = all sessions * its weight / all weights
    dead zone       = max - min <= max(2, 15 % of the mean)         weights taken into account

Once the nodes are outside the dead zone, they are made even to the last session, so that they do
not stay at its edge. A node in slow start gets sessions up to the share of its present weight, but
never has to give any away for that. The cost depends on nodes and moves, not on sessions.
"""

from collections.abc import Sequence
from fractions import Fraction

import msgspec

DEAD_ZONE_MIN = 2
"""Sessions; clients that come and go make differences of one or two."""
DEAD_ZONE_SHARE = Fraction(15, 100)
"""Of the mean: a smaller difference is not felt, and each move is some work."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """A node that may be given clients."""

    name: str
    sessions: int
    weight: int
    """Above 0; in any unit."""
    weight_now: int
    """Up to `weight`, in the same unit: less during slow start, and 0 if the node is to get no
    clients at the moment."""


class Move(msgspec.Struct, frozen=True):
    """One session to move from a node to another."""

    source: str
    target: str


class Rebalancer:
    """Plans moves that make the nodes even."""

    def __init__(self) -> None:
        self.is_active = False
        """Whether the nodes are being made even, so that the dead zone does not apply."""

    def plan(self, loads: Sequence[Load], moves_max: int) -> list[Move]:
        """Return the next moves, at most `moves_max`; none if the nodes are even enough."""
        if len(loads) < 2:
            self.is_active = False
            return []
        zone = Fraction(DEAD_ZONE_MIN)
        if not self.is_active:
            total = sum(load.sessions for load in loads)
            zone = max(zone, DEAD_ZONE_SHARE * total / len(loads))
        self.is_active = imbalance(loads) > zone
        return _plan_moves(loads, moves_max) if self.is_active else []


def imbalance(loads: Sequence[Load]) -> Fraction:
    """Return how far apart the fullest and emptiest node are, in sessions at mean weight."""
    relative = [Fraction(load.sessions, load.weight) for load in loads]
    return (max(relative) - min(relative)) * sum(load.weight for load in loads) / len(loads)


def _plan_moves(loads: Sequence[Load], moves_max: int) -> list[Move]:
    counts = {load.name: load.sessions for load in loads}
    total = sum(counts.values())
    trusted = sum(load.weight_now for load in loads)
    moves: list[Move] = []
    while len(moves) < moves_max:
        source = max(loads, key=lambda load: Fraction(counts[load.name], load.weight))
        targets = [
            load
            for load in loads
            if load.weight_now and counts[load.name] * trusted < total * load.weight_now
        ]
        if not targets:
            break
        target = min(targets, key=lambda load: Fraction(counts[load.name] + 1, load.weight))
        after = Fraction(counts[target.name] + 1, target.weight)
        if target is source or after > Fraction(counts[source.name] - 1, source.weight):
            break
        counts[source.name] -= 1
        counts[target.name] += 1
        moves.append(Move(source.name, target.name))
    return moves
