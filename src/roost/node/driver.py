"""Feeds the engine and obeys it, once per turn of the event loop.

    mesh, trunks, store, hasher, timer --> engine --> take_output --> store, mesh, trunks, hasher

Everything that comes within one turn of the loop is one step of the engine, so that under load one
log write, one frame per neighbour and one per balancer carry what many clients did. Nothing here
decides anything.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol, TypeVar

import msgspec
import structlog

from roost.chat.history import Answer, Query, Row
from roost.chat.ids import Position
from roost.ircd.sessions.work import Outcome, Work
from roost.node.engine.effects import (
    Compaction,
    EngineOutput,
    Export,
    GapAdd,
    HistoryWrite,
    Import,
)
from roost.node.engine.engine import Engine
from roost.ops import clock
from roost.protocol import mesh
from roost.protocol import trunk as frames
from roost.protocol.mesh import PeerFrame
from roost.protocol.trunk import FromBalancer, Hello, Neighbour, Welcome
from roost.raft.messages import Persist

_logger = structlog.get_logger()

TIMER_S_MIN = 0.001
"""The event loop's own resolution; a shorter wait would spin."""
TIMER_S_MAX = 60.0
"""A deadline further away than this is looked at again then."""
LAG_INTERVAL_S = 0.1
LAG_WEIGHT = 0.1
"""How much one measurement counts: the average is over about a second."""
STOP_POLL_S = 0.01

FrameT = TypeVar("FrameT")


class Store(Protocol):
    """The disk, as the driver uses it; it calls the driver back on the loop's own thread."""

    def persist(self, batch: Persist) -> None:
        """Make a batch durable, in order; then call `persisted`."""

    def compact(self, compaction: Compaction) -> None:
        """Store a snapshot and drop what it replaces, in order with the batches."""

    def add_gap(self, gap: GapAdd) -> None:
        """Remember missing history."""

    def write_history(self, write: HistoryWrite) -> None:
        """Store rows; then call `history_written`."""

    def ask(self, ticket: int, query: Query) -> None:
        """Answer a question; then call `answered`, `answer_corrupt` or `answer_failed`."""

    def export(self, export: Export) -> None:
        """Read rows for a neighbour; then call `exported`."""

    def put(self, effect: Import) -> None:
        """Store a neighbour's rows; then call `imported`."""


class Worker(Protocol):
    """Who does slow work, and calls back on the loop's own thread."""

    def submit(self, work: Work, done: Callable[[Outcome], None]) -> None:
        """Do the work, then call `done` with its outcome."""


class Outlet(Protocol):
    """Where frames go: the mesh, or the trunks."""

    def send(self, name: str, bodies: Iterable[bytes]) -> None:
        """Send encoded frames to one peer, or nowhere when it is not there."""


class DriverStatistics(msgspec.Struct, frozen=True):
    """What a driver has done since it started."""

    turns: int
    frames_from_peers: int
    frames_from_balancers: int
    frames_to_peers: int
    frames_to_balancers: int
    lag_ms: float


