"""Deadlines of many things at little cost: a wheel of coarse buckets.

    turn 0 | turn 1 | turn 2 | ...      one bucket per turn of `grain_s`

Pure. Whoever is in a bucket is looked at once when its turn has come and then decides for itself
when it wants to be looked at again; until then it costs nothing. Nobody is looked at early.
"""

from typing import Generic, TypeVar

T = TypeVar("T")


class Wheel(Generic[T]):
    """Things that want to be looked at, by when."""

    def __init__(self, grain_s: float) -> None:
        self._grain_s = grain_s
        self._buckets: dict[int, list[T]] = {}
        self._turn: int | None = None

    def add(self, thing: T, at: float) -> None:
        """Have `thing` returned by `due` at or, by up to a grain, after the time `at`."""
        turn = int(at / self._grain_s) + 1
        if self._turn is not None:
            turn = max(turn, self._turn + 1)
        self._buckets.setdefault(turn, []).append(thing)

    def due(self, now: float) -> list[T]:
        """Take out everything whose time has come."""
        turn = int(now / self._grain_s)
        if self._turn is None or turn - self._turn > len(self._buckets):
            turns = sorted(number for number in self._buckets if number <= turn)
        else:
            turns = list(range(self._turn + 1, turn + 1))
        self._turn = turn
        things: list[T] = []
        for number in turns:
            things.extend(self._buckets.pop(number, ()))
        return things
