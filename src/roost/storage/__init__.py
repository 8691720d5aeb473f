"""The log in segments, the history in SQLite, and the threads that write them.

The stores block. Use them on worker threads only, and each on one thread at a time.
"""

from roost.storage.directory import DataDirectory, Identity
from roost.storage.errors import (
    CorruptRowsError,
    DirectoryError,
    FullError,
    IdentityError,
    LockedError,
    MalformedError,
    SearchTimeoutError,
    StorageError,
)
from roost.storage.history_buffer import HistoryBuffer
from roost.storage.history_port import History, Unindexed
from roost.storage.history_store import HistoryStore
from roost.storage.log_store import LogStore
from roost.storage.snapshot_parts import Compaction
from roost.storage.worker import GroupCommitter, Worker

__all__ = [
    "Compaction",
    "CorruptRowsError",
    "DataDirectory",
    "DirectoryError",
    "FullError",
    "GroupCommitter",
    "History",
    "HistoryBuffer",
    "HistoryStore",
    "Identity",
    "IdentityError",
    "LockedError",
    "LogStore",
    "MalformedError",
    "SearchTimeoutError",
    "StorageError",
    "Unindexed",
    "Worker",
]
