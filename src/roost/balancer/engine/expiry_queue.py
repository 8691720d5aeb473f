"""Things that all have the same time-out: the one that was added first expires first."""

from collections.abc import Iterator
from itertools import takewhile
from typing import Generic, TypeVar

T = TypeVar("T")


class ExpiryQueue(Generic[T]):
    """Things and when they expire."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._added_at: dict[T, float] = {}

    def __len__(self) -> int:
        return len(self._added_at)

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._added_at))

    def add(self, thing: T, now: float) -> None:
        self._added_at[thing] = now

    def discard(self, thing: T) -> None:
        self._added_at.pop(thing, None)

    def expired(self, now: float) -> list[T]:
        """Return what has expired; it stays until it is discarded."""
        since = now - self._timeout_s
        return list(takewhile(lambda thing: self._added_at[thing] <= since, self._added_at))
