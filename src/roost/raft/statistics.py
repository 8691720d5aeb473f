"""What a replica reports about itself, for metrics and people."""

import msgspec


class Statistics(msgspec.Struct, frozen=True):
    """A replica at one moment; counters start with the process."""

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
    """Whether lost data keeps it from voting and standing for election."""
    elections_started: int
    elections_won: int
    snapshots_installed: int
    is_voter: bool = True
    """Whether it votes, by the latest configuration."""
