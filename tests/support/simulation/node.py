"""A simulated node: the real engine, with a simulated disk, network and clock."""

from collections.abc import Callable
from functools import partial
from typing import cast

import msgspec

from roost.chat.ids import Position
from roost.chat.snapshot import encode_state
from roost.chat.state import State
from roost.chat.versions import VERSION_MIN
from roost.ircd.sessions.outbox import item_size
from roost.log import EmbeddedLog, EtcdLog, LogOutput, Request, Watch
from roost.log.requests import EtcdEffect
from roost.node.engine import applier, inputs, outputs
from roost.node.engine.config import EngineConfig
from roost.node.engine.effects import (
    AddGap,
    AnswerQuery,
    AskArchive,
    Compact,
    DoWork,
    Effect,
    ExportRows,
    FindKept,
    FollowNodes,
    LogEvent,
    MakeSnapshot,
    ReloadConfiguration,
    RememberDrained,
    RememberVersion,
    RepairArchive,
    RetainArchive,
    SendToBalancers,
    SendToPeers,
    SetAside,
    WriteArchive,
)
from roost.node.engine.engine import Engine
from roost.node.engine.inputs import Input
from roost.protocol.mesh import PeerFrame
from roost.protocol.trunk import (
    PROTOCOL_VERSION,
    FromBalancer,
    Hello,
    Neighbours,
    Output,
    Ping,
    Pong,
    Welcome,
)
from roost.raft.messages import Persist, Stored
from roost.raft.replica import Replica
from support.fake_hashing import do_work
from support.simulation.archive import SimulatedArchive
from support.simulation.balancer import CLUSTER
from support.simulation.digests import PART_ITEMS, digest_of
from support.simulation.disk import Archive, HistoryDisk, LogDisk
from support.simulation.effort import effort
from support.simulation.etcd import SimulatedEtcd, etcd_config
from support.simulation.network import SILENCE_S, Network
from support.simulation.world import World

HEARTBEAT_S = 0.25
HASHING_S = 0.05
"""How long hashing a password takes."""
CHANGE_S = 0.003
ARCHIVE_POLL_S = 0.3
QUESTION_S = 0.004
"""How long the history's disk takes."""

SNAPSHOT_S_MAX = 2.0
"""How long a snapshot takes at most: the node goes on, and may crash meanwhile."""
SNAPSHOT_FAILURES = 0.1
"""How often one fails."""


CURRENT = 0
"""The release that is tested, in contrast to `former.FormerEngine`."""


class SavedDisk(msgspec.Struct, frozen=True):
    """A copy of a node's disk."""

    at: float
    """When it was made."""
    log: Stored
    history: HistoryDisk

    @property
    def last(self) -> tuple[int, int]:
        """The term and the index of the last entry."""
        end = self.log.entries[-1] if self.log.entries else self.log.snapshot
        return (0, 0) if end is None else (end.term, end.index)


RENDERED_PER_TURN = 500
"""Lines and names; without faults a turn renders a few dozen, and 267 was the most with them."""


def check_turn(
    applied: int, rendered: int, effects: list[Effect], rendered_max: int = RENDERED_PER_TURN
) -> None:
    """Check that a turn did not do more than a turn may, whatever has happened.

    The virtual clock charges no processor time, so the work itself is counted.
    """
    assert applied <= applier.ENTRIES_PER_TURN
    assert rendered <= rendered_max
    total = 0
    for effect in effects:
        for _, frame in effect.frames if isinstance(effect, SendToBalancers) else ():
            if isinstance(frame, Output):
                size = sum(map(item_size, frame.items))
                assert size <= outputs.OUTPUT_BYTES_MAX + outputs.ITEM_BYTES_MAX
                total += size
    # What was put off, what is applied, and what one session more than that may take.
    assert total <= 3 * outputs.OUTPUT_BYTES_MAX


class RecordingLog(EmbeddedLog):
    """A log that holds what it hands out against what others did: state machine safety."""

    archive: Archive | None = None

    def take_output(self) -> LogOutput:
        output = super().take_output()
        if self.archive is not None:
            for entry in output.committed:
                self.archive.keep(entry)
        return output


