"""What a node asks of an archive, whichever engine it is.

    rows in order --write--> rows and watermark, both or neither
    queries --answer--> rows below the watermark

The *watermark* is the last position whose rows the archive has. Several nodes may write: a batch is
taken only if it begins where the watermark is, so each position is written once, whoever's turn it
is. Every call ends within a few seconds.
"""

from typing import Protocol, TypeAlias

import msgspec

from roost.chat.history import Answer, Query, Row, Span
from roost.chat.ids import Position

Holes: TypeAlias = tuple[tuple[Position, Position], ...]
"""Ranges of positions in order, both ends included."""


class ArchiveState(msgspec.Struct, frozen=True):
    """What an archive holds."""

    watermark: Position = Position(0)
    term: int = 0
    """Of the entry at the watermark; 0 if unknown."""
    time_ms: int = 0
    """Rows up to the watermark are not newer than this, and later ones are not older."""
    first: Position = Position(1)
    """Rows before this position are not kept any more."""
    holes: Holes = ()
    """Positions that no node had any more when it was their turn."""


class Batch(msgspec.Struct, frozen=True):
    """Rows to be written, with what the archive has to hold before and will hold then."""

    expected: Position
    """The watermark that the archive has to have."""
    rows: tuple[Row, ...]
    """In order; those of all positions from `first` to `last`."""
    first: Position
    """What is between `expected` and this is in no node any more."""
    last: Position
    """If it is not after `expected`, the rows belong to a hole, and the watermark stays."""
    term: int
    """Of the entry at `last`; 0 if unknown."""

    def fills(self, holes: Holes) -> bool:
        """Return whether all its rows belong to one of these holes."""
        return any(first <= self.first and self.last <= last for first, last in holes)

    def holes_after(self, holes: Holes) -> Holes:
        """Return what an archive with these holes lacks when it has taken the batch."""
        if self.last > self.expected:
            behind = (Position(self.expected + 1), Position(self.first - 1))
            return (*holes, behind) if behind[0] <= behind[1] else holes
        found: list[tuple[Position, Position]] = []
        for first, last in holes:
            earlier = (first, min(last, Position(self.first - 1)))
            later = (max(first, Position(self.last + 1)), last)
            found += [one for one in (earlier, later) if one[0] <= one[1]]
        return tuple(found)


class Archive(Protocol):
    """An open archive.

    Raises:
        ArchiveError: it cannot be used; close it, and open another one.
    """

    async def state(self) -> ArchiveState:
        """Return what it holds."""

    async def write(self, batch: Batch) -> ArchiveState:
        """Store a batch if its turn has come; return what the archive holds then.

        Raises:
            RefusedError: nothing was changed. What is there can still be read.
        """

    async def repair(self, position: Position, rows: tuple[Row, ...]) -> ArchiveState:
        """Replace all rows of a position below the watermark; return what the archive holds.

        Raises:
            RefusedError: nothing was changed.
        """

    async def answer(self, query: Query, span: Span) -> Answer:
        """Answer a query from the rows in `span`.

        Raises:
            BehindError: the archive does not have all rows in `span`.
            DamagedError: rows that the answer needs are damaged.
            SlowSearchError: it takes too long.
        """

    async def export(
        self, first: Position, last: Position, rows_max: int
    ) -> tuple[tuple[Row, ...], Position]:
        """Return rows of whole positions in order, and the last position that they cover."""

    async def retain(self, older_ms: int) -> ArchiveState:
        """Drop rows older than a time, as far as that is cheap; return what is held then.

        Raises:
            RefusedError: nothing was changed.
        """

    async def close(self) -> None:
        """Close it without waiting for anybody."""
