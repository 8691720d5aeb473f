"""Consensus: Raft keeps one log, the same on every member.

`Replica` is pure. Messages, time and finished writes go in as calls; `take_output` returns what to
persist, send, install and apply. `messages` defines what is sent and what is stored.
"""

from roost.raft.config import Config
from roost.raft.replica import Replica
from roost.raft.statistics import Statistics

__all__ = ["Config", "Replica", "Statistics"]
