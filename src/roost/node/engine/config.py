"""What an engine is told when it starts."""

import msgspec

from roost.chat.settings import Settings
from roost.chat.versions import VERSION, VERSION_MIN
from roost.ircd.config import Config as IrcConfig
from roost.raft.config import Config as RaftConfig


class EngineConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A node's own choices. What must be equal on all nodes is in the chat state."""

    raft: RaftConfig
    irc: IrcConfig
    snapshot_entries: int = 40_000
    """Entries between two snapshots. A restart applies at most about so many, in about 1 s."""
    snapshot_bytes: int = 32 * 1024 * 1024
    """Entry bytes between two snapshots, for logs of long lines."""
    retained_entries: int = 20_000
    """Entries kept before a snapshot, so that a node that was away briefly does not need it."""
    history_days: float = 0
    """How many days of history this node holds itself; 0 is all of it."""
    learner_days: float = 7
    """The same while it does not vote."""
    has_archive: bool = False
    """Whether there is an archive, which has what nodes no longer hold."""
    archive_days: float = 0
    """How many days of history the archive keeps; 0 is all of it."""
    version_max: int = VERSION
    """The newest version of the cluster that this node speaks; see `chat.versions`."""
    settings: Settings = Settings()
    """The settings for all nodes, as this node's configuration has them."""
    clock_offset_ms_max: int = 1000
    """How far this node's clock may differ from the others' before it stops serving."""
    balancer_grace_s: float = 30.0
    """How long a balancer may be unreachable from every node before its sessions end."""
    status_interval_s: float = 0.45
    """The shortest time between two reports to balancers; an idle node has a turn every 0.2 s."""
    gossip_interval_s: float = 0.95
    tick_interval_s: float = 0.6
    """How often everything is done, at least, that has no deadline of its own."""
    archive_tick_interval_s: float = 0.25
    """The same for a node with an archive, which may have been set back since."""

    kept_aside: tuple[str, ...] = ()
    """Directories with data that this node put aside, and that nobody has deleted yet."""

    @property
    def tick_s(self) -> float:
        """How often this node does it."""
        return self.archive_tick_interval_s if self.has_archive else self.tick_interval_s

    def __post_init__(self) -> None:
        for name in ("snapshot_entries", "snapshot_bytes", "retained_entries"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if not VERSION_MIN <= self.version_max <= VERSION:
            raise ValueError(f"version_max must be {VERSION_MIN} to {VERSION}")
        if self.balancer_grace_s < 0:
            raise ValueError("balancer_grace_s must not be negative")
