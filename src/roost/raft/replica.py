"""One member of the Raft group: a pure replica of the log.

    receive, tick, propose,          +---------+    take_output: persist, send,
    peer_connected, persisted  --->  | Replica | -> install, apply (in this order)
                                     +---------+

Source: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014 (sections
and figures without another source), and Ongaro's thesis: pre-vote (9.6), leases and check-quorum
(4.2.3, 6.2), leadership transfer (3.10), pipelined appends (10.2), changes of the group (4).

It reads no clock and no disk: the whole log since the last compaction is in memory. It continues
while writes are under way; only promises wait for the disk (see `outbox`). Messages may be lost,
duplicated, late or out of order. Only recovery from a lost disk (see `recovery`) requires that a
link dies with the process at either end.
"""

from collections.abc import Callable, Sequence

import msgspec

from roost.instant import Instant
from roost.raft.config import Config
from roost.raft.core import Core
from roost.raft.election import Election
from roost.raft.feeding import Feeder
from roost.raft.following import Following
from roost.raft.gathering import cut
from roost.raft.leadership import Leadership
from roost.raft.learning import Learning
from roost.raft.messages import (
    AppendRequest,
    AppendResponse,
    Configuration,
    Divergence,
    Entry,
    Feed,
    FeedRequest,
    Message,
    Output,
    Position,
    Preparation,
    ProposeRequest,
    Report,
    Snapshot,
    SnapshotRequest,
    SnapshotResponse,
    Stored,
    TimeoutNow,
    VoteRequest,
    VoteResponse,
)
from roost.raft.positions import Positions
from roost.raft.recovery import Recovery
from roost.raft.role import Role
from roost.raft.statistics import Statistics
from roost.raft.tending import Policy, Tending

PREPARATION_S = 5.0
"""How long a learner that was asked to write everything does so: until it votes, or another one
does. The leader asks again."""


