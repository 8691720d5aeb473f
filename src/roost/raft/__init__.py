"""Consensus: one log, the same on every member, decided by Raft.

`Replica` is pure: messages, time and finished writes go in as calls, and `take_output` says what to
persist, send, install and apply. What travels and what is stored is in `messages`.
"""

from roost.raft.config import Config
from roost.raft.replica import Replica
from roost.raft.statistics import Statistics

__all__ = ["Config", "Replica", "Statistics"]
