"""What can go wrong with a node's disk; the texts are for people.

StorageError
 +-- DirectoryError      the data directory is not one, or cannot be written to
 +-- LockedError         another process uses the data directory
 +-- IdentityError       the data directory belongs to another node or cluster
 +-- FullError           there is no room; nothing was stored, the same call may be repeated
 +-- MalformedError      a database file is damaged as a whole, and was moved aside
 +-- CorruptRowsError    history rows do not have their checksum; a neighbour may have sound ones
 +-- SearchTimeoutError  a search took longer than anybody's may

Any other StorageError (a failed fsync above all) is final: what is on the disk is not known any
more, and only a restart finds out.
"""

from pathlib import Path

from roost.chat.ids import Position


class StorageError(Exception):
    """The root of what this package raises."""


class DirectoryError(StorageError):
    """The data directory is not a directory, or cannot be read or written."""


class LockedError(StorageError):
    """Another process holds the data directory; `pid` is 0 when it did not leave its number."""

    def __init__(self, path: Path, pid: int) -> None:
        holder = f"process {pid}" if pid else "another process"
        super().__init__(f"{path} is in use by {holder}: two must never share a data directory")
        self.path = path
        self.pid = pid


class IdentityError(StorageError):
    """The data directory is another's: `found` and `expected` say in words whose."""

    def __init__(self, path: Path, found: str, expected: str) -> None:
        super().__init__(f"{path} is the data directory of {found}, but {expected} was expected")
        self.path = path
        self.found = found
        self.expected = expected


class FullError(StorageError):
    """The disk takes nothing more; nothing of the call was stored, it may be repeated."""


class MalformedError(StorageError):
    """SQLite cannot read a file; it was moved aside, and the next start begins without it."""


class CorruptRowsError(StorageError):
    """Rows of these positions, in ascending order, are damaged here."""

    def __init__(self, positions: tuple[Position, ...]) -> None:
        shown = ", ".join(str(position) for position in positions[:10])
        more = ", ..." if len(positions) > 10 else ""
        super().__init__(f"damaged history rows at {shown}{more}")
        self.positions = positions


class SearchTimeoutError(StorageError):
    """A search took longer than anybody's may."""
