"""What can go wrong with an archive. The texts are for the people who run it.

ArchiveError
 +-- DamagedError      rows have wrong checksums
 +-- BehindError       it does not have all that was asked for; the archive works
 +-- SlowSearchError   a search took too long; the archive works
 +-- RefusedError      nothing can be changed; what is there can be read
"""

from roost.chat.ids import Position


class ArchiveError(Exception):
    """The archive cannot be used at the moment; the text says why, and what to do."""


class DamagedError(ArchiveError):
    """Rows of these positions are damaged."""

    def __init__(self, positions: tuple[Position, ...]) -> None:
        super().__init__(f"damaged rows at {', '.join(map(str, positions[:10]))}")
        self.positions = positions


class BehindError(ArchiveError):
    """The archive does not reach as far as it is asked for: it was set back to a backup."""


class SlowSearchError(ArchiveError):
    """A search took too long."""


class RefusedError(ArchiveError):
    """The server works, but changes nothing: its disk is full, it is a standby, or it may not."""
