"""Roost's own engine of the log: Raft among the nodes, on their disks.

The replica decides; this only shows it as a `roost.log.port.Log`.
"""

from collections.abc import Callable, Collection, Sequence

from roost.instant import Instant
from roost.log.port import Compact, LogEffect, LogOutput, LogResult, LogStatus, Persisted
from roost.raft.config import Config
from roost.raft.messages import (
    AppendRequest,
    Divergence,
    Feed,
    Message,
    Position,
    Snapshot,
    Stored,
)
from roost.raft.replica import Replica
from roost.raft.statistics import Statistics
from roost.raft.tending import Policy

NO_MAJORITY = ("no-majority", "no leader is in touch with a majority of the nodes")


def describe(divergence: Divergence) -> str:
    """Return what is wrong, for people."""
    index, leader = divergence.index, divergence.leader
    known = f" in term {divergence.term}" if divergence.term >= 0 else ""
    there = f"has another one there, of term {divergence.leader_term}"
    if not divergence.leader_term:
        there = "does not have it"
    return (
        f"entry {index} was committed here{known}, and the leader {leader} {there}: a disk was set"
        " back to an older state, here or at most of the others"
    )


class EmbeddedLog:
    """A node's replica."""

    def __init__(
        self, config: Config, stored: Stored, random: Callable[[], float], now: Instant
    ) -> None:
        """Start from what is stored; `random` returns numbers in [0, 1)."""
        self.replica = Replica(config, stored, random, now)
        """The consensus part, to be read only."""
        self._start = stored.snapshot
        self._heard_commit = 0
        self._compact: Compact | None = None

    @property
    def start(self) -> Snapshot | None:
        """The snapshot on the disk, until another one takes its place."""
        return self._start

    @property
    def is_kept_by_nodes(self) -> bool:
        """Yes: by Raft."""
        return True

    @property
    def note(self) -> str:
        """Nothing."""
        return ""

    @property
    def is_in_charge(self) -> bool:
        """Whether this replica leads."""
        return self.replica.is_leader

    @property
    def leader(self) -> str:
        """The leader of this term; empty while it is unknown."""
        return self.replica.leader

    @property
    def term(self) -> int:
        """Raft's term."""
        return self.replica.term

    @property
    def last_index(self) -> int:
        """The last entry of this node's log, committed or not."""
        return self.replica.last_index

    @property
    def members(self) -> tuple[str, ...]:
        """Voters and learners."""
        return self.replica.members

    @property
    def voters(self) -> tuple[str, ...]:
        """The voters."""
        return self.replica.configuration.voters

    def tend(self, nodes: Sequence[str], policy: Policy, now: Instant) -> None:
        """Change who votes and who learns, one step at a time."""
        self.replica.tend(nodes, policy, now)

    def why_needed(self, name: str, nodes: Collection[str]) -> str:
        """Say so if too few voters would be left, or if one is being removed already."""
        if name not in self.voters:
            return ""
        leaving = [voter for voter in self.voters if voter not in nodes]
        if leaving:
            return f"{leaving[0]} is still being removed: nodes leave one at a time"
        up, needed = self.replica.can_spare(name)
        if up >= needed:
            return ""
        left = len(self.voters) - 1
        return (
            f"of the {left} other nodes that vote {up} are running, and {needed} must be: start "
            "those that are down first"
        )

    def status(self) -> LogStatus:
        """Return how the log is.

        People who stop nodes one by one wait for `ready`. So a node that may not vote or does not
        know a commit of the present term lacks something: with one of the others gone, it might be
        the one that is missing from the majority.
        """
        replica = self.replica
        leader, lack = replica.leader, ""
        if replica.is_voter and not replica.is_sound:
            lack = "its disk lost data, and it may not vote before that is made good"
        elif not replica.has_current_commit:
            lack = "the present leader has not told it of a commit of its own yet"
        fault = None if replica.is_in_touch and leader else NO_MAJORITY
        if replica.divergence is not None:
            fault = ("diverged", describe(replica.divergence))
        commit = self._heard_commit
        return LogStatus(
            leader,
            replica.term,
            replica.last_index,
            commit,
            fault,
            lack,
            is_voter=replica.is_voter,
        )

    def statistics(self) -> Statistics:
        """Return the replica's figures."""
        return self.replica.statistics()

    def propose(self, commands: Sequence[bytes], now: Instant) -> bool:
        """Ask for commands to be appended; see `Replica.propose`."""
        return self.replica.propose(commands, now)

    def receive(self, result: LogResult, now: Instant) -> None:
        """Note that batches are durable."""
        assert isinstance(result, Persisted), "no other engine was asked"
        self.replica.persisted(result.number, now)

    def receive_message(self, peer: str, message: Message, now: Instant) -> None:
        """Handle another replica's message."""
        self.replica.receive(peer, message, now)
        if isinstance(message, AppendRequest):
            is_trusted = self.replica.leader == peer
        else:
            is_trusted = isinstance(message, Feed) and self.replica.source == peer
        if is_trusted and isinstance(message, AppendRequest | Feed):
            self._heard_commit = max(self._heard_commit, message.commit)

    def peer_connected(self, peer: str, now: Instant) -> None:
        """Note that a link to a member is up."""
        self.replica.peer_connected(peer, now)

    def peer_disconnected(self, peer: str, now: Instant) -> None:
        """Note that a link to a member is gone."""
        self.replica.peer_disconnected(peer, now)

    def positions(self) -> tuple[Position, ...]:
        """Return how far each member is known to have been."""
        return self.replica.positions()

    def learn_positions(self, reported: Sequence[Position], now: Instant) -> Position | None:
        """Note what another member knows; return the entry that this disk has forgotten."""
        return self.replica.learn_positions(reported, now)

    def tick(self, now: Instant) -> None:
        """Do what is due."""
        self.replica.tick(now)

    def next_deadline(self) -> float:
        """Return when to call `tick` next, in monotonic seconds."""
        return self.replica.next_deadline()

    def note_version(self, _version: int, /) -> None:
        """Do nothing: nodes that do not speak it get no link."""

    def note_time(self, is_known: bool) -> None:
        """Do not stand for election until then: a leader stamps entries."""
        self.replica.note_time(is_known)

    def hand_over(self, now: Instant) -> None:
        """Hand leadership to the most up-to-date member."""
        self.replica.transfer_leadership(None, now)

    def compact(self, snapshot: Snapshot, first_index: int) -> None:
        """Adopt the snapshot, and have it stored in place of older entries."""
        self._start = None
        stored = self.replica.compact(snapshot, first_index)
        if stored is not None:
            self._compact = Compact(stored, first_index)

    @property
    def has_committed(self) -> bool:
        """Whether entries or a snapshot wait to be handed out."""
        return self.replica.has_committed

    @property
    def has_output(self) -> bool:
        """Whether there may be anything to do."""
        return self.replica.has_output or self._compact is not None

    def take_output(self) -> LogOutput:
        """Return what is to be done, once."""
        output = self.replica.take_output()
        if self.replica.is_leader:
            self._heard_commit = 0
        effects: tuple[LogEffect, ...] = () if output.persist is None else (output.persist,)
        if output.snapshot is None and self._compact is not None:
            effects = (*effects, self._compact)
        # A snapshot to install is newer than one of this turn, and would be obeyed before it.
        self._compact = None
        return LogOutput(effects, output.messages, output.snapshot, output.committed)
