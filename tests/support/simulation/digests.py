"""What is compared of nodes' states: the same on all of them, whichever release they run."""

from roost.chat.snapshot import decode_state, encode_state

PART_ITEMS = 2
"""Entries in a part of a snapshot: so few that installing one takes several turns."""


def digest_of(snapshot: bytes, *, is_former: bool = True) -> int:
    """Return a number for what is in a snapshot, whichever release encoded it."""
    return hash(encode_state(decode_state(snapshot), PART_ITEMS) if is_former else snapshot)
