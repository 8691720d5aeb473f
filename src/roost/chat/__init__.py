"""The replicated chat state, pure and equal on every node: commands in, changes out."""

from roost.chat.applied import Applied
from roost.chat.apply import apply_entry, skip
from roost.chat.record import history_rows
from roost.chat.snapshot import SnapshotError, decode_state, encode_state
from roost.chat.state import State

__all__ = [
    "Applied",
    "SnapshotError",
    "State",
    "apply_entry",
    "decode_state",
    "encode_state",
    "history_rows",
    "skip",
]
