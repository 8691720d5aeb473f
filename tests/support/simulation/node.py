"""A simulated node: the real engine, with a simulated disk and wires for its driver."""

from collections.abc import Callable
from typing import cast

from roost.chat.history import Page
from roost.chat.ids import Position
from roost.chat.snapshot import encode_state
from roost.instant import Instant
from roost.node.engine.effects import Compaction, EngineOutput
from roost.node.engine.engine import Engine, EngineConfig
from roost.protocol.mesh import PeerFrame
from roost.protocol.trunk import (
    PROTOCOL_VERSION,
    FromBalancer,
    Hello,
    Neighbours,
    Ping,
    Pong,
    Welcome,
)
from roost.raft.messages import Persist
from support.fake_hashing import do_work
from support.simulation.balancer import CLUSTER
from support.simulation.disk import Archive, HistoryDisk, LogDisk
from support.simulation.network import SILENCE_S, Network
from support.simulation.world import World

HASHING_S = 0.05
"""How long a password's hash takes."""


class SimulatedNode:
    """One member of the cluster, which can crash, freeze and come back."""

    def __init__(
        self, world: World, network: Network, name: str, config: EngineConfig, archive: Archive
    ) -> None:
        self.name = name
        self.is_up = False
        self._world = world
        self._network = network
        self._config = config
        self.log_disk = LogDisk(world, (0.0005, 0.004), archive)
        self.history_disk = HistoryDisk()
        self.engine: Engine | None = None
        self._life = 0
        self._skew_ms = world.random.randint(-3000, 3000)
        self._frozen: list[Callable[[], None]] | None = None
        self._next_wake = 0.0
        self.digests: dict[int, int] = {}

    # Life and death

    def start(self) -> None:
        """Start the process on what the disk holds."""
        self._life += 1
        self.is_up = True
        self.engine = Engine(
            self._config,
            self.log_disk.load(),
            self.history_disk.state(),
            self._world.random.random,
            self._world.instant(self._skew_ms),
        )
        self._world.log(f"{self.name} starts")
        self._next_wake = float("inf")
        self._turn()

    def crash(self, *, is_disk_lost: bool = False) -> None:
        """Kill the process; what was not synced is lost."""
        self._world.log(f"{self.name} crashes")
        self.is_up = False
        self.engine = None
        self._frozen = None
        self.log_disk.crash()
        self.history_disk.crash(self._world.random)
        if is_disk_lost:
            self.log_disk.wipe()
            self.history_disk.wipe()
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
        """Whether the process is stopped."""
        return self._frozen is not None

    def thaw(self) -> None:
        """Let a frozen process go on; what came meanwhile comes now."""
        waiting, self._frozen = self._frozen, None
        if waiting is not None:
            self._world.log(f"{self.name} thaws")
            for action in waiting:
                action()

    # Inputs

    def connected(self, peer: str) -> None:
        if peer.startswith("b"):
            hello = Hello(PROTOCOL_VERSION, CLUSTER, self.name, "1", 1, f"{self.name}:1", 1)
            self._network.send(self.name, peer, hello)
        else:
            self._do(lambda engine, now: engine.peer_connected(peer, now))

    def disconnected(self, peer: str) -> None:
        if peer.startswith("b"):
            self._do(lambda engine, now: engine.trunk_disconnected(peer, now))
        else:
            self._do(lambda engine, now: engine.peer_disconnected(peer, now))

    def receive(self, peer: str, frame: object) -> None:
        if isinstance(frame, Welcome):
            self._do(lambda engine, now: engine.trunk_connected(frame, now))
        elif isinstance(frame, Ping):
            nonce = frame.nonce
            self._do(lambda engine, now: self._network.send(self.name, peer, Pong(nonce)))
        elif isinstance(frame, Neighbours):
            # Who the neighbours are is settled here.
            pass
        elif peer.startswith("b"):
            heard = cast("FromBalancer", frame)
            self._do(lambda engine, now: engine.receive_trunk(peer, heard, now))
        else:
            self._do(lambda engine, now: engine.receive_peer(peer, cast("PeerFrame", frame), now))

    def _do(self, action: Callable[[Engine, Instant], None]) -> None:
        life = self._life

        def act() -> None:
            if self.engine is None or life != self._life:
                return
            if self._frozen is not None:
                self._frozen.append(act)
                return
            action(self.engine, self._world.instant(self._skew_ms))
            self._turn()

        act()

    # Outputs

    def _turn(self) -> None:
        assert self.engine is not None
        output = self.engine.take_output()
        self._obey(output)
        position = self.engine.state.position
        if position not in self.digests:
            self.digests[position] = hash(encode_state(self.engine.state))
        self._wake_at(self.engine.next_deadline())

    def _wake_at(self, deadline: float) -> None:
        if deadline >= self._next_wake and self._next_wake > self._world.now:
            return
        self._next_wake = deadline
        life = self._life

        def wake() -> None:
            if life == self._life and self._next_wake == deadline:
                self._next_wake = float("inf")
                self._do(lambda engine, now: engine.tick(now))

        self._world.at(max(deadline - self._world.now, 0.0005), wake)

    def _obey(self, output: EngineOutput) -> None:
        jobs: list[Persist | Compaction] = [*output.persist, *output.compactions]
        if jobs:
            self.log_disk.submit(jobs, self._persisted)
        for peer, frame in output.to_peers:
            self._network.send(self.name, peer, frame)
        for balancer, trunk_frame in output.to_balancers:
            self._network.send(self.name, balancer, trunk_frame)
        for gap in output.gaps:
            self.history_disk.add_gap(gap)
        for write in output.history:
            self._later(
                0.003,
                lambda write=write: self.history_disk.write(write),  # type: ignore[misc]
                lambda engine, now, write=write: engine.history_written(write.applied, now),
            )
        for ticket, query in output.queries:
            assert isinstance(query, Page), "the simulation asks for pages only"
            self._later(
                0.004,
                lambda: None,
                lambda engine, now, ticket=ticket, query=query: engine.answered(
                    ticket, self.history_disk.answer(query), now
                ),
            )
        for export in output.exports:
            self._later(
                0.004,
                lambda: None,
                lambda engine, now, export=export: engine.exported(
                    export.ticket,
                    self.history_disk.export(export.first, export.last),
                    export.last,
                    (),
                    now,
                ),
            )
        for effect in output.imports:
            self._later(
                0.004,
                lambda effect=effect: self.history_disk.put(effect),  # type: ignore[misc]
                lambda engine, now, effect=effect: engine.imported(effect.ticket, effect.last, now),
            )
        for ticket, job in output.jobs:
            self._later(
                HASHING_S,
                lambda: None,
                lambda engine, now, ticket=ticket, job=job: engine.job_done(
                    ticket, do_work(job), now
                ),
            )
        for note in output.notes:
            self._world.log(f"{self.name} {note.event} {note.fields}")

    def _later(self, seconds: float, work: Callable[[], None], then: Callable[..., None]) -> None:
        life = self._life

        def act() -> None:
            if life == self._life and self.engine is not None:
                work()
                self._do(then)

        self._world.at(seconds, act)

    def _persisted(self, batches: list[Persist]) -> None:
        if not batches:
            return

        def act(engine: Engine, now: Instant) -> None:
            for batch in batches:
                for peer, message in batch.messages:
                    self._network.send(self.name, peer, message)
            engine.persisted(batches[-1].number, now)

        self._do(act)

    @property
    def position(self) -> Position:
        """How far this node has applied."""
        return self.engine.state.position if self.engine else Position(0)

    @property
    def mind(self) -> Engine:
        """The engine of a node that is up."""
        assert self.engine is not None, f"{self.name} is down"
        return self.engine
