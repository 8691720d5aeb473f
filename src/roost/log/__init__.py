"""What a log is: commands in one order that is durable, and what a node needs besides. Pure.

`port` says it for every engine. `embedded` is Roost's own engine, Raft on the nodes' disks; `etcd`
is the other one, and `requests` is what it asks an etcd cluster.
"""

from roost.log.embedded import EmbeddedLog
from roost.log.etcd.log import DEFAULT_PREFIX, EtcdConfig, EtcdLog
from roost.log.port import (
    Compact,
    Log,
    LogDiskEffect,
    LogEffect,
    LogOutput,
    LogResult,
    LogStatus,
    Persisted,
)
from roost.log.requests import EtcdEffect, EtcdResult, Request, Watch
from roost.raft.messages import ENTRY_COMMAND, ENTRY_NOOP, Entry, Persist, Snapshot
from roost.raft.tending import Policy

__all__ = [
    "DEFAULT_PREFIX",
    "ENTRY_COMMAND",
    "ENTRY_NOOP",
    "Compact",
    "EmbeddedLog",
    "Entry",
    "EtcdConfig",
    "EtcdEffect",
    "EtcdLog",
    "EtcdResult",
    "Log",
    "LogDiskEffect",
    "LogEffect",
    "LogOutput",
    "LogResult",
    "LogStatus",
    "Persist",
    "Persisted",
    "Policy",
    "Request",
    "Snapshot",
    "Watch",
]
