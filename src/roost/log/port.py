"""What a node needs of a log, whichever engine keeps it.

    commands --propose-->  +-----+  take_output: effects for the driver, messages for neighbours,
    what happened  ----->  | Log |  a snapshot to install, entries to apply (in this order)
                           +-----+

A log is a pure part: it is told what has happened and when, and its output says what to do. Its
entries have dense positions, the same on all nodes, and times that never go back. It hands out
only what is durable. A command may be lost before it comes out, and may come out twice.
"""

from collections.abc import Collection, Sequence
from typing import Protocol, TypeAlias

import msgspec

from roost.instant import Instant
from roost.log.requests import EtcdEffect, EtcdResult
from roost.raft.messages import Entry, Message, Persist, Position, Snapshot
from roost.raft.statistics import Statistics
from roost.raft.tending import Policy


class Persisted(msgspec.Struct, frozen=True):
    """All batches up to `number` are durable; the driver has sent their `messages`."""

    number: int
    messages: tuple[tuple[str, Message], ...] = ()


class Compact(msgspec.Struct, frozen=True):
    """Store the snapshot, then drop the log's entries before `first_index`.

    This keeps its place among the batches of `Persist`.
    """

    snapshot: Snapshot
    first_index: int


LogDiskEffect: TypeAlias = Persist | Compact
LogEffect: TypeAlias = LogDiskEffect | EtcdEffect
"""What a log asks the driver for."""
LogResult: TypeAlias = Persisted | EtcdResult
"""What the driver tells a log about that."""


class LogStatus(msgspec.Struct, frozen=True):
    """A log as one node sees it."""

    leader: str
    """The node that has the singular duties; empty while none is known."""
    term: int
    position: int
    """The last entry that this node has, committed or not."""
    commit: int
    """The last entry that others are known to have committed."""
    fault: tuple[str, str] | None
    """Why nothing can be confirmed here: a state in one word, and the reason for people."""
    lack: str
    """Why this node's part of the log is not complete yet; empty if it is."""
    is_kept_by_nodes: bool = True
    """Whether a node that is cut off from most other nodes is cut off from the log."""
    is_voter: bool = True
    """Whether it is one of those that decide what the log says."""


class LogOutput(msgspec.Struct, frozen=True):
    """What a node has to do after a step, in the order of the fields."""

    effects: tuple[LogEffect, ...]
    messages: tuple[tuple[str, Message], ...]
    """To neighbours; they need not wait for the effects."""
    snapshot: Snapshot | None
    """It replaces the whole chat state."""
    committed: tuple[Entry, ...]


class Log(Protocol):
    """A node's end of the log. After each call, or each batch of calls, take the output."""

    @property
    def start(self) -> Snapshot | None:
        """The snapshot that the log began with when it was opened; it need not be kept for long."""

    @property
    def is_kept_by_nodes(self) -> bool:
        """Whether the nodes keep the log themselves, and one of them gives entries their time."""

    @property
    def is_in_charge(self) -> bool:
        """Whether this node has the singular duties: what one node does for all."""

    @property
    def leader(self) -> str:
        """The node that has the singular duties; empty while none is known."""

    @property
    def term(self) -> int:
        """Counts how often the duties have changed hands."""

    @property
    def last_index(self) -> int:
        """The last entry that this node has, committed or not."""

    @property
    def note(self) -> str:
        """What people should know although the log works; empty if there is nothing."""

    @property
    def members(self) -> tuple[str, ...]:
        """The nodes that keep the log together, whether or not they belong to the cluster still."""

    @property
    def voters(self) -> tuple[str, ...]:
        """The nodes of which a majority must be in touch; empty if nodes are not needed for it."""

    def tend(self, nodes: Sequence[str], policy: Policy, now: Instant, /) -> None:
        """Take a step towards a log that these nodes keep, if this one has the singular duties."""

    def why_needed(self, name: str, nodes: Collection[str], /) -> str:
        """Return why a node must not be taken out of the cluster's `nodes` now; empty if it may."""

    def status(self) -> LogStatus:
        """Return how the log is."""

    def statistics(self) -> Statistics:
        """Return figures for metrics."""

    def propose(self, commands: Sequence[bytes], now: Instant, /) -> bool:
        """Ask for commands to be appended in this order.

        Returns False, and does nothing, while that is impossible. True is no promise.
        """

    def receive(self, result: LogResult, now: Instant, /) -> None:
        """Take in what an effect has led to."""

    def receive_message(self, peer: str, message: Message, now: Instant, /) -> None:
        """Take in what a neighbour's log has sent."""

    def peer_connected(self, peer: str, now: Instant, /) -> None:
        """Note that a link to a neighbour is up."""

    def peer_disconnected(self, peer: str, now: Instant, /) -> None:
        """Note that a link to a neighbour is gone."""

    def positions(self) -> tuple[Position, ...]:
        """Return how far nodes are known to have been, to be told to the neighbours."""

    def learn_positions(self, reported: Sequence[Position], now: Instant, /) -> Position | None:
        """Note what a neighbour knows; return the entry that this node has forgotten."""

    def tick(self, now: Instant, /) -> None:
        """Do what is due."""

    def next_deadline(self) -> float:
        """Return when to call `tick` next, in monotonic seconds."""

    def note_version(self, version: int, /) -> None:
        """Keep nodes from the log that do not speak the cluster's version, where that is needed."""

    def note_time(self, is_known: bool, /) -> None:
        """Keep this node from giving entries their time until it knows what clocks say."""

    def hand_over(self, now: Instant, /) -> None:
        """Have another node take the singular duties, if this one has them."""

    def compact(self, snapshot: Snapshot, first_index: int, /) -> None:
        """Adopt the state machine's snapshot; entries before `first_index` need not be kept."""

    @property
    def has_committed(self) -> bool:
        """Whether the next output may have committed entries, or a snapshot."""

    @property
    def has_output(self) -> bool:
        """Whether the next output may be anything but empty, before the next deadline."""

    def take_output(self) -> LogOutput:
        """Return what is to be done, once."""
