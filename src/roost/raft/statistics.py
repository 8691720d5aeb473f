"""What a replica tells about itself, for metrics and for people."""

import msgspec


class Statistics(msgspec.Struct, frozen=True):
    """A replica at one moment; the counters count from its start."""

    role: str
    term: int
    leader: str
    first_index: int
    last_index: int
    durable_index: int
    commit_index: int
    log_bytes: int
    """Entry bytes held in memory."""
    is_barred: bool
    """Whether lost storage keeps it from voting and standing at the moment."""
    elections_started: int
    elections_won: int
    snapshots_installed: int
