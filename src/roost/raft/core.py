"""The state that all parts of a replica share; only this module changes its role and term.

             silence                majority            majority, own vote on disk
FOLLOWER ------------> PRE_CANDIDATE -------> CANDIDATE ---------------> LEADER
    ^                       |                     |                        |
    +-----------------------+---------------------+------------------------+
         a leader is heard, a higher term is seen, contact with a majority is lost
"""

from collections.abc import Callable, Sequence

import msgspec

from roost.instant import Instant
from roost.raft.config import Config
from roost.raft.log import Log
from roost.raft.membership import Membership
from roost.raft.messages import Divergence, Entry, HardState, Snapshot, Stored
from roost.raft.outbox import Outbox
from roost.raft.role import Role


class Core:
    """A replica's state, except what only a candidate or only a leader needs."""

    __slots__ = (
        "commit_index",
        "config",
        "connected",
        "delivered_index",
        "divergence",
        "election_deadline",
        "hard",
        "installed",
        "knows_time",
        "leader",
        "leader_heard",
        "log",
        "membership",
        "name",
        "now",
        "outbox",
        "prepared_until",
        "random",
        "role",
        "snapshot",
    )

    def __init__(
        self, config: Config, stored: Stored, random: Callable[[], float], now: Instant
    ) -> None:
        self.config = config
        self.name = config.name
        self.random = random
        self.now = now
        self.connected = dict.fromkeys(config.members, False)
        """Whether the link to another node, which need not be a member yet, is up."""
        self.hard: HardState = stored.hard_state
        """Replaced at each change, never mutated: the outbox compares it by identity."""
        self.snapshot: Snapshot | None = stored.snapshot
        """The newest one; followers that are far behind get it."""
        self.log = Log(stored.snapshot, stored.entries)
        held = self.log.between(self.log.first_index, self.log.last_index)
        self.membership = Membership(config.name, config.members, stored.snapshot, held)
        self.outbox = Outbox(stored.hard_state, self.log.last_index)
        if self.log.last_term > self.hard.term:
            # A learner's term is not stored with its snapshot; it promised nothing in it.
            self.hard = msgspec.structs.replace(self.hard, term=self.log.last_term, voted_for="")
        snapshot = stored.snapshot
        if snapshot and stored.entries and stored.entries[-1].index < snapshot.index:
            # Corruption took the end of the log: what is left does not reach the snapshot.
            self.outbox.restarted(snapshot)
        self.role = Role.FOLLOWER
        self.leader = ""
        """The leader of this term; empty while it is unknown."""
        self.leader_heard = float("-inf")
        self.commit_index = stored.snapshot.index if stored.snapshot else 0
        """Invariant: delivered_index <= commit_index <= log.last_index."""
        self.delivered_index = self.commit_index
        """The last entry handed out to be applied."""
        self.installed: Snapshot | None = None
        """A received snapshot that the next output gives to the state machine."""
        self.divergence: Divergence | None = None
        """Once there is one, this replica takes no part in anything any more."""
        self.knows_time = True
        """Whether it may give entries their time, as a leader does."""
        self.prepared_until = float("-inf")
        """A learner writes everything until then, because the leader wants it to vote."""
        self.election_deadline = 0.0
        self.reset_election_timer()

    # Queries

    @property
    def term(self) -> int:
        """The current term."""
        return self.hard.term

    @property
    def is_sound(self) -> bool:
        """Whether it may vote and stand for election: it has all that it ever promised to keep."""
        hard = self.hard
        return not (hard.is_amnesiac or hard.floor_index or hard.floor_term)

    @property
    def peers(self) -> tuple[str, ...]:
        """The other voters."""
        return self.membership.peers

    @property
    def quorum(self) -> int:
        """How many voters are a majority."""
        return self.membership.quorum

    @property
    def may_stand(self) -> bool:
        """Whether it is for this replica to stand for election, if it is sound."""
        return self.membership.may_stand(self.commit_index)

    @property
    def can_stand(self) -> bool:
        """Whether nothing keeps this replica from leading."""
        return self.is_sound and self.may_stand and self.knows_time

    @property
    def is_lazy(self) -> bool:
        """Whether it writes only what is promised: it learns, and is not to vote soon."""
        return not self.may_stand and self.now.monotonic >= self.prepared_until

    def knows(self, name: str) -> bool:
        """Return whether messages from `name` count: it was ever linked, or is a member."""
        is_known = name in self.connected or name in self.membership.members
        return is_known and name != self.name

    def is_linked(self, name: str) -> bool:
        """Return whether the link to another node is up."""
        return self.connected.get(name, False)

    def has_lease(self) -> bool:
        """Return whether a leader's lease still binds this replica (thesis 4.2.3 and 9.6).

        A broken link ends the lease: a leader whose process died is replaced at once.
        """
        if self.role is Role.LEADER:
            return True
        return (
            self.leader != ""
            and self.is_linked(self.leader)
            and self.now.monotonic - self.leader_heard < self.config.election_s_min
        )

    # Transitions

    def follow(self, term: int, leader: str) -> None:
        """Become a follower in `term`, which may be the current one; `leader` may be empty."""
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

    def diverge(self, index: int, told_by: str, told_term: int) -> None:
        """Fall silent: what was committed here at `index` is not what a leader has there.

        One of both histories was lost by a majority, which broke Raft's promise: a disk lied, or
        was set back. No replica can repair that by itself without dropping what it holds.
        """
        if self.divergence is None:
            self.divergence = Divergence(index, self.log.term_at(index), told_by, told_term)
            self.follow(self.term, "")

    def become_pre_candidate(self) -> None:
        """Start a pre-vote, which promises nothing (thesis 9.6)."""
        self.role = Role.PRE_CANDIDATE
        self.leader = ""
        self.reset_election_timer()

    def become_candidate(self) -> None:
        """Begin a new term and vote for itself (5.2)."""
        assert self.is_sound, "a replica that lost data may not stand for election"
        assert self.may_stand, "only voters stand for election"
        self.role = Role.CANDIDATE
        self.leader = ""
        self.hard = HardState(term=self.hard.term + 1, voted_for=self.name)
        self.reset_election_timer()

    def become_leader(self) -> None:
        assert self.role is Role.CANDIDATE, "only a candidate wins"
        assert self.outbox.is_durable(self.hard), "its own vote must be on disk"
        self.role = Role.LEADER
        self.leader = self.name

    def vote_for(self, candidate: str) -> None:
        """Cast the only vote of this term."""
        assert self.is_sound, "a replica that lost data may not vote"
        assert self.hard.voted_for in ("", candidate), "one vote per term"
        if self.hard.voted_for != candidate:
            self.hard = msgspec.structs.replace(self.hard, voted_for=candidate)

    def commit_to(self, index: int) -> None:
        """Advance the commit index to `index`, never back."""
        if index > self.commit_index:
            assert index <= self.log.last_index, "only entries in the log can be committed"
            self.commit_index = index

    # The log

    def append(self, entries: Sequence[Entry]) -> bool:
        """Add entries that follow the last one; return whether the configuration has changed."""
        self.log.append(entries)
        return self.membership.appended(entries)

    def truncate(self, index: int) -> None:
        """Drop the entry at `index` and all that follow it; an earlier configuration may return."""
        assert index > self.commit_index, "a committed entry is never replaced"
        self.log.truncate(index)
        self.outbox.truncated(index)
        self.membership.truncated(index)

    def install(self, snapshot: Snapshot) -> None:
        """Replace the log by a snapshot, which the next output gives to the state machine."""
        self.log.restart(snapshot)
        self.outbox.restarted(snapshot)
        self.membership.restarted(snapshot)
        self.snapshot = self.installed = snapshot
        self.commit_index = self.delivered_index = snapshot.index

    # Timers

    def reset_election_timer(self) -> None:
        """Start a full, randomised election time-out (5.2)."""
        config = self.config
        spread = config.election_s_max - config.election_s_min
        self.election_deadline = self.now.monotonic + config.election_s_min + spread * self.random()

    def retry_deadline(self) -> float:
        """Return when a refused candidate may retry, in monotonic seconds."""
        return self.now.monotonic + self.config.retry_s * (1.0 + self.random())
