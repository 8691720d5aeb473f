"""A timing wheel: the deadlines of many things at little cost.

    slot 0 | slot 1 | slot 2 | ...      each of `grain_s` seconds

What is in a slot is returned once, when the slot's time has come, and its owner then decides when
to look again; until then it costs nothing. Nothing is returned early.
"""

from typing import Generic, TypeVar

T = TypeVar("T")


class TimerWheel(Generic[T]):
    """Things with deadlines."""

    def __init__(self, grain_s: float) -> None:
        self._grain_s = grain_s
        self._slots: dict[int, list[T]] = {}
        self._current: int | None = None

    def add(self, thing: T, at: float) -> None:
        """Have `due` return the thing at the time `at`, or up to a grain later."""
        slot = int(at / self._grain_s) + 1
        if self._current is not None:
            slot = max(slot, self._current + 1)
        self._slots.setdefault(slot, []).append(thing)

    def due(self, now: float) -> list[T]:
        """Remove and return everything whose time has come."""
        current = int(now / self._grain_s)
        if self._current is None or current - self._current > len(self._slots):
            slots = sorted(slot for slot in self._slots if slot <= current)
        else:
            slots = list(range(self._current + 1, current + 1))
        self._current = current
        things: list[T] = []
        for slot in slots:
            things.extend(self._slots.pop(slot, ()))
        return things