class SimulatedNode:
    """A member of the cluster, which can crash, freeze and come back."""

    def __init__(
        self,
        world: World,
        network: Network,
        name: str,
        config: EngineConfig,
        archive: Archive,
        etcd: SimulatedEtcd | None = None,
        history: SimulatedArchive | None = None,
    ) -> None:
        self.name = name
        self.recording: Archive | None = None
        """Where to record all committed entries, and to hold them against what others recorded."""
        self.is_up = False
        self._world = world
        self._network = network
        self.config = config
        self._etcd = etcd
        self._history = history
        self.log_disk = LogDisk(world, (0.0005, 0.004), archive)
        self.history_disk = HistoryDisk()
        self.engine: Engine | None = None
        self.log: EmbeddedLog | EtcdLog
        self.release = CURRENT
        """What is installed: the process has it from its next start on."""
        self._is_former = False
        self._life = 0
        self.skew_ms = world.random.randint(-300, 300)
        """How far the wall clock is ahead of the true time."""
        self._frozen: list[Callable[[], None]] | None = None
        self._next_wake = 0.0
        self.kept: list[SavedDisk] = []
        """What the node has put aside, because the others did not share it."""
        self.digests: dict[int, int] = {}
        self.rendered_max = RENDERED_PER_TURN
        """Lines and names that a turn may render; many people who come in at once take more."""
        self.rendered_most = 0
        """Lines and names that the longest turn has rendered."""
        self.is_digested = True
        """Whether the state is kept in mind at each position, which takes long if it is large."""

    # Life and death

    def start(self) -> None:
        """Start the process with the data on the disk."""
        self._life += 1
        self.is_up = True
        random, now = self._world.random.random, self._world.instant(self.skew_ms)
        history = self.history_disk.state()
        self._is_former = self.release != CURRENT
        if self._is_former:
            from support.simulation.former import FormerEngine

            engine = FormerEngine(self.config, self.log_disk.load(), history, random, now)
            self.engine = cast("Engine", engine)
            self.log = self.engine.log  # type: ignore[assignment]
        elif self._etcd is None:
            self.log = RecordingLog(self.config.raft, self.log_disk.load(), random, now)
            self.log.archive = self.recording
        else:
            etcd = etcd_config(CLUSTER, self.name, self._world.seed)
            known = (history.applied, history.terms[-1][1] if history.terms else 0)
            self.log = EtcdLog(etcd, known, random, now)
        if not self._is_former:
            self.engine = Engine(self.config, self.log, history, random, now)
        self._world.log(f"{self.name} starts")
        # The process knows nobody that it would refuse.
        self._network.follow(self.name, ())
        if self._history is not None:
            self._look_at_archive()
        self._next_wake = float("inf")
        effort.take()
        self._turn()

    def save_disk(self) -> SavedDisk:
        """Return a copy of the disk as it is now."""
        return SavedDisk(self._world.now, self.log_disk.save(), self.history_disk.save())

    def set_back(self, saved: SavedDisk) -> None:
        """Replace the disk of a node that is down by an older copy."""
        assert not self.is_up
        self._world.log(f"{self.name}'s disk is set back to {saved.at:.4f}")
        self.log_disk.set_back(saved.log)
        self.history_disk.set_back(saved.history)
        self.history_disk.crash(self._world.random)

    def crash(self, *, is_disk_lost: bool = False) -> None:
        """Kill the process; unsynced data is lost."""
        self._world.log(f"{self.name} crashes")
        self._end_process()
        if is_disk_lost:
            self.log_disk.wipe()
            self.history_disk.wipe()

    def _end_process(self) -> None:
        self.is_up = False
        self.engine = None
        self._frozen = None
        if self._etcd is not None:
            self._etcd.forget(self.name)
        self.log_disk.crash()
        self.history_disk.crash(self._world.random)
        self._network.reset(self.name)

    def freeze(self) -> None:
        """Stop the process without killing it (SIGSTOP)."""
        if self.is_up and self._frozen is None:
            self._world.log(f"{self.name} freezes")
            frozen: list[Callable[[], None]] = []
            self._frozen = frozen

            def be_missed() -> None:
                if self._frozen is frozen:
                    self._network.fall_silent(self.name)

            self._world.at(SILENCE_S, be_missed)

    @property
    def is_frozen(self) -> bool:
        """Return whether the process is stopped."""
        return self._frozen is not None

    def thaw(self) -> None:
        """Continue a frozen process; it gets everything that came meanwhile."""
        waiting, self._frozen = self._frozen, None
        if waiting is not None:
            self._world.log(f"{self.name} thaws")
            for action in waiting:
                action()

    # Inputs

    def connected(self, peer: str) -> None:
        if peer.startswith("b"):
            speaks = (VERSION_MIN, self.version_max)
            address = f"{self.name}:1"
            hello = Hello(PROTOCOL_VERSION, CLUSTER, self.name, "1", 1, address, 1, speaks)
            self._network.send(self.name, peer, hello)
        else:
            neighbour = self._network.ends[peer]
            assert isinstance(neighbour, SimulatedNode)
            self._take(inputs.PeerConnected(peer, neighbour.version_max))
            self._beat(peer, self._life)

    def disconnected(self, peer: str) -> None:
        is_balancer = peer.startswith("b")
        self._take((inputs.TrunkDisconnected if is_balancer else inputs.PeerDisconnected)(peer))

    @property
    def version_max(self) -> int:
        """The newest version of the cluster that the process speaks."""
        return self.release if self._is_former else self.config.version_max

    def refused(self, peer: str, version: int) -> None:
        # Version 1 does not know of versions.
        if not (version and self._is_former):
            self._take(inputs.PeerRefused(peer, version))

    def _beat(self, peer: str, life: int) -> None:
        """Learn a neighbour's wall clock by heartbeats, as long as the link lives."""

        def beat() -> None:
            if life == self._life and self._network.is_linked(self.name, peer):
                now, neighbour = self._world.now, self._network.ends[peer]
                if not neighbour.is_frozen:
                    assert isinstance(neighbour, SimulatedNode)
                    wall_ms = self._world.instant(neighbour.skew_ms).wall_ms
                    self._take(inputs.ClockMeasured(peer, wall_ms, now - 0.004, now))
                self._world.at(HEARTBEAT_S, beat)

        self._world.at(0.004, beat)

    def receive(self, peer: str, frame: object) -> None:
        if isinstance(frame, Welcome):
            self._take(inputs.TrunkConnected(frame))
        elif isinstance(frame, Ping):
            self._do(partial(self._network.send, self.name, peer, Pong(frame.nonce)))
        elif isinstance(frame, Neighbours):
            # Simulated nodes know their neighbours.
            pass
        elif peer.startswith("b"):
            self._take(inputs.TrunkFrameReceived(peer, cast("FromBalancer", frame)))
        else:
            self._take(inputs.PeerFrameReceived(peer, cast("PeerFrame", frame)))

    def _take(self, event: Input) -> None:
        """Give the engine an input: now, or when the process is thawed."""
        self._do(partial(self._feed, event))

    def _feed(self, event: Input | None) -> None:
        if event is None:
            return
        if isinstance(event, inputs.Persisted):
            for peer, message in event.messages:
                self._network.send(self.name, peer, message)
        self.mind.receive(event, self._world.instant(self.skew_ms))

    def _do(self, action: Callable[[], None]) -> None:
        life = self._life

        def act() -> None:
            if self.engine is None or life != self._life:
                return
            if self._frozen is not None:
                self._frozen.append(act)
                return
            effort.take()
            action()
            is_due = self.engine.next_deadline() <= self._world.now
            is_needed = self._is_former or is_due or self.engine.needs_turn
            done = self._turn()
            assert is_needed or not done, f"a driver would not have done {done}"

        act()

    # Outputs

    def _turn(self) -> list[Effect]:
        assert self.engine is not None
        applied, base = self.engine.state.position, self.engine.state
        effects = self.engine.take_effects()
        rendered = effort.take()
        if self.engine.state is base:
            self.rendered_most = max(self.rendered_most, rendered)
            check_turn(self.engine.state.position - applied, rendered, effects, self.rendered_max)
        jobs = [effect for effect in effects if isinstance(effect, Persist | Compact)]
        if jobs:
            # One write for all of them, like the group committer's.
            self.log_disk.submit(jobs, self._take)
        for effect in effects:
            self._obey(effect)
        position = self.engine.state.position
        if self.is_digested and position not in self.digests:
            self.digests[position] = digest_of(
                self._encode(self.engine.state), is_former=self._is_former
            )
        self._wake_at(self.engine.next_deadline())
        return effects

    def _encode(self, state: State) -> bytes:
        """Return a state as the process's release encodes it."""
        if not self._is_former:
            return encode_state(state, PART_ITEMS)
        from support.simulation.former import encode_former_state

        return encode_former_state(state, PART_ITEMS)

    def _wake_at(self, deadline: float) -> None:
        if deadline >= self._next_wake and self._next_wake > self._world.now:
            return
        self._next_wake = deadline
        life = self._life

        def wake() -> None:
            if life == self._life and self._next_wake == deadline:
                self._next_wake = float("inf")
                self._take(inputs.Tick())

        self._world.at(max(deadline - self._world.now, 0.0005), wake)

    def _obey(self, effect: Effect) -> None:
        match effect:
            case Persist() | Compact() | RememberDrained() | RememberVersion():
                # The log's effects were submitted above; a restarted node is not drained.
                pass
            case FollowNodes(nodes, _, version):
                self._network.follow(self.name, nodes, version)
            case SendToPeers(frames) | SendToBalancers(frames):
                for peer, frame in frames:
                    self._network.send(self.name, peer, frame)
            case LogEvent(_, event, fields):
                self._world.log(f"{self.name} {event} {fields}")
            case DoWork(ticket, work):
                self._later(HASHING_S, lambda: inputs.WorkDone(ticket, do_work(work)))
            case AddGap():
                self.history_disk.change(effect)
            case Request() | Watch():
                self._ask_etcd(effect)
            case AskArchive() | WriteArchive() | RepairArchive() | RetainArchive():
                assert self._history is not None
                self._history.obey(effect, self._later)
            case AnswerQuery() | ExportRows() | FindKept():
                self._later(QUESTION_S, partial(self.history_disk.answer, effect))
            case MakeSnapshot(position, state):
                data = self._encode(state)
                self._later(
                    self._world.random.uniform(0.0, SNAPSHOT_S_MAX),
                    partial(self._end_snapshot, position, data),
                )
            case SetAside(reason):
                self._world.log(f"{self.name} puts its data aside: {reason}")
                self._world.at(CHANGE_S, self._begin_anew)
            case ReloadConfiguration():
                raise AssertionError("nobody reconfigures a node here")
            case _:
                self._later(CHANGE_S, partial(self.history_disk.change, effect))

    def _begin_anew(self) -> None:
        """Start without the data, which is kept."""
        self.kept.append(self.save_disk())
        self._end_process()
        names = tuple(f"diverged-{number}" for number in range(1, len(self.kept) + 1))
        self.config = msgspec.structs.replace(self.config, kept_aside=names)
        self.log_disk.put_aside()
        self.history_disk.wipe()
        self.start()

    def _end_snapshot(self, position: Position, data: bytes) -> Input:
        if self._world.random.random() < SNAPSHOT_FAILURES:
            return inputs.SnapshotFailed(position, "simulated")
        return inputs.SnapshotMade(position, data)

    def _look_at_archive(self) -> None:
        """Tell the engine what the archive holds, again and again."""
        assert self._history is not None
        if self._history.is_up:
            self._later(0.0, partial(inputs.ArchiveSeen, self._history.state))
        else:
            self._later(0.0, partial(inputs.ArchiveFailed, "it is down"))
        life = self._life

        def again() -> None:
            if life == self._life:
                self._look_at_archive()

        self._world.at(ARCHIVE_POLL_S, again)

    def _ask_etcd(self, effect: EtcdEffect) -> None:
        assert self._etcd is not None
        life = self._life

        def tell(result: Input) -> None:
            if life == self._life:
                self._take(result)

        self._etcd.ask(self.name, effect, tell)

    def _later(self, seconds: float, work: Callable[[], Input | None]) -> None:
        life = self._life

        def act() -> None:
            if life == self._life:
                self._do(lambda: self._feed(work()))

        self._world.at(seconds, act)

    @property
    def position(self) -> Position:
        """The last position that this node has applied."""
        return self.engine.state.position if self.engine else Position(0)

    @property
    def replica(self) -> Replica:
        """The consensus part of a running node."""
        assert self.engine is not None, f"{self.name} is down"
        assert isinstance(self.log, EmbeddedLog)
        return self.log.replica

    @property
    def mind(self) -> Engine:
        """Return the engine of a running node."""
        assert self.engine is not None, f"{self.name} is down"
        return self.engine
