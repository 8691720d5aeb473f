"""What the parts of a replica share, and the only place where its role and term change.

             silence                majority            majority, own vote on disk
FOLLOWER ------------> PRE_CANDIDATE -------> CANDIDATE ---------------> LEADER
    ^                       |                     |                        |
    +-----------------------+---------------------+------------------------+
         a leader is heard, a higher term is seen, contact to a majority is lost
"""

import enum
from collections.abc import Callable

import msgspec

from roost.instant import Instant
from roost.raft.config import Config
from roost.raft.log import Log
from roost.raft.messages import HardState, Snapshot, Stored
from roost.raft.outbox import Outbox
from roost.raft.quorum import majority


class Role(enum.Enum):
    """What a replica is in its term."""

    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"


class Core:
    """A replica's state, beside what only a candidate or only a leader needs."""

    __slots__ = (
        "commit_index",
        "config",
        "connected",
        "delivered_index",
        "election_deadline",
        "hard",
        "installed",
        "leader",
        "leader_heard",
        "log",
        "name",
        "now",
        "outbox",
        "peers",
        "quorum",
        "random",
        "role",
        "snapshot",
    )

    def __init__(
        self, config: Config, stored: Stored, random: Callable[[], float], now: Instant
    ) -> None:
        self.config = config
        self.name = config.name
        self.peers = tuple(name for name in config.members if name != config.name)
        self.quorum = majority(len(config.members))
        self.random = random
        self.now = now
        self.connected = dict.fromkeys(self.peers, False)
        """Which links are up."""
        self.hard: HardState = stored.hard_state
        """Replaced as a whole at each change, never altered; the outbox has it stored."""
        self.snapshot: Snapshot | None = stored.snapshot
        """The newest one, which followers that are far behind are fed."""
        self.log = Log(stored.snapshot, stored.entries)
        self.outbox = Outbox(stored.hard_state, self.log.last_index)
        snapshot = stored.snapshot
        if snapshot and stored.entries and stored.entries[-1].index < snapshot.index:
            # Corruption took the log's end; what is left has a hole before what will follow.
            self.outbox.restarted(snapshot)
        self.role = Role.FOLLOWER
        self.leader = ""
        """The leader of this term; empty while it is unknown."""
        self.leader_heard = float("-inf")
        self.commit_index = stored.snapshot.index if stored.snapshot else 0
        """delivered_index <= commit_index <= log.last_index, always."""
        self.delivered_index = self.commit_index
        """The last entry that was handed out to be applied."""
        self.installed: Snapshot | None = None
        """A snapshot that the state machine has to take over with the next output."""
        self.election_deadline = 0.0
        self.reset_election_timer()

    # What is so

    @property
    def term(self) -> int:
        """The current term."""
        return self.hard.term

    @property
    def is_sound(self) -> bool:
        """Whether it may vote and stand: it remembers all that it ever promised."""
        hard = self.hard
        return not (hard.is_amnesiac or hard.floor_index or hard.floor_term)

    @property
    def connected_count(self) -> int:
        """How many peers are linked."""
        return sum(self.connected.values())

    def has_lease(self) -> bool:
        """Whether there is a leader that this replica stays loyal to (thesis 4.2.3 and 9.6).

        A link that broke is as good as silence: a leader whose process died is replaced at once.
        """
        if self.role is Role.LEADER:
            return True
        return (
            self.leader != ""
            and self.connected[self.leader]
            and self.now.monotonic - self.leader_heard < self.config.election_s_min
        )

    # Transitions

    def follow(self, term: int, leader: str) -> None:
        """Become a follower in `term`, which may be the current one, of `leader` if known."""
        hard = self.hard
        assert term >= hard.term, "terms never go back"
        assert term > hard.term or not leader or self.role is not Role.LEADER, (
            f"{leader} and {self.name} both lead term {term}"
        )
        if term > hard.term:
            self.hard = msgspec.structs.replace(hard, term=term, voted_for="")
        if self.role is not Role.FOLLOWER:
            self.role = Role.FOLLOWER
            self.reset_election_timer()
        self.leader = leader

    def become_pre_candidate(self) -> None:
        """Ask around whether an election could be won; nothing is promised by it."""
        self.role = Role.PRE_CANDIDATE
        self.leader = ""
        self.reset_election_timer()

    def become_candidate(self) -> None:
        """Begin a new term and vote for itself (5.2)."""
        assert self.is_sound, "who forgot promises may not stand"
        self.role = Role.CANDIDATE
        self.leader = ""
        self.hard = HardState(term=self.hard.term + 1, voted_for=self.name)
        self.reset_election_timer()

    def become_leader(self) -> None:
        """The election is won."""
        assert self.role is Role.CANDIDATE, "only a candidate wins"
        assert self.outbox.is_durable(self.hard), "its own vote must be on disk"
        self.role = Role.LEADER
        self.leader = self.name

    def vote_for(self, candidate: str) -> None:
        """Give this term's only vote."""
        assert self.is_sound, "who forgot promises may not vote"
        assert self.hard.voted_for in ("", candidate), "one vote per term"
        if self.hard.voted_for != candidate:
            self.hard = msgspec.structs.replace(self.hard, voted_for=candidate)

    def commit_to(self, index: int) -> None:
        """Everything up to `index` is committed."""
        if index > self.commit_index:
            assert index <= self.log.last_index, "only what is held can be committed"
            self.commit_index = index

    # Timers

    def reset_election_timer(self) -> None:
        """Wait a full, randomised election time-out from now on (5.2)."""
        config = self.config
        spread = config.election_s_max - config.election_s_min
        self.election_deadline = self.now.monotonic + config.election_s_min + spread * self.random()

    def retry_deadline(self) -> float:
        """When to try again, counted from now."""
        return self.now.monotonic + self.config.retry_s * (1.0 + self.random())
