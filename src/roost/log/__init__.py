"""What a log is: commands in one order that is durable, and what a node needs besides. Pure.

`port` says it for every engine. `embedded` is Roost's own engine, Raft on the nodes' disks.
"""

from roost.log.embedded import EmbeddedLog
from roost.log.port import Compact, Log, LogEffect, LogOutput, LogResult, LogStatus, Persisted
from roost.raft.messages import ENTRY_COMMAND, ENTRY_NOOP, Entry, Persist, Snapshot

__all__ = [
    "ENTRY_COMMAND",
    "ENTRY_NOOP",
    "Compact",
    "EmbeddedLog",
    "Entry",
    "Log",
    "LogEffect",
    "LogOutput",
    "LogResult",
    "LogStatus",
    "Persist",
    "Persisted",
    "Snapshot",
]
