"""What can go wrong with a node's disk. The texts are for people.

StorageError
 +-- DirectoryError      the data directory is not one, or cannot be written to
 +-- FormatError         another release wrote the data directory
 +-- LockedError         another process uses the data directory
 +-- IdentityError       the data directory belongs to another node or cluster
 +-- FullError           the disk is full; nothing was stored, and the call can be repeated
 +-- MalformedError      a database file is damaged as a whole, and was moved aside
 +-- CorruptRowsError    history rows have wrong checksums; a neighbour may have sound ones
 +-- SearchTimeoutError  a search took too long

Any other StorageError (above all a failed fsync) is final: what the disk holds is unknown until a
restart reads it.
"""

from pathlib import Path

from roost.chat.ids import Position
from roost.chat.versions import VERSION, VERSION_MIN


class StorageError(Exception):
    """The base of the errors that this package raises."""


class DirectoryError(StorageError):
    """The data directory is not a directory, or cannot be read or written."""


class FormatError(StorageError):
    """The data directory has a format that this program does not read, or may not."""

    def __init__(self, path: Path, found: int, version_max: int) -> None:
        if found < VERSION_MIN:
            advice = "start the release in between once"
        elif found > VERSION:
            advice = "start the release that wrote it, or a newer one"
        else:
            advice = "the cluster's version has been raised: remove version_max"
        known = f"{VERSION_MIN} to {version_max}" if version_max > VERSION_MIN else version_max
        super().__init__(
            f"{path} has format {found}, and this release of Roost, as it is configured, reads "
            f"{known}: {advice} (docs/upgrading.md). Nothing was changed"
        )


class LockedError(StorageError):
    """Another process uses the data directory; `pid` is 0 if unknown."""

    def __init__(self, path: Path, pid: int) -> None:
        holder = f"process {pid}" if pid else "another process"
        super().__init__(
            f"{path} is in use by {holder}: two processes must never share a data directory"
        )
        self.path = path
        self.pid = pid


class IdentityError(StorageError):
    """The data directory is not this node's; `found` and `expected` say whose it is."""

    def __init__(self, path: Path, found: str, expected: str) -> None:
        super().__init__(f"{path} is the data directory of {found}, but {expected} was expected")
        self.path = path
        self.found = found
        self.expected = expected


class FullError(StorageError):
    """The disk is full; nothing of the call was stored, and it can be repeated."""


class MalformedError(StorageError):
    """SQLite cannot read a file; it was moved aside, and the next start goes on without it."""


class CorruptRowsError(StorageError):
    """Rows of these positions, in ascending order, are damaged."""

    def __init__(self, positions: tuple[Position, ...]) -> None:
        shown = ", ".join(str(position) for position in positions[:10])
        more = ", ..." if len(positions) > 10 else ""
        super().__init__(f"damaged history rows at {shown}{more}")
        self.positions = positions


class SearchTimeoutError(StorageError):
    """A search took too long."""