class Driver:
    """The engine's hands and ears."""

    def __init__(
        self,
        engine: Engine,
        hello: Callable[[], Hello],
        learn: Callable[[tuple[Neighbour, ...]], None],
        remember_drained: Callable[[bool], None],
        hasher: Worker,
        reload: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._hello = hello
        self._learn = learn
        self._remember_drained = remember_drained
        self._hasher = hasher
        self._reload = reload
        self._loop = asyncio.get_running_loop()
        self._store: Store | None = None
        self._mesh: Outlet | None = None
        self._trunks: Outlet | None = None
        self._is_turn_due = False
        self._is_running = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        self._lag_timer: asyncio.TimerHandle | None = None
        self._lag_ms = 0.0
        self._turns = 0
        self._peer_frames = [0, 0]
        self._balancer_frames = [0, 0]

    # Life

    def start(self, store: Store, mesh_outlet: Outlet, trunk_outlet: Outlet) -> None:
        """Begin to turn; before this every input is only taken note of."""
        self._store = store
        self._mesh = mesh_outlet
        self._trunks = trunk_outlet
        self._is_running = True
        self._is_turn_due = False
        self._schedule()
        self._measure_lag(None)

    async def leave(self, seconds_max: float, is_alone: Callable[[], bool]) -> None:
        """Have the clients moved to other nodes; wait until they are, in vain, or `is_alone`."""
        deadline = clock.monotonic() + seconds_max
        self._engine.leave(clock.now())
        self._schedule()
        while True:
            is_over = clock.monotonic() >= deadline
            if is_over or is_alone() or not self._engine.session_count:
                return
            await asyncio.sleep(STOP_POLL_S)

    async def hand_over(self, is_alone: Callable[[], bool]) -> None:
        """Give leadership away, and wait until that is done, in vain, or `is_alone`."""
        self._engine.stop(clock.now())
        self._schedule()
        while not self._engine.is_stopped and not is_alone():
            await asyncio.sleep(STOP_POLL_S)
            self._tick()

    def end(self) -> None:
        """Turn no more; inputs and callbacks that still come are ignored."""
        self._is_running = False
        for timer in (self._timer, self._lag_timer):
            if timer is not None:
                timer.cancel()

    def statistics(self) -> DriverStatistics:
        """Count what was done."""
        return DriverStatistics(
            turns=self._turns,
            frames_from_peers=self._peer_frames[0],
            frames_from_balancers=self._balancer_frames[0],
            frames_to_peers=self._peer_frames[1],
            frames_to_balancers=self._balancer_frames[1],
            lag_ms=self._lag_ms,
        )

    # From the mesh

    @property
    def last_index(self) -> int:
        """The last entry in this node's log."""
        return self._engine.replica.last_index

    def peer_connected(self, name: str) -> None:
        """A link is up."""
        self._engine.peer_connected(name, clock.now())
        self._schedule()

    def peer_disconnected(self, name: str) -> None:
        """A link is gone."""
        self._engine.peer_disconnected(name, clock.now())
        self._schedule()

    def receive_peer(self, name: str, frame: PeerFrame) -> None:
        """A neighbour has sent something."""
        self._peer_frames[0] += 1
        self._engine.receive_peer(name, frame, clock.now())
        self._schedule()

    def set_round_trip(self, name: str, milliseconds: float) -> None:
        """A heartbeat was answered."""
        self._engine.set_round_trip(name, milliseconds)

    # From the trunks

    def hello(self) -> Hello:
        """Make this node's greeting to a balancer."""
        return self._hello()

    def trunk_connected(self, welcome: Welcome) -> None:
        """A trunk is up."""
        self._engine.trunk_connected(welcome, clock.now())
        self._schedule()

    def trunk_disconnected(self, balancer: str) -> None:
        """A trunk is gone."""
        self._engine.trunk_disconnected(balancer, clock.now())
        self._schedule()

    def receive_trunk(self, balancer: str, frame: FromBalancer) -> None:
        """A balancer has sent something."""
        self._balancer_frames[0] += 1
        self._engine.receive_trunk(balancer, frame, clock.now())
        self._schedule()

    def learn_neighbours(self, neighbours: tuple[Neighbour, ...]) -> None:
        """A balancer said which nodes there are."""
        self._learn(neighbours)

    # From the store

    def persisted(self, batches: Sequence[Persist]) -> None:
        """These batches are durable: what waited for that may leave now."""
        if not self._is_running or not batches:
            return
        waiting = [message for batch in batches for message in batch.messages]
        self._send_to_peers(waiting)
        self._engine.persisted(batches[-1].number, clock.now())
        self._schedule()

    def storage_failed(self, reason: str) -> None:
        """The disk takes nothing at the moment."""
        self._engine.storage_failed(reason, clock.now())
        self._schedule()

    def storage_recovered(self) -> None:
        """The disk works again."""
        self._engine.storage_recovered(clock.now())
        self._schedule()

    def history_written(self, applied: Position) -> None:
        """History is stored up to here."""
        self._engine.history_written(applied, clock.now())
        self._schedule()

    def answered(self, ticket: int, answer: Answer) -> None:
        """A question is answered."""
        self._engine.answered(ticket, answer, clock.now())
        self._schedule()

    def answer_corrupt(self, ticket: int, positions: tuple[Position, ...]) -> None:
        """A question met damaged rows."""
        self._engine.answer_corrupt(ticket, positions, clock.now())
        self._schedule()

    def answer_failed(self, ticket: int, reason: str) -> None:
        """A question could not be answered."""
        self._engine.answer_failed(ticket, reason, clock.now())
        self._schedule()

    def exported(
        self,
        ticket: int,
        rows: tuple[Row, ...],
        covered: Position,
        missing: tuple[Position, ...],
    ) -> None:
        """Rows for a neighbour are read."""
        self._engine.exported(ticket, rows, covered, missing, clock.now())
        self._schedule()

    def imported(self, ticket: int, last: Position) -> None:
        """A neighbour's rows are stored."""
        self._engine.imported(ticket, last, clock.now())
        self._schedule()

    # From the threads that hash

    def job_done(self, ticket: int, outcome: Outcome) -> None:
        """Slow work is done, or could not be."""
        self._engine.job_done(ticket, outcome, clock.now())
        self._schedule()

    # The turn

    def _schedule(self) -> None:
        if not self._is_turn_due and self._is_running:
            self._is_turn_due = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._is_turn_due = False
        if not self._is_running:
            return
        self._turns += 1
        self._obey(self._engine.take_output())
        self._arm()

    def _obey(self, output: EngineOutput) -> None:
        store = self._store
        assert store is not None, "a turn before the start"
        for note in output.notes:
            getattr(_logger, note.level)(note.event, **note.fields)
        for batch in output.persist:
            store.persist(batch)
        self._send_to_peers(output.to_peers)
        if output.to_balancers:
            assert self._trunks is not None
            bodies = _encode_once(output.to_balancers, frames.encode)
            self._balancer_frames[1] += len(output.to_balancers)
            for name, list_of_bodies in bodies.items():
                self._trunks.send(name, list_of_bodies)
        for gap in output.gaps:
            store.add_gap(gap)
        for write in output.history:
            store.write_history(write)
        for compaction in output.compactions:
            store.compact(compaction)
        for ticket, query in output.queries:
            store.ask(ticket, query)
        for export in output.exports:
            store.export(export)
        for effect in output.imports:
            store.put(effect)
        for ticket, work in output.jobs:
            self._hasher.submit(work, partial(self.job_done, ticket))
        if output.drained is not None:
            self._remember_drained(output.drained)
        if output.is_rehash_due:
            self._reload()

    def _send_to_peers(self, messages: Sequence[tuple[str, PeerFrame]]) -> None:
        if not messages:
            return
        assert self._mesh is not None, "a turn before the start"
        self._peer_frames[1] += len(messages)
        for name, bodies in _encode_once(messages, mesh.encode).items():
            self._mesh.send(name, bodies)

    # Time

    def _arm(self) -> None:
        """Have the timer go off at the engine's next deadline, or before."""
        deadline = self._engine.next_deadline()
        if self._timer is not None:
            if self._timer_at <= deadline:
                return
            self._timer.cancel()
        wait = deadline - clock.monotonic()
        wait = min(max(wait, TIMER_S_MIN), TIMER_S_MAX)
        self._timer_at = deadline
        self._timer = self._loop.call_later(wait, self._wake)

    def _wake(self) -> None:
        self._timer = None
        if not self._is_running:
            return
        if clock.monotonic() < self._engine.next_deadline():
            self._arm()
        else:
            self._tick()

    def _tick(self) -> None:
        self._engine.tick(clock.now())
        self._schedule()

    def _measure_lag(self, planned: float | None) -> None:
        """Note how late this very call is, and plan the next."""
        now = clock.monotonic()
        if planned is not None:
            late_ms = max(0.0, now - planned) * 1000
            self._lag_ms += LAG_WEIGHT * (late_ms - self._lag_ms)
            self._engine.set_load(self._lag_ms)
        planned = now + LAG_INTERVAL_S
        self._lag_timer = self._loop.call_later(LAG_INTERVAL_S, self._measure_lag, planned)


def _encode_once(
    messages: Sequence[tuple[str, FrameT]], encode: Callable[[FrameT], bytes]
) -> dict[str, list[bytes]]:
    """Give each receiver's bodies in order; a frame for several of them is encoded once."""
    encoded: dict[int, bytes] = {}
    bodies: dict[str, list[bytes]] = {}
    for name, frame in messages:
        body = encoded.get(id(frame))
        if body is None:
            body = encoded[id(frame)] = encode(frame)
        bodies.setdefault(name, []).append(body)
    return bodies
