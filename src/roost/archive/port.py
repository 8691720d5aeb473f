"""What a node asks of an archive, whichever engine it is.

    rows in order --write--> rows and watermark, both or neither
    queries --answer--> rows below the watermark

The *watermark* is the last position whose rows the archive has. Several nodes may write: a batch is
taken only if it begins where the watermark is, so each position is written once, whoever's turn it
is. Every call ends within a few seconds.
"""

from typing import Protocol

import msgspec

from roost.chat.history import Answer, Query, Row, Span
from roost.chat.ids import Position


class ArchiveState(msgspec.Struct, frozen=True):
    """What an archive holds."""

    watermark: Position = Position(0)
    term: int = 0
    """Of the entry at the watermark; 0 if unknown."""
    time_ms: int = 0
    """Rows up to the watermark are not newer than this, and later ones are not older."""
    first: Position = Position(1)
    """Rows before this position are not kept any more."""
    holes: tuple[tuple[Position, Position], ...] = ()
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
    term: int
    """Of the entry at `last`; 0 if unknown."""


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
