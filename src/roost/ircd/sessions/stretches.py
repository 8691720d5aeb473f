"""Lines that many sessions missed, kept once: each session has a stretch of a run."""

from collections.abc import Iterator
from typing import NamedTuple

from roost.chat.ids import Position

BLOCK_LINES = 64
"""Lines that are joined once for all sessions that missed all of them."""


class Run:
    """Lines in the order of the log; more are added at the end."""

    __slots__ = ("_blocks", "numbers", "payloads", "positions")

    def __init__(self) -> None:
        self.numbers: list[int] = []
        """The number of each line's change."""
        self.positions: list[Position] = []
        self.payloads: list[bytes] = []
        self._blocks: dict[int, bytes] = {}

    def add(self, number: int, position: Position, shown: bytes) -> None:
        self.numbers.append(number)
        self.positions.append(position)
        self.payloads.append(shown)

    def take(self, first: int, last: int) -> Iterator[bytes]:
        """Return the lines from `first` to before `last`, many of them joined."""
        while first < last:
            block, rest = divmod(first, BLOCK_LINES)
            end = (block + 1) * BLOCK_LINES
            if rest or end > last:
                end = min(end, last)
                yield b"".join(self.payloads[first:end])
            else:
                joined = self._blocks.get(block)
                if joined is None:
                    joined = self._blocks[block] = b"".join(self.payloads[first:end])
                yield joined
            first = end


class Stretch(NamedTuple):
    """Some lines of a run: those from `first` to before `last`."""

    run: Run
    first: int
    last: int

    @property
    def lines(self) -> list[tuple[Position, bytes]]:
        """The lines, each with the position of its entry."""
        chosen = slice(self.first, self.last)
        return list(zip(self.run.positions[chosen], self.run.payloads[chosen], strict=True))


def single(position: Position, shown: bytes) -> Stretch:
    """Return a stretch of one line."""
    run = Run()
    run.add(0, position, shown)
    return Stretch(run, 0, 1)