class Replica:
    """A voter or a learner of the group.

    After each call, or each batch of calls, take the output and obey it (see `Output`).
    """

    def __init__(
        self, config: Config, stored: Stored, random: Callable[[], float], now: Instant
    ) -> None:
        """Start as a follower from what is stored; `random` returns numbers in [0, 1)."""
        self._core = Core(config, stored, random, now)
        self._recovery = Recovery(self._core)
        self._election = Election(self._core)
        self._following = Following(self._core, self._recovery)
        self._learning = Learning(self._core, self._following, self._recovery)
        self._feeder = Feeder(self._core, lambda: self.is_in_touch)
        self._tending = Tending(self._core)
        self._positions = Positions(self._core, stored.positions)
        self._leadership: Leadership | None = None

    # Queries

    @property
    def is_leader(self) -> bool:
        """Whether this replica leads its term as far as it knows."""
        return self._core.role is Role.LEADER

    @property
    def leader(self) -> str:
        """The leader of this term; empty while it is unknown."""
        return self._core.leader

    @property
    def term(self) -> int:
        """The current term."""
        return self._core.term

    @property
    def commit_index(self) -> int:
        """The last entry known to be committed."""
        return self._core.commit_index

    @property
    def delivered_index(self) -> int:
        """The last entry that an output handed out to be applied."""
        return self._core.delivered_index

    @property
    def last_index(self) -> int:
        """The last entry of the log, committed or not."""
        return self._core.log.last_index

    @property
    def configuration(self) -> Configuration:
        """The latest configuration of the log, committed or not."""
        return self._core.membership.latest

    @property
    def is_configuration_explicit(self) -> bool:
        """Whether the log has a configuration; else the file's members count."""
        return self._core.membership.is_explicit

    @property
    def is_configuration_committed(self) -> bool:
        """Whether the latest configuration is known to be committed."""
        return self._core.membership.index <= self._core.commit_index

    @property
    def is_voter(self) -> bool:
        """Whether this replica votes, by the latest configuration."""
        return self._core.membership.is_voter

    @property
    def members(self) -> tuple[str, ...]:
        """All voters and learners, and those that are removed by a change not yet committed."""
        membership = self._core.membership
        if self.is_configuration_committed:
            return membership.members
        return membership.members_before

    @property
    def source(self) -> str:
        """Whom this replica asks for committed entries; empty for nobody."""
        return self._learning.source

    @property
    def divergence(self) -> Divergence | None:
        """Where this replica's committed entries are not the leader's; it is silent then."""
        return self._core.divergence

    @property
    def is_sound(self) -> bool:
        """Whether this replica may vote and stand for election."""
        return self._core.is_sound

    def note_time(self, is_known: bool) -> None:
        """Note whether this replica could give entries their time; otherwise it does not stand."""
        self._core.knows_time = is_known

    @property
    def has_current_commit(self) -> bool:
        """Whether this replica knows of a commit of the present term.

        It then has everything that was committed in earlier terms (leader completeness).
        """
        core = self._core
        return core.log.term_at(core.commit_index) == core.term

    @property
    def is_in_touch(self) -> bool:
        """Whether this replica is in contact with a majority, directly or through its leader.

        A leader is if a majority is linked and was heard within the shortest election time-out, a
        follower if it heard its leader within that time. Counted from the last call with a time.
        """
        core = self._core
        if core.role is Role.LEADER:
            return self._lead.is_in_touch()
        heard_s = core.now.monotonic - core.leader_heard
        return core.leader != "" and heard_s < core.config.election_s_min

    @property
    def _lead(self) -> Leadership:
        assert self._leadership is not None, "only a leader has one"
        return self._leadership

    def statistics(self) -> Statistics:
        core = self._core
        return Statistics(
            role=core.role.value,
            term=core.term,
            leader=core.leader,
            first_index=core.log.first_index,
            last_index=core.log.last_index,
            durable_index=core.outbox.durable_index,
            commit_index=core.commit_index,
            log_bytes=core.log.bytes_total,
            is_barred=not core.is_sound,
            is_voter=core.membership.is_voter,
            elections_started=self._election.started_count,
            elections_won=self._election.won_count,
            snapshots_installed=self._following.installed_count,
        )

    # Messages

    def receive(self, sender: str, message: Message, now: Instant) -> None:
        """Handle a message; ignore one from a stranger."""
        core = self._core
        core.now = now
        if not core.knows(sender) or core.divergence is not None:
            return
        match message:
            case AppendRequest():
                self._recovery.heard(sender, message.term)
                self._following.receive_append(sender, message)
                self._tending.answering(is_asked=message.wants_answer)
            case AppendResponse() | SnapshotResponse():
                self._receive_answer(sender, message)
            case ProposeRequest():
                if core.role is Role.LEADER:
                    self._lead.propose(sender, message.commands)
            case VoteRequest():
                self._election.receive_request(sender, message)
            case VoteResponse():
                self._recovery.heard(sender, message.term)
                if self._election.receive_response(sender, message):
                    self._begin_leadership()
            case SnapshotRequest(is_feed=True):
                self._learning.receive_chunk(sender, message)
            case SnapshotRequest():
                self._recovery.heard(sender, message.term)
                self._following.receive_snapshot(sender, message)
            case TimeoutNow():
                self._election.receive_timeout_now(sender, message)
            case FeedRequest():
                self._feeder.receive(sender, message)
            case Feed():
                self._learning.receive(sender, message)
            case Report():
                self._tending.receive(sender, message)
            case Preparation():
                core.prepared_until = now.monotonic + PREPARATION_S

    def _receive_answer(self, sender: str, message: AppendResponse | SnapshotResponse) -> None:
        """Handle a follower's answer; ignore answers to an earlier leadership."""
        core = self._core
        if message.term > core.term:
            core.follow(message.term, "")
        elif core.role is not Role.LEADER or message.term < core.term:
            return
        elif isinstance(message, AppendResponse):
            self._lead.receive_response(sender, message)
        else:
            self._lead.receive_snapshot_response(sender, message)

    def _begin_leadership(self) -> None:
        self._leadership = Leadership(self._core, self._election.supporters)

    # What others know of this replica, and it of them

    def positions(self) -> tuple[Position, ...]:
        """Return how far each member is known to have been, to be told to the others.

        Tell it regularly, and on each new link before anything else.
        """
        core = self._core
        if core.role is Role.LEADER:
            for name, index in self._lead.matches():
                self._positions.note(name, core.log.term_at(index), index)
        return self._positions.report()

    def learn_positions(self, reported: Sequence[Position], now: Instant) -> Position | None:
        """Note what another member knows.

        Returns the last entry that this replica had, if its disk has forgotten it.
        """
        self._core.now = now
        return self._positions.learn(reported)

    # Time and links

    def tick(self, now: Instant) -> None:
        """Do what is due; call this at `next_deadline`, or at any other time."""
        core = self._core
        core.now = now
        if core.divergence is not None:
            return
        if core.role is Role.LEADER:
            if not self._lead.tick():
                core.follow(core.term, "")
        elif self._election.tick():
            self._begin_leadership()
        self._recovery.tick()
        self._learning.tick()
        self._tending.tick()

    def next_deadline(self) -> float:
        """Return when to call `tick` next, in monotonic seconds."""
        if self._core.divergence is not None:
            return float("inf")
        feed_due = self._feeder.next_deadline()
        if self._core.role is Role.LEADER:
            return min(self._lead.next_deadline(), feed_due)
        return min(
            self._core.election_deadline,
            self._recovery.next_deadline(),
            self._learning.next_deadline(),
            self._tending.next_deadline(),
            feed_due,
        )

    def peer_connected(self, name: str, now: Instant) -> None:
        """Note a new link to a node; nothing sent on an earlier link may arrive after this.

        It need not be a member: one that is being added is linked first.
        """
        core = self._core
        core.now = now
        core.connected[name] = True
        self._tending.linked(name)
        self._following.links_changed()
        if core.divergence is not None:
            return
        if core.role is Role.LEADER:
            self._lead.connected(name)
        else:
            self._election.peer_connected(name)
            self._learning.linked()

    def peer_disconnected(self, name: str, now: Instant) -> None:
        core = self._core
        core.now = now
        if not core.connected.get(name):
            return
        core.connected[name] = False
        if core.divergence is not None:
            return
        self._feeder.disconnected(name)
        self._tending.unlinked(name)
        if core.role is Role.LEADER:
            self._lead.disconnected(name)
        else:
            self._election.peer_disconnected(name)
            self._learning.unlinked(name)

    # Proposals

    def propose(self, commands: Sequence[bytes], now: Instant) -> bool:
        """Ask for commands to be appended in this order; a follower forwards them.

        Returns False, and does nothing, if no leader is reachable or it accepts none now. True is
        no promise: commands can be lost until they are committed.
        """
        core = self._core
        core.now = now
        if core.role is Role.LEADER:
            return self._lead.propose(core.name, commands)
        if not core.leader or not core.is_linked(core.leader):
            return False
        for part in cut(commands, core.config.append_bytes_max):
            core.outbox.send(core.leader, ProposeRequest(part))
        return True

    def change(self, configuration: Configuration, now: Instant) -> bool:
        """Propose who votes and who learns; at most one voter may differ (thesis 4.1).

        Returns False, and does nothing, if this replica does not lead, or must first commit an
        entry of its term, the configuration before, or a transfer of leadership.
        """
        core = self._core
        core.now = now
        return core.role is Role.LEADER and self._lead.change(configuration)

    def tend(self, nodes: Sequence[str], policy: Policy, now: Instant) -> None:
        """Take the next step towards the group that these nodes should have; see `tending`.

        Call it regularly. It does nothing on a replica that does not lead.
        """
        core = self._core
        core.now = now
        if core.role is not Role.LEADER or not self.is_configuration_committed:
            return
        step = self._tending.next_step(nodes, policy)
        if step.configuration is not None:
            self._lead.change(step.configuration)
        elif step.prepared:
            core.outbox.send(step.prepared, Preparation(core.term))
        elif step.is_handover:
            self._lead.transfer(None)

    def can_spare(self, name: str) -> tuple[int, int]:
        """Return how many voters would be up without a node, and how many are needed then."""
        return self._tending.can_spare(name)

    def transfer_leadership(self, target: str | None, now: Instant) -> None:
        """Hand leadership to `target`, or to the most up-to-date linked voter.

        Does nothing on a replica that does not lead, or if no voter can take over.

        Raises:
            ValueError: `target` is not a voter.
        """
        core = self._core
        core.now = now
        if target is not None and target not in core.membership.voters:
            raise ValueError(f"{target!r} is not a voter")
        if core.role is Role.LEADER:
            self._lead.transfer(target)

    # The disk

    def persisted(self, number: int, now: Instant) -> None:
        """Note that all batches up to `number` are durable and their messages sent."""
        core = self._core
        core.now = now
        core.outbox.persisted(number)
        if core.role is Role.LEADER:
            self._lead.advance_commit()
        elif self._election.own_vote_durable():
            self._begin_leadership()

    def compact(self, snapshot: Snapshot, first_index: int) -> Snapshot | None:
        """Adopt the driver's snapshot, and drop the entries before `first_index`.

        The snapshot covers delivered entries only, and the log must continue it: `first_index` is
        at most `snapshot.index + 1`. Returns the snapshot with the configuration at its index, for
        the driver to store; None if it is older than the current one and ignored, or if the next
        output stores it, because the entries that it covers were never written.
        """
        core = self._core
        assert snapshot.index <= core.delivered_index, "a snapshot of undelivered entries"
        assert first_index <= snapshot.index + 1, "the log must continue the snapshot"
        if core.snapshot is not None and snapshot.index <= core.snapshot.index:
            return None
        configuration = core.membership.at(snapshot.index)
        snapshot = msgspec.structs.replace(snapshot, configuration=configuration)
        core.snapshot = snapshot
        core.log.compact(first_index)
        core.membership.compacted(snapshot.index)
        if core.outbox.has_saved(snapshot.index):
            return snapshot
        core.outbox.replaced(snapshot)
        return None

    @property
    def has_committed(self) -> bool:
        """Whether the next output has committed entries, or a snapshot."""
        core = self._core
        return core.commit_index > core.delivered_index or core.installed is not None

    @property
    def has_output(self) -> bool:
        """Whether the next output may be anything but empty, before the next deadline."""
        core = self._core
        is_due = self._positions.is_due or self._feeder.next_deadline() <= core.now.monotonic
        if is_due or (core.role is Role.LEADER and self._lead.has_work):
            return True
        return self.has_committed or core.outbox.has_output(core.hard, core.log.last_index)

    def take_output(self) -> Output:
        """Return what the driver has to do, once."""
        core = self._core
        if core.divergence is not None:
            return Output(None, (), None, ())
        if core.role is Role.LEADER:
            self._lead.flush()
            if self._lead.is_removed:
                self._lead.resign()
        self._feeder.flush()
        persist, messages = core.outbox.take(
            core.hard,
            core.log,
            is_forced=self._positions.is_due,
            is_lazy=core.is_lazy,
        )
        if persist is not None and (positions := self._positions.take_changed()) is not None:
            persist = msgspec.structs.replace(persist, positions=positions)
        snapshot, core.installed = core.installed, None
        committed: tuple[Entry, ...] = ()
        if core.commit_index > core.delivered_index:
            committed = core.log.between(core.delivered_index + 1, core.commit_index)
            core.delivered_index = core.commit_index
        return Output(persist, messages, snapshot, committed)
