"""One engine alone in its cluster, with an infinitely fast disk."""

from roost.chat.commands import Command, encode_command
from roost.chat.ids import SESSION_COUNTER_BITS, Position
from roost.chat.settings import Settings
from roost.chat.snapshot import encode_state
from roost.chat.state import State
from roost.chat.versions import VERSION
from roost.instant import Instant
from roost.ircd.config import Config as IrcConfig
from roost.log import EmbeddedLog
from roost.node.engine import inputs
from roost.node.engine.config import EngineConfig
from roost.node.engine.effects import (
    HistoryState,
    LogEvent,
    MakeSnapshot,
    RememberDrained,
    SendToBalancers,
    WriteHistory,
)
from roost.node.engine.engine import Engine
from roost.node.engine.inputs import Input
from roost.protocol.trunk import PROTOCOL_VERSION, Attach, FromNode, Lines, Output, Reply, Welcome
from roost.raft.config import Config as RaftConfig
from roost.raft.messages import ENTRY_COMMAND, HardState, Persist, Snapshot, Stored


class LoneNode:
    """A cluster of one node, which is its leader."""

    def __init__(
        self,
        *,
        has_random_bytes: bool = True,
        settings: Settings | None = None,
        state: State | None = None,
        is_drained: bool = False,
        version_max: int = VERSION,
    ) -> None:
        self.time = 0.0
        self.sent: list[tuple[str, FromNode]] = []
        self.logged: list[LogEvent] = []
        self.written: list[bytes] = []
        """The commands that it wrote to its log."""
        self.remembered: list[bool] = []
        self.states: list[tuple[str, Settings]] = []
        """What the node said of itself after each turn, and the settings that applied then."""
        config = EngineConfig(
            raft=RaftConfig(name="n1", members=("n1",)),
            # No store answers questions for history here.
            irc=IrcConfig(autoreplay_lines=0),
            settings=settings or Settings(),
            balancer_grace_s=5.0,
            version_max=version_max,
        )
        snapshot = None
        if state is not None:
            snapshot = Snapshot(state.position, 1, state.time_ms, encode_state(state))
        stored = Stored(HardState(), snapshot, ())
        self.engine = Engine(
            config,
            EmbeddedLog(config.raft, stored, lambda: 0.5, self.now()),
            HistoryState(applied=state.position if state is not None else Position(0)),
            lambda: 0.5,
            self.now(),
            random_bytes=(lambda count: b"r" * count) if has_random_bytes else None,
            is_drained=is_drained,
        )
        self.pass_time(3.0)
        assert self.engine.log.is_in_charge

    def now(self) -> Instant:
        return Instant(self.time, 1_700_000_000_000 + int(self.time * 1000))

    def pass_time(self, seconds: float) -> None:
        end = self.time + seconds
        while self.time < end:
            self.time += 0.05
            self.take(inputs.Tick())

    def take(self, *events: Input) -> None:
        """Give the engine the inputs of one turn, and obey it until nothing is left to do."""
        waiting = list(events)
        while True:
            for event in waiting:
                self.engine.receive(event, self.now())
            waiting = self._obey()
            if not waiting:
                return

    def _obey(self) -> list[Input]:
        following: list[Input] = []
        for effect in self.engine.take_effects():
            match effect:
                case Persist():
                    entries = effect.entries
                    self.written += [one.data for one in entries if one.kind == ENTRY_COMMAND]
                    following.append(inputs.Persisted(effect.number))
                case WriteHistory():
                    following.append(inputs.HistoryWritten(effect.applied))
                case MakeSnapshot(position, state):
                    following.append(inputs.SnapshotMade(position, encode_state(state)))
                case SendToBalancers(frames):
                    self.sent.extend(frames)
                case LogEvent():
                    self.logged.append(effect)
                case RememberDrained(is_drained):
                    self.remembered.append(is_drained)
        self.states.append((self.engine.status().state, self.engine.state.settings))
        return following

    def propose(self, command: Command) -> None:
        """Propose a command as another node would."""
        self.engine.log.propose([encode_command(command)], self.now())
        self.take()

    def connect(self, name: str, run: str = "run") -> int:
        """Connect a balancer; return the incarnation that the log has given it."""
        self.take(inputs.TrunkConnected(welcome(name, run)))
        return self.engine.state.balancers.get(name, 0)

    def disconnect(self, name: str) -> None:
        self.take(inputs.TrunkDisconnected(name))

    def say(self, balancer: str, incarnation: int, counter: int, *lines: str) -> None:
        """Send a new client's first lines."""
        session = incarnation << SESSION_COUNTER_BITS | counter
        attach = Attach(session, 1, "host", False, 0, 0, 0)
        frame = Lines(session, 1, 1, tuple(line.encode() for line in lines))
        self.take(
            inputs.TrunkFrameReceived(balancer, attach), inputs.TrunkFrameReceived(balancer, frame)
        )

    def replies(self) -> bytes:
        items = [
            item for _, frame in self.sent if isinstance(frame, Output) for item in frame.items
        ]
        return b"".join(item.payload for item in items if isinstance(item, Reply))


def welcome(name: str, run: str) -> Welcome:
    return Welcome(PROTOCOL_VERSION, "test", name, 0, (), run)
