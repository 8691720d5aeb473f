"""Whether sessions should move from one node to another, and how many.

    share of a node = all sessions * its weight / all weights
    dead zone       = max - min <= max(2, 15 % of the mean)         weights taken into account

Pure. Once the nodes are outside the dead zone they are made even to the last session, so that
balance does not hang about at the zone's edge. A node that starts slowly gets sessions only up to
the share of what it weighs so far, but never has to give any away for it. The cost is that of the
nodes and the moves, not of the sessions.
"""

from collections.abc import Sequence
from fractions import Fraction

import msgspec

DEAD_ZONE_MIN = 2
"""Sessions; differences of one or two are what coming and going makes."""
DEAD_ZONE_SHARE = Fraction(15, 100)
"""Of the mean: nobody can tell nodes apart that differ by less, and each move is some work."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """A node that serves clients and may go on doing so."""

    name: str
    sessions: int
    weight: int
    """Above 0; in any unit."""
    weight_now: int
    """Up to `weight`, in its unit: what the node is trusted with while it starts slowly; 0 when
    it is to get nobody at the moment."""


class Move(msgspec.Struct, frozen=True):
    """One session is to go from a node to another."""

    source: str
    target: str


class Evening:
    """Remembers whether the nodes are being made even, or were when they were looked at last."""

    def __init__(self) -> None:
        self.is_under_way = False

    def plan(self, loads: Sequence[Load], moves_max: int) -> list[Move]:
        """Give the next moves, at most `moves_max`; none when the nodes are even enough."""
        if len(loads) < 2:
            self.is_under_way = False
            return []
        zone = Fraction(DEAD_ZONE_MIN)
        if not self.is_under_way:
            total = sum(load.sessions for load in loads)
            zone = max(zone, DEAD_ZONE_SHARE * total / len(loads))
        self.is_under_way = spread(loads) > zone
        return _level(loads, moves_max) if self.is_under_way else []


def spread(loads: Sequence[Load]) -> Fraction:
    """How far the fullest node is above the emptiest, in sessions of a node of mean weight."""
    relative = [Fraction(load.sessions, load.weight) for load in loads]
    return (max(relative) - min(relative)) * sum(load.weight for load in loads) / len(loads)


def _level(loads: Sequence[Load], moves_max: int) -> list[Move]:
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
