"""Feeds the engine and carries out what it asks for, once per turn of the event loop.

    mesh, trunks, store, hasher, timer --> engine --> take_effects --> store, mesh, trunks, hasher

All inputs of one turn of the loop are one step of the engine. So under load one log write, one
frame per neighbour and one per balancer carry what many clients did. Nothing here decides anything.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import msgspec
import structlog

from roost.ircd.sessions.work import Outcome, Work
from roost.log import EtcdEffect, Request, Watch
from roost.node.engine.effects import (
    ArchiveEffect,
    AskArchive,
    DiskEffect,
    DoWork,
    Effect,
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
    WriteHistory,
)
from roost.node.engine.engine import AT_ONCE, Engine
from roost.node.engine.inputs import (
    Congested,
    Input,
    LagMeasured,
    Leave,
    PeerFrameReceived,
    Persisted,
    Stop,
    Tick,
    TrunkFrameReceived,
    WorkDone,
)
from roost.ops import clock
from roost.ops.pulse import Pulse
from roost.ops.stalls import StallDetector, StallStatistics
from roost.protocol import mesh
from roost.protocol import trunk as frames
from roost.protocol.mesh import PeerFrame
from roost.protocol.trunk import FromNode
from roost.raft.messages import Persist

_logger = structlog.get_logger()

TIMER_S_MIN = 0.001
"""The event loop's own resolution; a shorter wait would spin."""
LAG_INTERVAL_S = 0.1
"""How often the lag of a busy event loop is measured; otherwise at each pulse."""
BUSY_TURNS = 20
"""In one pulse: several times what an idle node has."""
LAG_WEIGHT = 0.1
"""How much one measurement counts: the average is over about a second, or two when idle."""
STOP_POLL_S = 0.01
CONGESTION_POLL_S = 0.01
"""How often to see whether a balancer reads again what it is sent."""

FrameT = TypeVar("FrameT")
Send: TypeAlias = Callable[[str, Iterable[bytes]], None]
"""Sends encoded frames to a neighbour or a balancer; drops them if it is not connected."""


FollowNodesPort: TypeAlias = Callable[[tuple[str, ...], Mapping[str, str], int], None]


class DriverStatistics(msgspec.Struct, frozen=True):
    """What a driver has done since it started."""

    turns: int
    frames_from_peers: int
    frames_from_balancers: int
    frames_to_peers: int
    frames_to_balancers: int
    lag_ms: float
    stalls: StallStatistics
    """How long the event loop was stopped."""


