"""What a replica is told once, when it starts."""

import msgspec


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """A replica's settings.

    `members` and the times must be equal on all members; the limits may differ.

    Raises:
        ValueError: a value is out of its range; the text names the value and its range.
    """

    name: str
    members: tuple[str, ...]
    """All voters, this one included."""

    heartbeat_s: float = 0.1
    """A silent leader speaks this often: six times within the shortest election time-out."""
    election_s_min: float = 0.6
    """The shortest silence after which a leader is doubted, and how long a voter stays loyal to
    a leader that it has heard; longer than a slow fsync or a long garbage collection."""
    election_s_max: float = 1.0
    """The longest such silence. The random spread (5.2) makes two candidates at once unlikely."""
    failover_s_max: float = 0.03
    """A follower whose link to the leader broke stands after a random part of this, so that
    seldom two of them stand together."""
    retry_s: float = 0.05
    """A refused candidate tries again after once to twice this; longer than links that break
    together take to be noticed everywhere."""

    append_bytes_max: int = 256 * 1024
    """Entry bytes per append (one bigger entry goes alone), and per forwarded proposal: about
    2 ms of a gigabit link, so that heartbeats never wait long behind one."""
    inflight_appends_max: int = 64
    """Appends sent to a follower and not answered yet."""
    inflight_bytes_max: int = 4 * 1024 * 1024
    """Entry bytes sent to a follower and not answered yet."""
    snapshot_chunk_bytes: int = 256 * 1024
    """Bytes of a snapshot per message, for the same reason as `append_bytes_max`."""
    uncommitted_bytes_max: int = 64 * 1024 * 1024
    """Entry bytes a leader takes beyond the commit index; then it refuses proposals, so that a
    leader without followers does not fill its memory."""

    def __post_init__(self) -> None:
        if not self.members or "" in self.members:
            raise ValueError("members must name every voter")
        if len(set(self.members)) != len(self.members):
            raise ValueError(f"members must be distinct, not {', '.join(self.members)}")
        if self.name not in self.members:
            raise ValueError(f"name must be one of the members, not {self.name!r}")
        if not 0 < self.heartbeat_s <= self.election_s_min / 2:
            raise ValueError("heartbeat_s must be above 0 and at most half of election_s_min")
        if not self.election_s_min < self.election_s_max:
            raise ValueError("election_s_max must be above election_s_min")
        for name in ("failover_s_max", "retry_s"):
            if not 0 < getattr(self, name) <= self.election_s_min:
                raise ValueError(f"{name} must be above 0 and at most election_s_min")
        for name in (
            "append_bytes_max",
            "inflight_appends_max",
            "inflight_bytes_max",
            "snapshot_chunk_bytes",
            "uncommitted_bytes_max",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
