"""The settings of a replica, fixed when it starts."""

import msgspec

GATHER_S = 0.002
GATHER_S_MAX = 0.004
"""About the time between two flushes of a balancer, at least."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """A replica's settings.

    The times must be equal on all members; the limits may differ.

    Raises:
        ValueError: a value is out of range; the message names the setting and its range.
    """

    name: str
    members: tuple[str, ...]
    """The voters, if neither the log nor the snapshot says who they are."""

    heartbeat_s: float = 0.2
    """How often an idle leader sends one: three times within the shortest election time-out. Links
    lose none, so more of them would only allow for longer stops of the leader."""
    election_s_min: float = 0.6
    """The shortest silence before an election, and the length of a leader's lease with a voter that
    has heard it. Longer than a slow fsync or a long garbage collection."""
    election_s_max: float = 1.0
    """The longest silence before an election. The random spread (5.2) avoids split votes."""
    failover_s_max: float = 0.03
    """After its link to the leader breaks, a follower starts a pre-vote within this time. The delay
    is random, so that two followers rarely compete."""
    retry_s: float = 0.05
    """A refused candidate retries after one to two times this. It is longer than all members take
    to notice that several links broke together."""

    append_bytes_max: int = 256 * 1024
    """Entry bytes per append and per forwarded proposal; a bigger entry goes alone. About 2 ms of a
    gigabit link, so that a heartbeat never waits long behind one."""
    inflight_appends_max: int = 64
    """Appends sent to a follower and not yet answered."""
    inflight_bytes_max: int = 4 * 1024 * 1024
    """Entry bytes sent to a follower and not yet acknowledged."""
    snapshot_chunk_bytes: int = 256 * 1024
    """Bytes of a snapshot per message; the reason is that of `append_bytes_max`."""
    feed_s: float = 0.01
    """How often a learner is sent new entries under load. Waking costs more than the entries do,
    and people do not notice 10 ms."""
    gather_s: float = GATHER_S
    """How long a leader under load waits for the proposals of nodes that have regularly proposed
    together; 0 for not at all. They come within 1.2 ms, unless the machine has too much to do."""
    uncommitted_bytes_max: int = 64 * 1024 * 1024
    """Entry bytes beyond the commit index; above this a leader refuses proposals, so that one
    without followers does not fill its memory."""

    def __post_init__(self) -> None:
        if not self.members or "" in self.members:
            raise ValueError("members must name every voter")
        if len(set(self.members)) != len(self.members):
            raise ValueError(f"members must be distinct, not {', '.join(self.members)}")
        if not self.name:
            raise ValueError("name must not be empty")
        if not 0 < self.heartbeat_s <= self.election_s_min / 2:
            raise ValueError("heartbeat_s must be above 0 and at most half of election_s_min")
        if not self.election_s_min < self.election_s_max:
            raise ValueError("election_s_max must be above election_s_min")
        for name in ("failover_s_max", "retry_s", "feed_s"):
            if not 0 < getattr(self, name) <= self.election_s_min:
                raise ValueError(f"{name} must be above 0 and at most election_s_min")
        if not 0 <= self.gather_s <= GATHER_S_MAX:
            raise ValueError(f"gather_s must be from 0 to {GATHER_S_MAX}")
        for name in (
            "append_bytes_max",
            "inflight_appends_max",
            "inflight_bytes_max",
            "snapshot_chunk_bytes",
            "uncommitted_bytes_max",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
