"""One member's part in keeping the log: a pure Raft replica.

    receive, tick, propose,          +---------+    take_output: persist, send,
    peer_connected, persisted  --->  | Replica | -> install, apply (in this order)
                                     +---------+

Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014 (sections and
figures without another source are its), with what Ongaro's thesis adds: pre-vote (9.6), leases and
check-quorum (4.2.3, 6.2), transfer of leadership (3.10), pipelined appends (10.2.1, 10.2.2).

It reads no clock and no disk: the whole log since the last compaction is in memory. It goes on
while writes are under way; only what promises something waits for the disk (see `outbox`).
Every message may be lost, doubled, late or out of order; only amnesia (see `standing`) asks that
links die with the process at either end.
"""

from collections.abc import Callable, Sequence

from roost.instant import Instant
from roost.raft.config import Config
from roost.raft.core import Core, Role
from roost.raft.election import Election
from roost.raft.following import Following
from roost.raft.leadership import Leadership
from roost.raft.log import ENTRY_BYTES
from roost.raft.messages import (
    AppendRequest,
    AppendResponse,
    Entry,
    Message,
    Output,
    ProposeRequest,
    Snapshot,
    SnapshotRequest,
    SnapshotResponse,
    Stored,
    TimeoutNow,
    VoteRequest,
    VoteResponse,
)
from roost.raft.standing import Standing
from roost.raft.statistics import Statistics


