"""Fake clients and trunks, with an exchange between them."""

from typing import Any, TypeVar

from roost.balancer.engine.client_info import ClientInfo
from roost.balancer.engine.exchange import Exchange
from roost.balancer.engine.exchange_config import ExchangeConfig
from roost.balancer.engine.health import HealthConfig
from roost.balancer.engine.moves import MoveConfig
from roost.balancer.engine.pacing import PaceConfig
from roost.balancer.engine.session_values import SessionLimits
from roost.balancer.engine.sessions import Session
from roost.balancer.engine.strategy import StrategyConfig
from roost.protocol.greeting import SPEAKS
from roost.protocol.trunk import (
    PROTOCOL_VERSION,
    Batch,
    FromBalancer,
    Hello,
    Incarnation,
    Item,
    NeighbourStatus,
    Output,
    Ping,
    Pong,
    Reply,
    Serving,
    Status,
    encode,
)

T = TypeVar("T")

INCARNATION = 5


def hello(name: str, **changes: Any) -> Hello:
    values: dict[str, Any] = {
        "protocol": PROTOCOL_VERSION,
        "cluster": "test",
        "name": name,
        "version": "0.1.0",
        "pid": 4000 + int(name[1:]),
        "mesh_address": f"127.0.0.1:700{name[1:]}",
        "weight": 1,
        "speaks": SPEAKS,
    }
    return Hello(**(values | changes))


def status(state: str = "ready", reason: str = "", leader: str = "n1", **changes: Any) -> Status:
    values: dict[str, Any] = {
        "state": state,
        "reason": reason,
        "leader": leader,
        "term": 1,
        "position": 10,
        "applied": 9,
        "sessions": 0,
        "neighbours": (NeighbourStatus("n9", 0.5),),
        "lag_ms": 0.0,
        "deliveries": 0.0,
    }
    return Status(**(values | changes))


class FakeClient:
    def __init__(self) -> None:
        self.received = b""
        self.pieces: list[bytes] = []
        self.is_dirty = False
        self._is_read = True
        self.is_finished = False
        self.writes = 0

    def flush(self) -> int:
        data = b"".join(self.pieces)
        self.received += data
        self.writes += 1
        self.pieces.clear()
        self.is_dirty = False
        return len(data)

    def is_read(self) -> bool:
        return self._is_read

    def pause_reading(self) -> None:
        self._is_read = False

    def resume_reading(self) -> None:
        self._is_read = True

    def finish(self, last: bytes) -> None:
        self.pieces.append(last)
        self.flush()
        self.is_finished = True


class FakeTrunk:
    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name
        self.frames: list[FromBalancer] = []
        self.sent_count = 0
        self.sent_bytes: list[int] = []
        self.dropped = ""

    def send(self, frame: FromBalancer) -> None:
        self.sent_count += 1
        self.sent_bytes.append(len(encode(frame)))
        # A batch means the same as its parts.
        self.frames.extend(frame.lines if isinstance(frame, Batch) else (frame,))

    def drop(self, reason: str) -> None:
        self.dropped = reason

    def take(self, kind: type[T]) -> list[T]:
        """Remove and return the frames of a kind."""
        taken: list[T] = [frame for frame in self.frames if isinstance(frame, kind)]
        self.frames = [frame for frame in self.frames if not isinstance(frame, kind)]
        return taken

    def say(self, frame: Status | Pong | Output | Incarnation) -> None:
        self.world.exchange.receive(self.name, self, frame, self.world.now)

    def show(self, *items: Item, position: int = 1) -> None:
        self.say(Output(position, items))
        self.world.finish_turn()

    def ready(self) -> "FakeTrunk":
        self.say(status())
        return self

    def lose(self, reason: str = "it reset the connection") -> None:
        self.world.exchange.node_lost(self.name, self, reason, self.world.now)
        self.world.finish_turn()


class World:
    """An exchange with its clock and its log."""

    def __init__(
        self,
        *,
        sessions: SessionLimits | None = None,
        strategy: StrategyConfig | None = None,
        moves: MoveConfig | None = None,
        pace: PaceConfig | None = None,
        has_incarnation: bool = True,
    ) -> None:
        self.now = 1000.0
        self.notes: list[tuple[str, dict[str, object]]] = []
        config = ExchangeConfig(
            name="b1",
            cluster="test",
            server_name="roost.local",
            ping_line="PING :roost",
            sessions=sessions or SessionLimits(),
            strategy=strategy or StrategyConfig(),
            health=HealthConfig(),
            moves=moves or MoveConfig(),
            # Time stands still here, and lines would wait for ever.
            pace=pace or PaceConfig(delay_ms_max=0),
        )
        self.exchange = Exchange(config, "run", self._note, lambda: 0.5)
        self.has_incarnation = has_incarnation

    def _note(self, level: str, event: str, /, **fields: object) -> None:
        self.notes.append((event, fields))

    def trunk(self, name: str, **changes: Any) -> FakeTrunk:
        """Connect a node that announces itself."""
        trunk = FakeTrunk(self, name)
        self.exchange.node_connected(hello(name, **changes), trunk, self.now)
        if self.has_incarnation:
            trunk.say(Incarnation(INCARNATION))
        return trunk

    def client(self) -> tuple[FakeClient, Session]:
        client = FakeClient()
        session = self.exchange.client_connected(client, ClientInfo("192.0.2.1"), self.now)
        self.finish_turn()
        return client, session

    def say(self, session: Session, *texts: str) -> None:
        self.exchange.client_spoke(session, [text.encode() for text in texts], self.now)
        self.finish_turn()

    def finish_turn(self) -> None:
        until = self.exchange.held_until
        if until is not None and self.now >= until:
            self.exchange.release_lines()
        self.exchange.showing.go_on(self.now)
        self.exchange.flush_lines(self.now)
        dirty, self.exchange.relay.dirty = self.exchange.relay.dirty, []
        for client in dirty:
            client.flush()

    def pass_time(self, seconds: float, *alive: FakeTrunk, step: float = 0.05) -> None:
        """Let time pass; the trunks in `alive` answer their probes."""
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now = min(end, self.now + step)
            self.exchange.tick(self.now)
            for trunk in alive:
                for ping in trunk.take(Ping):
                    trunk.say(Pong(ping.nonce))
            self.finish_turn()


def register(trunk: FakeTrunk, session: Session) -> None:
    """Send the client's first line, and let the node acknowledge it."""
    trunk.world.say(session, "USER")
    trunk.show(Reply(session.id, session.generation, session.last_line, 0, True, b""))


def serve(trunk: FakeTrunk, *sessions: Session) -> None:
    """Let a node report that it serves sessions which another node registered."""
    trunk.show(*(Serving(session.id, session.generation) for session in sessions))
