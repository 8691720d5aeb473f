"""The terms of the entries that history comes from, as a list of where each begins.

A cluster elects a leader, and so begins a term, seldom: the list stays short.
"""

from bisect import bisect_right
from collections.abc import Iterable
from operator import itemgetter

from roost.chat.ids import Position

UNKNOWN_TERM = 0
"""Real terms begin with 1."""


class Terms:
    """Where terms begin, in the order of positions."""

    def __init__(self, begins: Iterable[tuple[Position, int]] = ()) -> None:
        self._begins = list(begins)
        self.last = UNKNOWN_TERM
        """The term of the last position."""
        self._note_last()

    def _note_last(self) -> None:
        self.last = self._begins[-1][1] if self._begins else UNKNOWN_TERM

    @property
    def begins(self) -> tuple[tuple[Position, int], ...]:
        """Each term with its first position."""
        return tuple(self._begins)

    def at(self, position: Position) -> int:
        """Return the term of a position, or `UNKNOWN_TERM`."""
        number = bisect_right(self._begins, position, key=itemgetter(0))
        return self._begins[number - 1][1] if number else UNKNOWN_TERM

    def begin_of(self, position: Position) -> Position:
        """Return the first position of the term of a position, which must be known."""
        return self._begins[bisect_right(self._begins, position, key=itemgetter(0)) - 1][0]

    def begin(self, position: Position, term: int) -> None:
        """Note that a term begins after all that are known."""
        self._begins.append((position, term))
        self.last = term

    def cut(self, last: Position) -> None:
        """Forget what comes after a position."""
        while self._begins and self._begins[-1][0] > last:
            self._begins.pop()
        self._note_last()

    def skip(self, first: Position, last: Position, term: int) -> None:
        """Note a gap whose last position alone has a known term; what follows it stays known."""
        later = [begin for begin in self._begins if begin[0] > last]
        self.cut(Position(first - 1))
        if first < last:
            self.begin(first, UNKNOWN_TERM)
        self.begin(last, term)
        self._begins.extend(later)
        self._note_last()
