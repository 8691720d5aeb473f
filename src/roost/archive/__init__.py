"""History outside of the nodes: the port, and its engine PostgreSQL.

Nodes write rows there behind the live path, and ask it what they no longer hold themselves.
"""

from roost.archive.errors import (
    ArchiveError,
    BehindError,
    DamagedError,
    RefusedError,
    SlowSearchError,
)
from roost.archive.port import Archive, ArchiveState, Batch

__all__ = [
    "Archive",
    "ArchiveError",
    "ArchiveState",
    "Batch",
    "BehindError",
    "DamagedError",
    "RefusedError",
    "SlowSearchError",
]
