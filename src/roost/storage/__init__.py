"""SQLite behind raft's and chat's ports: the log, the history, and the threads that write them.

The stores block, so they are used on worker threads only; each by one thread at a time.
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
from roost.storage.history_store import HistoryStore
from roost.storage.log_store import LogStore
from roost.storage.worker import GroupCommitter, Worker

__all__ = [
    "CorruptRowsError",
    "DataDirectory",
    "DirectoryError",
    "FullError",
    "GroupCommitter",
    "HistoryStore",
    "Identity",
    "IdentityError",
    "LockedError",
    "LogStore",
    "MalformedError",
    "SearchTimeoutError",
    "StorageError",
    "Worker",
]
