"""Nodes between which everything takes the same time, to count what a balancer's flush wakes.

Engines obey as the asyncio driver does: what comes at one moment shares a turn, an input that leads
to nothing has none, and a disk writes all that has queued up with one fsync.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

from roost.chat.ids import SESSION_COUNTER_BITS, Position
from roost.instant import Instant
from roost.ircd.config import Config as IrcConfig
from roost.log import EmbeddedLog
from roost.node.engine import inputs
from roost.node.engine.config import EngineConfig
from roost.node.engine.effects import HistoryState, SendToBalancers, SendToPeers, WriteHistory
from roost.node.engine.engine import AT_ONCE, Engine
from roost.node.engine.inputs import Input
from roost.protocol.trunk import Attach, Batch, Lines
from roost.raft.config import Config as RaftConfig
from roost.raft.messages import HardState, Persist, Stored
from support.lone_node import welcome

LINK_S = 0.0003
FSYNC_S = 0.0008
TIMER_S = 0.001
"""How late a timer may be: the event loop's resolution."""


class FlushedNode:
    """A node: its engine, its disk, and counts."""

    def __init__(self, cluster: "FlushedCluster", name: str, config: EngineConfig) -> None:
        self.cluster = cluster
        self.name = name
        self.counts: Counter[str] = Counter()
        """Turns, fsyncs, timers that went off, and frames by type."""
        log = EmbeddedLog(config.raft, Stored(HardState(), None, ()), cluster.random, cluster.now())
        self.engine = Engine(
            config, log, HistoryState(applied=Position(0)), cluster.random, cluster.now()
        )
        self._queue: list[Persist] = []
        self._is_syncing = False
        self._is_turn_due = False
        self._timer_at = float("inf")

    def receive(self, event: Input) -> None:
        if isinstance(event, inputs.Persisted):
            self._send(event.messages)
        self.engine.receive(event, self.cluster.now())
        if self.engine.needs_turn:
            self._plan_turn()

    def _plan_turn(self) -> None:
        if not self._is_turn_due:
            self._is_turn_due = True
            self.cluster.after(0.0, self.turn, is_last=True)

    def turn(self) -> None:
        self._is_turn_due = False
        self.counts["turns"] += 1
        for effect in self.engine.take_effects():
            match effect:
                case Persist():
                    self._queue.append(effect)
                    self._sync()
                case SendToPeers(frames):
                    self._send(frames)
                case SendToBalancers(frames):
                    self.counts.update(type(frame).__name__ for _, frame in frames)
                case WriteHistory():
                    self.cluster.after(FSYNC_S, self.receive, inputs.HistoryWritten(effect.applied))
        self._arm()

    def _send(self, frames: Any) -> None:
        for peer, frame in frames:
            self.counts[type(frame).__name__] += 1
            node = self.cluster.nodes[peer]
            self.cluster.after(LINK_S, node.receive, inputs.PeerFrameReceived(self.name, frame))

    def _sync(self) -> None:
        if self._is_syncing or not self._queue:
            return
        self._is_syncing = True
        self.counts["fsyncs"] += 1
        batch, self._queue = self._queue, []

        def synced() -> None:
            self._is_syncing = False
            messages = tuple(message for one in batch for message in one.messages)
            self.receive(inputs.Persisted(batch[-1].number, messages))
            self._sync()

        self.cluster.after(FSYNC_S, synced)

    def _arm(self) -> None:
        deadline = self.engine.next_deadline()
        if deadline == AT_ONCE:
            self.engine.receive(inputs.Tick(), self.cluster.now())
            self._plan_turn()
        elif deadline < self._timer_at:
            self._timer_at = deadline
            wait = max(deadline - self.cluster.time, 0.0) + TIMER_S
            self.cluster.after(wait, self._wake, deadline)

    def _wake(self, deadline: float) -> None:
        if deadline != self._timer_at:
            return
        self._timer_at = float("inf")
        if self.engine.next_deadline() <= self.cluster.time:
            self.counts["timers"] += 1
            self.receive(inputs.Tick())
        if not self._is_turn_due:
            self._arm()


class FlushedCluster:
    """Nodes n1, n2, ... with one client each, all in one room."""

    def __init__(self, size: int = 3, **raft: Any) -> None:
        self.time = 100.0
        self._events: list[tuple[float, bool, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = count()
        self.random = lambda: 0.5
        names = tuple(f"n{number + 1}" for number in range(size))
        self.nodes: dict[str, FlushedNode] = {}
        for name in names:
            settings = RaftConfig(name=name, members=names, **raft)
            irc = IrcConfig(autoreplay_lines=0)
            self.nodes[name] = FlushedNode(self, name, EngineConfig(raft=settings, irc=irc))
        for name, node in self.nodes.items():
            for peer in names:
                if peer != name:
                    node.receive(inputs.PeerConnected(peer, 2))
        self._measure_clocks()
        self.run(3.0)
        self._lines: dict[int, int] = {}
        for node in self.nodes.values():
            node.receive(inputs.TrunkConnected(welcome("b1", "run")))
        self.run(1.0)
        incarnation = self.nodes["n1"].engine.state.balancers["b1"]
        self._sessions = {
            name: incarnation << SESSION_COUNTER_BITS | number
            for number, name in enumerate(names, start=1)
        }
        for name, session in self._sessions.items():
            attach = Attach(session, 1, "host", False, 0, 0, 0)
            self.nodes[name].receive(inputs.TrunkFrameReceived("b1", attach))
            self.say(name, f"NICK u{session}", "USER u 0 * :u", "JOIN #room")
        self.run(1.0)
        assert len(self.nodes["n1"].engine.state.users) == size
        self.forget()

    def _measure_clocks(self) -> None:
        for name, node in self.nodes.items():
            for peer in self.nodes:
                if peer != name:
                    wall_ms = self.now().wall_ms
                    measured = inputs.ClockMeasured(peer, wall_ms, self.time, self.time)
                    node.receive(measured)

    @property
    def leader(self) -> str:
        """The node that leads."""
        (name,) = (name for name, node in self.nodes.items() if node.engine.log.is_in_charge)
        return name

    @property
    def followers(self) -> list[str]:
        """The others."""
        return [name for name in self.nodes if name != self.leader]

    def now(self) -> Instant:
        return Instant(self.time, 1_700_000_000_000 + int(self.time * 1000))

    def after(
        self, seconds: float, action: Callable[..., None], *arguments: Any, is_last: bool = False
    ) -> None:
        event = (self.time + seconds, is_last, next(self._numbers), action, arguments)
        heapq.heappush(self._events, event)

    def run(self, seconds: float) -> None:
        end = self.time + seconds
        while self._events and self._events[0][0] <= end:
            self.time, _, _, action, arguments = heapq.heappop(self._events)
            action(*arguments)
        self.time = end

    def say(self, name: str, *lines: str) -> None:
        """Have a node's client say lines, which come in one batch."""
        session = self._sessions[name]
        first = self._lines.get(session, 0) + 1
        self._lines[session] = first + len(lines) - 1
        frame = Lines(session, 1, first, tuple(line.encode() for line in lines))
        self.nodes[name].receive(inputs.TrunkFrameReceived("b1", Batch((frame,))))

    def flush(self, *names: str) -> None:
        """Send what was said to these nodes, to all by default, at one moment."""
        for name in names or self.nodes:
            self.say(name, "PRIVMSG #room :hello")

    def forget(self) -> None:
        """Count from here on."""
        for node in self.nodes.values():
            node.counts.clear()
