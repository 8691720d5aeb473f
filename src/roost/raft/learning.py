"""Asks another member for what is committed: how learners follow the log (see `feeding`).

A voter is sent the log by its leader. Everybody else asks: a learner, one that was removed and does
not know it, one that comes back after so long that it takes itself for a voter. They ask any voter,
the leader last, and another one if it falls silent or loses touch with the leader. If the voters
that they know of are in touch with none, all of these may have been replaced, and anybody is asked.
A voter asks, too, that has not heard a leader for long, or lost its disk and may not listen to one:
the members of its file may be gone, and the configuration that it lacks is in what it is told.

A learner that lost data asks the leader first: only what the leader itself says of its commit can
show that nothing that was once promised is missing (see `recovery`). It is sound again before it
is made a voter.
"""

from roost.raft.core import Core
from roost.raft.following import Following
from roost.raft.messages import Feed, FeedRequest, SnapshotRequest
from roost.raft.recovery import Recovery
from roost.raft.role import Role


class Learning:
    """The replica's side as an asker."""

    __slots__ = (
        "_core",
        "_due",
        "_following",
        "_heard",
        "_in_touch",
        "_is_vain",
        "_recovery",
        "_source",
        "_started",
    )

    def __init__(self, core: Core, following: Following, recovery: Recovery) -> None:
        self._core = core
        self._following = following
        self._recovery = recovery
        self._source = ""
        """Whom it asks; empty for nobody."""
        self._heard = self._in_touch = float("-inf")
        """When the source was heard, and when it last named its leader, in monotonic seconds."""
        self._is_vain = False
        """Whether the last source knew of no leader."""
        self._started = core.now.monotonic
        self._due = core.now.monotonic

    @property
    def source(self) -> str:
        """Whom it asks; empty for nobody."""
        return self._source

    def next_deadline(self) -> float:
        """Return when to call `tick` next, in monotonic seconds; infinity if never."""
        core = self._core
        if core.role is Role.LEADER or not any(core.connected.values()):
            return float("inf")
        return max(self._due, self._wanted_from())

    def _wanted_from(self) -> float:
        """Return from when on this replica asks, in monotonic seconds."""
        core = self._core
        if not core.may_stand or not self._recovery.can_listen():
            return float("-inf")
        return max(core.leader_heard, self._started) + 2 * core.config.election_s_max

    def tick(self) -> None:
        """Ask, if it is time to, and if nobody is being asked who answers."""
        core = self._core
        now = core.now.monotonic
        if now < self._due:
            return
        self._due = now + core.config.heartbeat_s
        if core.role is Role.LEADER or now < self._wanted_from():
            self._source = ""
            return
        if not self._is_served():
            self._is_vain = bool(self._source) and self._in_touch < now - core.config.election_s_min
            self._choose()

    def _is_served(self) -> bool:
        """Return whether the source answers, and is the right one."""
        core = self._core
        source = self._source
        since = core.now.monotonic - core.config.election_s_min
        if not source or not core.is_linked(source) or self._heard < since:
            return False
        if self._in_touch < since:
            return False
        if core.may_stand:
            return True
        if core.is_sound:
            return source != core.leader or sum(map(core.is_linked, core.peers)) == 1
        return source == core.leader or not core.is_linked(core.leader)

    def linked(self) -> None:
        """Ask at once if nobody is being asked."""
        if not self._source:
            self._due = self._core.now.monotonic
            self.tick()

    def unlinked(self, name: str) -> None:
        """Ask somebody else at once if the link to the source broke."""
        if name == self._source:
            self._source = ""
            self.linked()

    def _choose(self) -> None:
        """Ask a voter, preferably neither the leader nor the one that was asked last.

        If that one was in touch with no leader, anybody may be asked.
        """
        core = self._core
        linked = [name for name in core.peers if core.is_linked(name)]
        if not linked or self._is_vain:
            linked = [name for name, is_linked in core.connected.items() if is_linked]
        if not core.is_sound and core.leader in linked:
            linked = [core.leader]
        for unwanted in (self._source, core.leader):
            others = [name for name in linked if name != unwanted]
            linked = others or linked
        if not linked:
            self._source = ""
            return
        self._source = linked[int(core.random() * len(linked))]
        self._heard = self._in_touch = core.now.monotonic
        self._ask()

    def _ask(self, snapshot_index: int = 0, offset: int = 0) -> None:
        core = self._core
        log = core.log
        request = FeedRequest(
            core.commit_index, log.last_index, log.last_term, snapshot_index, offset
        )
        core.outbox.send(self._source, request)

    # What the source sends

    def receive(self, sender: str, message: Feed) -> None:
        """Adopt committed entries; ask for more."""
        if not self._hear(sender, message.term):
            return
        self._following.adopt(sender, message)
        self._trust(message)
        self._ask()

    def receive_chunk(self, sender: str, message: SnapshotRequest) -> None:
        """Collect a snapshot; ask for more."""
        if not self._hear(sender, message.term):
            return
        offset = self._following.collect(sender, message)
        self._in_touch = self._core.now.monotonic
        if offset is None:
            self._ask()
        else:
            self._ask(message.last_index, offset)

    def _hear(self, sender: str, term: int) -> bool:
        core = self._core
        if sender != self._source or core.role is Role.LEADER:
            return False
        if term > core.term:
            core.follow(term, "")
        self._heard = core.now.monotonic
        return True

    def _trust(self, message: Feed) -> None:
        """Take the source's word for who leads, unless this replica may stand for election."""
        core = self._core
        if message.leader:
            self._in_touch = core.now.monotonic
        if core.may_stand:
            return
        if core.role is not Role.FOLLOWER:
            core.follow(core.term, "")
        leader = message.leader
        if leader and message.term == core.term and leader != core.name:
            if core.leader != leader:
                core.follow(core.term, leader)
            core.leader_heard = core.now.monotonic
            core.reset_election_timer()
            if leader == self._source and not core.is_sound:
                self._recovery.check(message.commit)
