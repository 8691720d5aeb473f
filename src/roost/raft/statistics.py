"""What a replica tells about itself, for metrics and for people."""

import msgspec


class PeerStatistics(msgspec.Struct, frozen=True):
    """One other member, as the leader sees it."""

    name: str
    is_connected: bool
    state: str
    """"probe", "replicate" or "snapshot"."""
    match_index: int
    """The last entry known to be on its disk."""
    inflight_appends: int
    inflight_bytes: int


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
    peers: tuple[PeerStatistics, ...]
    """Empty on all but the leader."""