class Replica:
    """A member of a static group of voters.

    After each call, or each turn of calls, take the output and obey it in its order of duties.
    """

    def __init__(
        self, config: Config, stored: Stored, random: Callable[[], float], now: Instant
    ) -> None:
        """Start as a follower from what the disk holds; `random` gives numbers in [0, 1)."""
        self._core = Core(config, stored, random, now)
        self._standing = Standing(self._core)
        self._election = Election(self._core)
        self._following = Following(self._core, self._standing)
        self._leadership: Leadership | None = None

    # What is so

    @property
    def is_leader(self) -> bool:
        """Whether this replica leads its term, as far as it knows."""
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
        """The last entry that an output has handed out to be applied."""
        return self._core.delivered_index

    @property
    def last_index(self) -> int:
        """The last entry of the log, committed or not."""
        return self._core.log.last_index

    @property
    def is_in_touch(self) -> bool:
        """Whether this replica is, directly or through its leader, in touch with a majority.

        A leader: a majority is linked and was heard within the shortest election time-out. A
        follower: so lately it has heard its leader. As of the last call that told the time.
        """
        core = self._core
        if core.role is Role.LEADER:
            return self._lead.is_in_touch()
        heard_s = core.now.monotonic - core.leader_heard
        return core.leader != "" and heard_s < core.config.election_s_min

    @property
    def _lead(self) -> Leadership:
        assert self._leadership is not None, "a leader has a leadership"
        return self._leadership

    def statistics(self) -> Statistics:
        """Tell about this replica."""
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
            elections_started=self._election.started_count,
            elections_won=self._election.won_count,
            snapshots_installed=self._following.installed_count,
        )

    # Messages

    def receive(self, sender: str, message: Message, now: Instant) -> None:
        """Take a message; those of strangers are ignored."""
        core = self._core
        core.now = now
        if sender not in core.connected:
            return
        match message:
            case AppendRequest():
                self._standing.heard(sender, message.term)
                self._following.receive_append(sender, message)
            case AppendResponse() | SnapshotResponse():
                self._receive_answer(sender, message)
            case ProposeRequest():
                if core.role is Role.LEADER:
                    self._lead.propose(message.commands)
            case VoteRequest():
                self._election.receive_request(sender, message)
            case VoteResponse():
                self._standing.heard(sender, message.term)
                if self._election.receive_response(sender, message):
                    self._begin_leadership()
            case SnapshotRequest():
                self._standing.heard(sender, message.term)
                self._following.receive_snapshot(sender, message)
            case TimeoutNow():
                self._election.receive_timeout_now(sender, message)

    def _receive_answer(self, sender: str, message: AppendResponse | SnapshotResponse) -> None:
        """Take a follower's answer; those to an earlier leadership say nothing any more."""
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

    # Time and links

    def tick(self, now: Instant) -> None:
        """Do what is due; call it at or after `next_deadline`, or whenever convenient."""
        core = self._core
        core.now = now
        if core.role is Role.LEADER:
            if not self._lead.tick():
                core.follow(core.term, "")
        elif self._election.tick():
            self._begin_leadership()
        self._standing.tick()

    def next_deadline(self) -> float:
        """When `tick` wants to be called next, in monotonic seconds."""
        if self._core.role is Role.LEADER:
            return self._lead.heartbeat_deadline
        return min(self._core.election_deadline, self._standing.next_deadline())

    def peer_connected(self, name: str, now: Instant) -> None:
        """A link to a member is up; nothing that was sent on an earlier one can arrive any more."""
        core = self._core
        core.now = now
        if name not in core.connected:
            return
        core.connected[name] = True
        self._following.links_changed()
        if core.role is Role.LEADER:
            self._lead.connected(name)
        else:
            self._election.peer_connected(name)

    def peer_disconnected(self, name: str, now: Instant) -> None:
        """A link to a member is gone."""
        core = self._core
        core.now = now
        if not core.connected.get(name):
            return
        core.connected[name] = False
        if core.role is Role.LEADER:
            self._lead.disconnected(name)
        else:
            self._election.peer_disconnected(name)

    # Proposals

    def propose(self, commands: Sequence[bytes], now: Instant) -> bool:
        """Ask for commands to be appended, in this order.

        A follower forwards them. True is no promise: they can be lost until they come back out
        of the log. False: no leader can be reached or it takes none now, and nothing was done.
        """
        core = self._core
        core.now = now
        if core.role is Role.LEADER:
            return self._lead.propose(commands)
        if not core.leader or not core.connected[core.leader]:
            return False
        for part in _parts(commands, core.config.append_bytes_max):
            core.outbox.send(core.leader, ProposeRequest(part))
        return True

    def transfer_leadership(self, target: str | None, now: Instant) -> None:
        """Hand leadership over to `target`, or to the most up-to-date linked member.

        Nothing happens on a replica that does not lead, or when there is nobody to hand over to.

        Raises:
            ValueError: `target` is no member.
        """
        core = self._core
        core.now = now
        if target is not None and target not in core.config.members:
            raise ValueError(f"{target!r} is no member")
        if core.role is Role.LEADER:
            self._lead.transfer(target)

    # The disk

    def persisted(self, number: int, now: Instant) -> None:
        """All batches up to `number` are durable, and their messages have been sent."""
        core = self._core
        core.now = now
        core.outbox.persisted(number)
        if core.role is Role.LEADER:
            self._lead.advance_commit()
        elif self._election.own_vote_durable():
            self._begin_leadership()

    def compact(self, snapshot: Snapshot, first_index: int) -> None:
        """Take the driver's own snapshot, and drop the entries before `first_index`.

        The snapshot is of delivered entries, and the log must go on from it: `first_index` is
        at most `snapshot.index + 1`. One older than the newest known is ignored.
        """
        core = self._core
        assert snapshot.index <= core.delivered_index, "a snapshot of what was never delivered"
        assert first_index <= snapshot.index + 1, "the log must go on from the snapshot"
        if core.snapshot is None or snapshot.index > core.snapshot.index:
            core.snapshot = snapshot
            core.log.compact(first_index)

    def take_output(self) -> Output:
        """Give what is to be done, and forget it."""
        core = self._core
        if core.role is Role.LEADER:
            self._lead.flush()
        persist, messages = core.outbox.take(core.hard, core.log)
        snapshot, core.installed = core.installed, None
        committed: tuple[Entry, ...] = ()
        if core.commit_index > core.delivered_index:
            committed = core.log.between(core.delivered_index + 1, core.commit_index)
            core.delivered_index = core.commit_index
        return Output(persist, messages, snapshot, committed)


def _parts(commands: Sequence[bytes], bytes_max: int) -> list[tuple[bytes, ...]]:
    """Split commands into messages of bounded size; a bigger command goes alone."""
    if sum(map(len, commands)) + ENTRY_BYTES * len(commands) <= bytes_max:
        return [tuple(commands)] if commands else []
    parts: list[list[bytes]] = [[]]
    size = 0
    for command in commands:
        size += len(command) + ENTRY_BYTES
        if parts[-1] and size > bytes_max:
            parts.append([])
            size = len(command) + ENTRY_BYTES
        parts[-1].append(command)
    return [tuple(part) for part in parts]
