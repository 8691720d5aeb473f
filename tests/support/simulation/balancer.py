"""A simulated balancer: the real exchange, with simulated trunks and sockets."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import msgspec

from roost.balancer.engine import outbox, showing, writing
from roost.balancer.engine.administration import AdministrationDesk
from roost.balancer.engine.client_info import ClientInfo
from roost.balancer.engine.exchange import Exchange
from roost.balancer.engine.exchange_config import ExchangeConfig
from roost.balancer.engine.health import HealthConfig
from roost.balancer.engine.moves import MoveConfig, PlannedMove
from roost.balancer.engine.node_pool import Node
from roost.balancer.engine.session_values import SessionLimits
from roost.balancer.engine.sessions import Client, Session
from roost.balancer.engine.strategy import StrategyConfig
from roost.balancer.engine.ticking import tick_interval_s
from roost.balancer.engine.writing import write_some
from roost.balancer.errors import RefusedNodeError
from roost.chat.versions import VERSION
from roost.protocol.trunk import (
    REFUSED,
    Attach,
    Close,
    Deliver,
    DeliverTo,
    FromBalancer,
    FromNode,
    Hello,
    Join,
    Leave,
    Output,
    Reply,
    Status,
    Told,
)
from support.simulation.network import Network
from support.simulation.world import World

CLUSTER = "sim"
TURN_S = 0.0005
"""How late the end of a turn may be; what comes until then belongs to the turn."""


class SimulatedTrunk:
    """One link to a node, as the exchange sees it."""

    def __init__(
        self, network: Network, balancer: str, node: str, sent: Callable[[FromBalancer], None]
    ) -> None:
        self._network = network
        self._sent = sent
        self._balancer = balancer
        self._node = node
        self.is_announced = False

    def send(self, frame: FromBalancer) -> None:
        self._sent(frame)
        self._network.send(self._balancer, self._node, frame)

    def drop(self, reason: str) -> None:
        del reason
        self._network.drop(self._balancer, self._node)


@runtime_checkable
class LostClient(Protocol):
    """A client that can lose its connection."""

    def lose(self) -> None: ...


class Stale(msgspec.Struct):
    """What came from nodes that no longer serve the session."""

    replies: int = 0
    deliveries: int = 0


class SimulatedBalancer:
    """A balancer with the real exchange."""

    def __init__(self, world: World, network: Network, name: str) -> None:
        self.name = name
        self.is_up = False
        self.is_frozen = False
        self.stale = Stale()
        self.attachments: dict[int, list[tuple[float, int]]] = {}
        """Session -> when it was attached, and its last acknowledged line then."""
        self._world = world
        self._network = network
        self._trunks: dict[str, SimulatedTrunk] = {}
        self._is_flush_due = False
        self._is_timer_set = False
        self._life = 0
        self._config = ExchangeConfig(
            name=name,
            cluster=CLUSTER,
            server_name="roost.local",
            ping_line="PING :roost",
            sessions=SessionLimits(),
            strategy=StrategyConfig(ramp_s=2.0),
            health=HealthConfig(),
            moves=MoveConfig(cool_down_s=2.0),
        )
        self.start()

    def start(self) -> None:
        """Start, or start again after a crash; a new run knows nothing of earlier ones."""
        self.is_up = True
        self._life += 1
        self._is_flush_due = self._is_timer_set = False
        random = self._world.random
        self.exchange = Exchange(
            self._config, f"{random.getrandbits(64):x}", self._note, random.random
        )
        self.desk = AdministrationDesk(self.exchange.pool)
        self._world.log(f"{self.name} starts")
        self._sweep()

    def crash(self) -> None:
        """Die; the connections of all clients die too."""
        self._world.log(f"{self.name} crashes")
        self.is_up = False
        self._life += 1
        for session in self.exchange.sessions.values():
            assert isinstance(session.client, LostClient)
            session.client.lose()
        self._trunks.clear()
        self._network.reset(self.name)

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do something unless this run has ended by then."""
        life = self._life
        self._world.at(delay_s, lambda: action() if life == self._life else None)

    def _note(self, level: str, event: str, /, **fields: object) -> None:
        self._world.log(f"{self.name} {level} {event} {fields}")

    # The trunks

    def _sent(self, frame: FromBalancer) -> None:
        if isinstance(frame, Attach):
            attached = (self._world.now, frame.acknowledged)
            self.attachments.setdefault(frame.session, []).append(attached)

    def connected(self, peer: str) -> None:
        self._trunks[peer] = SimulatedTrunk(self._network, self.name, peer, self._sent)

    @property
    def version_max(self) -> int:
        """What it speaks."""
        return VERSION

    def refused(self, peer: str, version: int) -> None:
        raise AssertionError(f"{peer} let this balancer in before")

    def disconnected(self, peer: str) -> None:
        trunk = self._trunks.pop(peer)
        if trunk.is_announced:
            self.exchange.node_lost(peer, trunk, "the link is gone", self._world.now)
            self.desk.node_lost(peer)
            self._schedule_flush()

    def receive(self, peer: str, frame: object) -> None:
        trunk = self._trunks[peer]
        if isinstance(frame, Hello):
            try:
                self.exchange.node_connected(frame, trunk, self._world.now)
            except RefusedNodeError as error:
                trunk.drop(str(error))
                return
            trunk.is_announced = True
        elif isinstance(frame, Told):
            self.desk.told(peer, frame)
        else:
            assert isinstance(frame, FromNode)
            if isinstance(frame, Output):
                self._count_stale(peer, frame)
            if isinstance(frame, Status) and frame.state == REFUSED:
                # A node may still refuse a run that has ended, but nobody hears of that.
                self._world.log(f"{self.name} run-refused by {peer}: {frame.reason}")
            before = self.exchange.relay.deliveries
            self.exchange.receive(peer, trunk, frame, self._world.now)
            shown = self.exchange.relay.deliveries - before
            assert shown <= showing.DELIVERIES_PER_TURN + len(self.exchange.sessions)
        self._schedule_flush()

    def _count_stale(self, peer: str, output: Output) -> None:
        """Count what the exchange has to drop because another node serves the session."""
        for item in output.items:
            match item:
                case Reply(number, generation) | Close(number, generation):
                    session = self.exchange.sessions.get(number)
                    self.stale.replies += session is not None and session.generation > generation
                case DeliverTo(numbers):
                    self.stale.deliveries += any(
                        session is not None and session.node != peer
                        for session in map(self.exchange.sessions.get, numbers)
                    )
                case Deliver() | Join() | Leave():
                    pass

    # Turns and time

    def _schedule_flush(self) -> None:
        if not self._is_flush_due and self.exchange.has_work:
            self._is_flush_due = True
            self._later(self._world.random.uniform(0, TURN_S), self._flush)

    def _flush(self) -> None:
        self._is_flush_due = False
        self.exchange.showing.go_on(self._world.now)
        self.exchange.flush_lines(self._world.now)
        until = self.exchange.held_until
        if until is not None and not self._is_timer_set:
            self._is_timer_set = True
            self._later(until - self._world.now, self._release_lines)
        written = write_some(self.exchange.relay.dirty)
        assert written <= writing.WRITTEN_PER_TURN + outbox.WRITE_BYTES_MAX
        if self.exchange.relay.dirty or self.exchange.showing.has_more:
            self._schedule_flush()

    def _release_lines(self) -> None:
        self._is_timer_set = False
        self.exchange.release_lines()
        self._schedule_flush()

    def _sweep(self) -> None:
        self.exchange.tick(self._world.now)
        self._schedule_flush()
        self._later(tick_interval_s(self.exchange, self._world.now), self._sweep)

    # The clients

    def open(self, client: Client, address: str = "192.0.2.1") -> Session:
        """Open a client's session."""
        return self.exchange.client_connected(client, ClientInfo(address), self._world.now)

    def spoke(self, session: Session, lines: list[bytes | None]) -> None:
        """Pass a client's lines on."""
        self.exchange.client_spoke(session, lines, self._world.now)
        self._schedule_flush()

    def hung_up(self, session: Session) -> None:
        """Note that a client has closed its connection."""
        self.exchange.client_lost(session, "Connection closed", self._world.now)
        self._schedule_flush()

    # Moves

    def ready_nodes(self) -> list[Node]:
        """Return the nodes that may be given a session."""
        if not self.is_up:
            return []
        now = self._world.now
        return [
            n for n in self.exchange.pool if n.trunk is not None and n.health.status(now).is_ready
        ]

    def move(self, session: Session, target: Node) -> None:
        """Move a session at once, whatever it is doing."""
        source = self.exchange.pool.find(session.node)
        assert source is not None, "only a session that is bound can be moved"
        self._world.log(f"{self.name} moves {session.id} from {source.name} to {target.name}")
        self.exchange.move([PlannedMove(session, source, target)], self._world.now)
        self._schedule_flush()

    def move_any(self) -> None:
        """Move a random session to a random node, which may be its own."""
        bound = [s for s in self.exchange.sessions.values() if s.node]
        ready = self.ready_nodes()
        if bound and ready:
            self.move(self._world.random.choice(bound), self._world.random.choice(ready))
