"""The log in an etcd cluster, as one node sees it; a `roost.log.port.Log`.

    propose --> Writing --+                              +--> Reading --> entries, snapshots
                          +--> Calls --> etcd --watch -->+
    Duty, Archive --------+

Nothing comes out that etcd has not committed, so that what clients see is durable on a majority of
etcd's members. The nodes themselves have no votes: they come and go, and one is enough.
"""

from collections.abc import Callable, Collection, Sequence

import msgspec

from roost.chat.versions import VERSION, VERSION_MIN
from roost.instant import Instant
from roost.log.etcd import faults
from roost.log.etcd.archive import Archive
from roost.log.etcd.calls import SLOW_MS, Calls
from roost.log.etcd.duty import Duty
from roost.log.etcd.forwarding import FORWARD_ABOVE, FORWARD_VERSION
from roost.log.etcd.reading import Reading
from roost.log.etcd.records import Keys
from roost.log.etcd.writing import Writing
from roost.log.port import LogOutput, LogResult, LogStatus
from roost.log.requests import Answer, Refusal, Watched, WatchEnded
from roost.raft.messages import Message, Position, ProposeRequest, Snapshot
from roost.raft.statistics import Statistics
from roost.raft.tending import Policy

DEFAULT_PREFIX = "/roost/"
RUNS = 2**53
"""So many names of runs: as many as a random number can tell apart."""


class EtcdConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where a node's log is.

    Raises:
        ValueError: a value is out of its range; the text names the key.
    """

    cluster: str
    node: str
    endpoints: int
    """How many there are."""
    prefix: str = DEFAULT_PREFIX
    """Of all keys."""
    versions: tuple[int, int] = (VERSION_MIN, VERSION)
    """The oldest and the newest version of the cluster that this node speaks."""
    forward_above: float = FORWARD_ABOVE
    """Commands a second from which on the holder of the duty writes those of all nodes."""

    def __post_init__(self) -> None:
        if self.endpoints < 1:
            raise ValueError("endpoints must name at least one member of the etcd cluster")
        if not self.prefix.endswith("/"):
            raise ValueError(f"prefix must end with a slash, not {self.prefix!r}")


class EtcdLog:
    """A node's end of the log in etcd."""

    def __init__(
        self, config: EtcdConfig, known: tuple[int, int], random: Callable[[], float], now: Instant
    ) -> None:
        """`known` is the last position that this node's history has, and its term.

        `random` returns numbers in [0, 1) that other runs of the node did not get.
        """
        keys, run = Keys(config.prefix), f"{int(random() * RUNS):x}"
        self._config = config
        self._known = known
        self._calls = Calls(config.endpoints, int(random() * config.endpoints))
        self._calls.now = now.monotonic
        self._wall_ms = now.wall_ms
        self._duty = Duty(keys, config.node, self._calls)
        self._writing = Writing(keys, config.node, self._calls, self._duty, config.forward_above)
        self._reading = Reading(
            keys,
            config.node,
            config.cluster,
            run,
            self._calls,
            self._writing,
            known[0],
            config.versions,
        )
        self._archive = Archive(keys, self._calls, self._duty)
        self._has_time = False
        """Whether this node may give commands their time: it has proposed some of its own."""
        self._final: tuple[str, str] | None = None
        """What only people can mend; nothing is done any more."""
        self._opened_at = now.monotonic
        self._reading.open()

    @property
    def start(self) -> Snapshot | None:
        """None: the state comes from etcd."""
        return None

    @property
    def is_kept_by_nodes(self) -> bool:
        """No: each node gives what it writes its time."""
        return False

    @property
    def is_in_charge(self) -> bool:
        """Whether this node holds the lease, and knows the whole log."""
        return self._duty.is_held and self._reading.is_caught_up and self._final is None

    @property
    def leader(self) -> str:
        """The holder of the lease."""
        return self._duty.leader

    @property
    def term(self) -> int:
        """The epoch, which is raised when an older backup is accepted."""
        return self._reading.epoch

    @property
    def last_index(self) -> int:
        """The last position that was read."""
        return self._reading.fold.place.index

    @property
    def members(self) -> tuple[str, ...]:
        """None: the nodes do not keep it."""
        return ()

    @property
    def voters(self) -> tuple[str, ...]:
        """None: the nodes do not keep it."""
        return ()

    def tend(self, nodes: Sequence[str], policy: Policy, now: Instant, /) -> None:
        """Do nothing: nodes come and go freely."""

    def why_needed(self, _name: str, _nodes: Collection[str], /) -> str:
        """Return nothing: nodes come and go freely."""
        return ""

    def status(self) -> LogStatus:
        """Return how the log is."""
        lack = "" if self._reading.is_caught_up else "it reads the log from etcd"
        index = self.last_index
        return LogStatus(
            self.leader, self.term, index, index, self._fault(), lack, is_kept_by_nodes=False
        )

    def _fault(self) -> tuple[str, str] | None:
        calls = self._calls
        if self._final is not None:
            return self._final
        if calls.is_full:
            return faults.FULL
        if calls.is_denied:
            return faults.denied(calls.failure)
        if not calls.is_in_touch():
            return faults.unavailable(calls.failure)
        return None

    @property
    def note(self) -> str:
        """What people should know although the log works; empty if there is nothing."""
        latency_ms = self._calls.latency_ms
        return f"etcd is slow: it takes {latency_ms:.0f} ms" if latency_ms > SLOW_MS else ""

    @property
    def stored_snapshots(self) -> int:
        """How many snapshots this node has stored in etcd."""
        return self._archive.stored_count

    def statistics(self) -> Statistics:
        """Return figures; what only Raft has is 0."""
        index = self.last_index
        return Statistics(
            role="leader" if self.is_in_charge else "follower",
            term=self.term,
            leader=self.leader,
            first_index=0,
            last_index=index,
            durable_index=index,
            commit_index=index,
            log_bytes=0,
            is_barred=False,
            elections_started=0,
            elections_won=0,
            snapshots_installed=self._reading.loaded_count,
        )

    def propose(self, commands: Sequence[bytes], now: Instant) -> bool:
        """Queue commands for the next batch, of this node or of the one that writes for all."""
        self._set_now(now)
        if self._final is not None or not self._reading.is_caught_up:
            return False
        self._has_time = True
        return self._writing.propose(commands, self._writer())

    def _writer(self) -> str:
        """Return the other node that is to write what comes now; empty if it is this one."""
        holder = self._duty.leader
        if holder == self._config.node or self._reading.format < FORWARD_VERSION:
            return ""
        return holder if self._writing.forwarding.is_wanted(holder) else ""

    def receive(self, result: LogResult, now: Instant) -> None:
        """Take in what etcd says."""
        self._set_now(now)
        if self._final is not None:
            return
        match result:
            case Answer():
                self._calls.answered(result)
                self._writing.take_back(self._writing.forwarding.held_by(self._duty.leader))
            case Refusal():
                self._calls.refused(result)
            case Watched():
                self._reading.watched(result)
            case WatchEnded():
                self._reading.watch_ended(result)
            case _:
                raise AssertionError("nothing was given to the disk")
        self._look()

    def receive_message(self, peer: str, message: Message, now: Instant) -> None:
        """Take what a neighbour has this node write, or gives back."""
        self._set_now(now)
        if not isinstance(message, ProposeRequest):
            # It must have another engine.
            return
        writing, commands = self._writing, message.commands
        if message.is_returned:
            writing.take_back(writing.forwarding.returned(commands))
        elif not (self.is_in_charge and self._has_time and writing.propose_for(peer, commands)):
            writing.forwarding.give_back(peer, commands)

    def peer_connected(self, peer: str, now: Instant) -> None:
        """Note that this neighbour can be given commands."""
        self._set_now(now)
        self._writing.forwarding.connected(peer)

    def peer_disconnected(self, peer: str, now: Instant) -> None:
        """Write what this neighbour was given."""
        self._set_now(now)
        self._writing.take_back(self._writing.forwarding.disconnected(peer))

    def positions(self) -> tuple[Position, ...]:
        """Return nothing: no node has a vote."""
        return ()

    def learn_positions(self, _reported: Sequence[Position], _now: Instant, /) -> Position | None:
        """Learn nothing: no node has a vote."""
        return None

    def tick(self, now: Instant) -> None:
        """Do what is due."""
        self._set_now(now)
        if self._final is None:
            self._calls.tick()
            self._duty.tick()
            self._reading.tick()
            self._writing.take_back(self._writing.forwarding.overdue())
            self._look()

    def next_deadline(self) -> float:
        """Return when to call `tick` next, in monotonic seconds."""
        if self._final is not None:
            return float("inf")
        return min(
            self._calls.next_deadline(),
            self._duty.next_deadline(),
            self._reading.next_deadline(),
            self._writing.forwarding.next_deadline(),
            self._writing.next_deadline(),
        )

    def note_version(self, version: int) -> None:
        """Write the version beside the cluster's name."""
        self._reading.note_version(version)

    def note_time(self, _is_known: bool) -> None:
        """Do nothing: the engine proposes nothing before the clocks have agreed."""

    def hand_over(self, now: Instant) -> None:
        """Give up the lease."""
        self._set_now(now)
        self._duty.give_up()

    def compact(self, snapshot: Snapshot, _first_index: int, /) -> None:
        """Store the snapshot in etcd, if this node has the duty to."""
        self._archive.store(snapshot, self._reading.fold, self._writing.incarnation)

    @property
    def has_committed(self) -> bool:
        """Whether anything was read: what comes from etcd is committed."""
        return self._reading.has_entries

    @property
    def has_output(self) -> bool:
        """Whether anything was read, or is to be asked or told."""
        reading, writing = self._reading, self._writing
        return (
            reading.has_entries
            or self._calls.has_requests
            or writing.is_batch_next
            or writing.forwarding.has_messages
            or reading.is_watch_due
        )

    def take_output(self) -> LogOutput:
        """Return what is to be done, once."""
        if self._final is None:
            epoch = self._reading.epoch
            if self.is_in_charge and 0 < self._reading.fold.place.term < epoch:
                self._writing.mark(epoch, self._wall_ms)
            self._writing.flush(epoch, self._wall_ms)
        snapshot, entries, watches = self._reading.take()
        messages = self._writing.forwarding.take_messages()
        return LogOutput((*self._calls.take_requests(), *watches), messages, snapshot, entries)

    def _set_now(self, now: Instant) -> None:
        self._calls.now = now.monotonic
        self._wall_ms = now.wall_ms

    def _look(self) -> None:
        """Look whether something happened that only people can mend."""
        self._final = self._find_final()
        if self._final is not None:
            self._calls.drop()

    def _find_final(self) -> tuple[str, str] | None:
        calls, reading, config = self._calls, self._reading, self._config
        if reading.foreign:
            return faults.foreign(config.prefix, reading.foreign, config.cluster)
        if reading.outdated:
            return faults.outdated(reading.outdated, config.versions)
        if reading.damage:
            return faults.damaged(reading.damage)
        if calls.is_other:
            return faults.OTHER
        if self._writing.is_superseded:
            return faults.superseded(config.node)
        where = ""
        if calls.went_back:
            where = f"at revision {calls.went_back}, and was at {calls.revision}"
        elif self._writing.is_gone:
            where = "without what this node wrote"
        elif reading.is_caught_up:
            (index, term), self._known = self._known, (0, 0)
            here = reading.fold.place.index
            if here < index and reading.epoch <= term:
                where = f"at position {here}, and was at {index}"
        return faults.set_back(where, config.prefix, reading.epoch) if where else None