class Driver:
    """Connects an engine with the event loop, the network, the disk and the clock."""

    def __init__(
        self,
        engine: Engine,
        remember_drained: Callable[[bool], None],
        do_work: Callable[[Work, Callable[[Outcome], None]], None],
        reload: Callable[[], None],
        remember_version: Callable[[int], None] = lambda _version: None,
        set_aside: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        """`do_work` does slow work, and calls back on the loop's thread.

        `set_aside` ends the node, and starts it anew without its data, which is kept.
        """
        self._set_aside = set_aside
        self._engine = engine
        self._remember_drained = remember_drained
        self._remember_version = remember_version
        self._do_work = do_work
        self._reload = reload
        self._loop = asyncio.get_running_loop()
        self._carry_out: Callable[[DiskEffect], None]
        self._send_to_peer: Send
        self._send_to_balancer: Send
        self._find_congested: Callable[[], frozenset[str]] = frozenset
        self._ask_etcd: Callable[[EtcdEffect], None] | None = None
        self._follow_nodes: FollowNodesPort
        self._ask_archive: Callable[[ArchiveEffect], None] | None = None
        self._make_snapshot: Callable[[MakeSnapshot], None]
        self._congested: frozenset[str] = frozenset()
        self._is_turn_due = False
        self._is_running = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        self._lag_timer: asyncio.TimerHandle | None = None
        self._lag_ms = 0.0
        self._turns_before = 0
        """How many turns there were at the last pulse."""
        self.pulse = Pulse()
        """For everything regular in this process; it comes with the turns, if there are any."""
        self.pulse.add(self._pulse_came)
        self._stalls = StallDetector(clock.monotonic())
        self._turns = 0
        self._peer_frames = [0, 0]
        self._balancer_frames = [0, 0]

    def status(self) -> frames.Status:
        """Return what the node tells balancers about itself."""
        return self._engine.status()

    # Life

    def start(
        self,
        carry_out: Callable[[DiskEffect], None],
        send_to_peer: Send,
        send_to_balancer: Send,
        make_snapshot: Callable[[MakeSnapshot], None],
        congested: Callable[[], frozenset[str]] = frozenset,
        ask_etcd: Callable[[EtcdEffect], None] | None = None,
        follow_nodes: FollowNodesPort = lambda _nodes, _keys, _version: None,
        ask_archive: Callable[[ArchiveEffect], None] | None = None,
    ) -> None:
        """Begin the turns; inputs that came earlier are part of the first one.

        `carry_out` obeys the effects on the disk; `make_snapshot` copies the state when it is
        called. `congested` returns the balancers to which much has been sent that is still here.
        `ask_etcd` is for a node whose log is in etcd, `ask_archive` for one with an archive.
        `follow_nodes` is told whom to be linked to.
        """
        self._make_snapshot = make_snapshot
        self._find_congested = congested
        self._ask_etcd = ask_etcd
        self._follow_nodes = follow_nodes
        self._ask_archive = ask_archive
        self._carry_out = carry_out
        self._send_to_peer = send_to_peer
        self._send_to_balancer = send_to_balancer
        self._is_running = True
        self._is_turn_due = False
        self._schedule()

    async def leave(self, seconds_max: float, is_alone: Callable[[], bool]) -> None:
        """Have the clients moved to other nodes.

        Wait until none is left, `seconds_max` have passed, or `is_alone` returns true.
        """
        deadline = clock.monotonic() + seconds_max
        self.receive(Leave())
        while True:
            is_over = clock.monotonic() >= deadline
            if is_over or is_alone() or not self._engine.session_count:
                return
            await asyncio.sleep(STOP_POLL_S)

    async def hand_over(self, is_alone: Callable[[], bool]) -> None:
        """Hand over leadership; wait until the engine has stopped or `is_alone` returns true."""
        self.receive(Stop())
        while not self._engine.is_stopped and not is_alone():
            await asyncio.sleep(STOP_POLL_S)
            self._tick()

    def end(self) -> None:
        """End the turns; inputs that come later lead to nothing."""
        self._is_running = False
        self.pulse.stop()
        for timer in (self._timer, self._lag_timer):
            if timer is not None:
                timer.cancel()

    def statistics(self) -> DriverStatistics:
        """Return what was done so far."""
        return DriverStatistics(
            turns=self._turns,
            frames_from_peers=self._peer_frames[0],
            frames_from_balancers=self._balancer_frames[0],
            frames_to_peers=self._peer_frames[1],
            frames_to_balancers=self._balancer_frames[1],
            lag_ms=self._lag_ms,
            stalls=self._stalls.statistics(clock.monotonic()),
        )

    # The turn

    def receive(self, event: Input) -> None:
        """Give the engine an input, as part of the next turn."""
        match event:
            case TrunkFrameReceived():
                self._balancer_frames[0] += 1
            case PeerFrameReceived():
                self._peer_frames[0] += 1
            case Persisted(_, messages) if self._is_running:
                # At once, and not after everything that the turn applies: others wait for it.
                self._send_to_peers(messages)
        now = clock.now()
        self._engine.receive(event, now)
        if not self._is_turn_due and (self._engine.needs_turn or self.pulse.is_ripe(now.monotonic)):
            self._schedule()
        if self._is_turn_due:
            self._stalls.begin(now.monotonic)

    def _schedule(self) -> None:
        if not self._is_turn_due and self._is_running:
            self._is_turn_due = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        if self._is_running:
            self.pulse.ride(clock.monotonic())
        self._is_turn_due = False
        if not self._is_running:
            return
        self._turns += 1
        congested = self._find_congested()
        if congested != self._congested:
            self._congested = congested
            self._engine.receive(Congested(congested), clock.now())
        for effect in self._engine.take_effects():
            self._obey(effect)
        self._stalls.end(clock.monotonic())
        self._arm()

    def _obey(self, effect: Effect) -> None:
        match effect:
            case SendToPeers(to_peers):
                self._send_to_peers(to_peers)
            case SendToBalancers(to_balancers):
                self._send_to_balancers(to_balancers)
            case Persist() | WriteHistory():
                # Like all that is for the disk, but so frequent that it is looked for first.
                self._carry_out(effect)
            case LogEvent(level, event, fields):
                getattr(_logger, level)(event, **fields)
            case DoWork(ticket, work):
                self._do_work(work, lambda outcome: self.receive(WorkDone(ticket, outcome)))
            case RememberDrained(is_drained):
                self._remember_drained(is_drained)
            case RememberVersion(version):
                self._remember_version(version)
            case ReloadConfiguration():
                self._reload()
            case FollowNodes(nodes, keys, version):
                self._follow_nodes(nodes, dict(keys), version)
            case MakeSnapshot():
                self._make_snapshot(effect)
            case SetAside(reason):
                self._set_aside(reason)
            case Request() | Watch():
                assert self._ask_etcd is not None, "the log is not in etcd"
                self._ask_etcd(effect)
            case AskArchive() | WriteArchive() | RepairArchive() | RetainArchive():
                assert self._ask_archive is not None, "there is no archive"
                self._ask_archive(effect)
            case _:
                self._carry_out(effect)

    def _send_to_peers(self, messages: Sequence[tuple[str, PeerFrame]]) -> None:
        self._peer_frames[1] += len(messages)
        for name, bodies in _encode_once(messages, mesh.encode).items():
            self._send_to_peer(name, bodies)

    def _send_to_balancers(self, messages: Sequence[tuple[str, FromNode]]) -> None:
        self._balancer_frames[1] += len(messages)
        for name, bodies in _encode_once(messages, frames.encode).items():
            self._send_to_balancer(name, bodies)

    # Time

    def _arm(self) -> None:
        """Have the timer go off at the engine's next deadline, or before."""
        deadline = self._engine.next_deadline()
        if deadline == AT_ONCE:
            # After the input that has come meanwhile.
            self.receive(Tick())
            return
        if self._congested:
            deadline = min(deadline, clock.monotonic() + CONGESTION_POLL_S)
        if deadline >= self.pulse.due_at:
            # The pulse leads to a turn.
            return
        if self._timer is not None:
            if self._timer_at <= deadline:
                return
            self._timer.cancel()
        # The event loop's clock is coarse: a timer that is early would have to be set again.
        wait = max(deadline - clock.monotonic(), 0.0) + TIMER_S_MIN
        self._timer_at = deadline
        self._timer = self._loop.call_later(wait, self._wake)

    def _wake(self) -> None:
        self._timer = None
        if not self._is_running:
            return
        if self._congested or clock.monotonic() >= self._engine.next_deadline():
            self._tick()
        else:
            self._arm()

    def _tick(self) -> None:
        """Let time pass, which need not lead to a turn."""
        self.receive(Tick())
        if not self._is_turn_due:
            self._arm()

    def _pulse_came(self, now: float, late_s: float) -> None:
        """Have a turn for what has no deadline of its own."""
        if not self._is_running:
            return
        is_busy = self._turns - self._turns_before >= BUSY_TURNS
        self._turns_before = self._turns
        if self._lag_timer is None:
            self._note_lag(late_s, now)
            if is_busy:
                self._plan_lag(now)
        elif not is_busy:
            self._lag_timer.cancel()
            self._lag_timer = None
        self._tick()

    def _note_lag(self, late_s: float, now: float) -> None:
        self._stalls.expected(now - late_s, now)
        self._lag_ms += LAG_WEIGHT * (late_s * 1000 - self._lag_ms)
        # The next turn, whenever it comes, is early enough for this.
        self._engine.receive(LagMeasured(self._lag_ms), clock.now())

    def _plan_lag(self, now: float) -> None:
        planned = now + LAG_INTERVAL_S
        self._lag_timer = self._loop.call_later(LAG_INTERVAL_S, self._measure_lag, planned)

    def _measure_lag(self, planned: float) -> None:
        """Note how late this very call is, and plan the next: turns do not wait for a timer."""
        now = clock.monotonic()
        self._note_lag(max(0.0, now - planned), now)
        self._plan_lag(now)


def _encode_once(
    messages: Sequence[tuple[str, FrameT]], encode: Callable[[FrameT], bytes]
) -> dict[str, list[bytes]]:
    """Return each receiver's bodies in order; encode a frame for several of them once."""
    encoded: dict[int, bytes] = {}
    bodies: dict[str, list[bytes]] = {}
    for name, frame in messages:
        body = encoded.get(id(frame))
        if body is None:
            body = encoded[id(frame)] = encode(frame)
        bodies.setdefault(name, []).append(body)
    return bodies
