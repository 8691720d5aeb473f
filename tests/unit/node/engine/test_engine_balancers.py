"""What an engine makes of balancers: one node alone, obeyed at once."""

import pytest

from roost.chat.commands import Command, encode_command
from roost.chat.ids import SESSION_COUNTER_BITS, Position
from roost.chat.settings import Settings
from roost.chat.snapshot import encode_state
from roost.chat.state import State
from roost.instant import Instant
from roost.ircd.config import Config as IrcConfig
from roost.node.engine.effects import HistoryState, Note
from roost.node.engine.engine import Engine, EngineConfig
from roost.protocol.trunk import PROTOCOL_VERSION, Attach, FromNode, Lines, Output, Reply, Welcome
from roost.raft.config import Config as RaftConfig
from roost.raft.messages import HardState, Snapshot, Stored


class Alone:
    """A cluster of one node, whose disk is infinitely fast."""

    def __init__(
        self,
        *,
        has_random_bytes: bool = True,
        settings: Settings | None = None,
        state: State | None = None,
    ) -> None:
        self.time = 0.0
        self.sent: list[tuple[str, FromNode]] = []
        self.notes: list[Note] = []
        config = EngineConfig(
            raft=RaftConfig(name="n1", members=("n1",)),
            irc=IrcConfig(),
            settings=settings or Settings(),
            balancer_grace_s=5.0,
        )
        snapshot = None
        if state is not None:
            snapshot = Snapshot(state.position, 1, state.time_ms, encode_state(state))
        self.engine = Engine(
            config,
            Stored(HardState(), snapshot, ()),
            HistoryState(applied=state.position if state is not None else Position(0)),
            lambda: 0.5,
            self.now(),
            random_bytes=(lambda count: b"r" * count) if has_random_bytes else None,
        )
        self.pass_time(3.0)
        assert self.engine.replica.is_leader

    def now(self) -> Instant:
        return Instant(self.time, 1_700_000_000_000 + int(self.time * 1000))

    def pass_time(self, seconds: float) -> None:
        end = self.time + seconds
        while self.time < end:
            self.time += 0.05
            self.engine.tick(self.now())
            self.obey()

    def obey(self) -> None:
        is_busy = True
        while is_busy:
            output = self.engine.take_output()
            is_busy = bool(output.persist or output.history)
            self.sent.extend(output.to_balancers)
            self.notes.extend(output.notes)
            for batch in output.persist:
                self.engine.persisted(batch.number, self.now())
            for write in output.history:
                self.engine.history_written(write.applied, self.now())

    def propose(self, command: Command) -> None:
        """Have another node's command ordered."""
        self.engine.replica.propose([encode_command(command)], self.now())
        self.obey()

    def connect(self, name: str, incarnation: int) -> None:
        welcome = Welcome(PROTOCOL_VERSION, "test", name, incarnation, ())
        self.engine.trunk_connected(welcome, self.now())
        self.obey()

    def disconnect(self, name: str) -> None:
        self.engine.trunk_disconnected(name, self.now())
        self.obey()

    def say(self, balancer: str, incarnation: int, counter: int, *lines: str) -> None:
        """Send the first lines of a new client."""
        session = incarnation << SESSION_COUNTER_BITS | counter
        attach = Attach(session, 1, "host", False, 0, 0, 0)
        self.engine.receive_trunk(balancer, attach, self.now())
        frame = Lines(session, 1, 1, tuple(line.encode() for line in lines))
        self.engine.receive_trunk(balancer, frame, self.now())
        self.obey()

    def replies(self) -> bytes:
        items = [
            item for _, frame in self.sent if isinstance(frame, Output) for item in frame.items
        ]
        return b"".join(item.payload for item in items if isinstance(item, Reply))


RESUMABLE = ("CAP REQ roost.chat/resume", "NICK alice", "USER a 0 * :A", "CAP END")


def test_the_leader_sets_a_secret_before_anybody_registers() -> None:
    node = Alone()
    assert node.engine.state.secret == b"r" * 32
    assert not any("r" * 8 in str(note) for note in node.notes)
    node.connect("b1", 7)
    node.say("b1", 7, 1, *RESUMABLE)
    assert b" RESUME TOKEN " in node.replies()


def test_without_random_bytes_there_are_no_tokens() -> None:
    node = Alone(has_random_bytes=False)
    assert node.engine.state.secret == b""
    node.connect("b1", 7)
    node.say("b1", 7, 1, *RESUMABLE)
    assert b" 001 alice " in node.replies()
    assert b" RESUME " not in node.replies()


def test_sessions_of_a_lost_balancer_end_after_the_grace_period() -> None:
    node = Alone()
    node.connect("b1", 7)
    node.say("b1", 7, 1, *RESUMABLE)
    node.disconnect("b1")
    node.pass_time(4.5)
    assert list(node.engine.state.nicks) == ["alice"]
    node.pass_time(1.0)
    assert not node.engine.state.nicks


def test_a_restart_of_the_balancer_does_not_prolong_the_grace_period() -> None:
    node = Alone()
    node.connect("b1", 7)
    node.say("b1", 7, 1, *RESUMABLE)
    node.disconnect("b1")
    node.pass_time(3.0)
    node.connect("b1", 8)
    node.pass_time(1.5)
    assert list(node.engine.state.nicks) == ["alice"]
    node.pass_time(1.0)
    assert not node.engine.state.nicks
    assert node.engine.state.balancers == {"b1": 8}


@pytest.mark.parametrize("is_known_before", [True, False])
def test_a_balancer_with_anothers_incarnation_is_not_served(is_known_before: bool) -> None:
    node = Alone()
    if is_known_before:
        node.connect("b1", 7)
        node.connect("b2", 7)
    else:
        # Another node has announced it, and its entry comes first.
        first, second = (Welcome(PROTOCOL_VERSION, "t", name, 7, ()) for name in ("b1", "b2"))
        node.engine.trunk_connected(first, node.now())
        node.engine.trunk_connected(second, node.now())
        node.obey()
    node.say("b1", 7, 1, "NICK alice", "USER a 0 * :A")
    node.say("b2", 7, 1, "NICK eve", "USER e 0 * :E")
    assert list(node.engine.state.nicks) == ["alice"]
    (note,) = [note for note in node.notes if note.event == "balancer-refused"]
    assert note.fields["balancer"] == "b2"
    node.sent.clear()
    node.pass_time(1.0)
    assert {name for name, _ in node.sent} == {"b1"}
    # Started anew, it is welcome.
    node.disconnect("b2")
    node.connect("b2", 9)
    node.say("b2", 9, 1, "NICK eve", "USER e 0 * :E")
    assert list(node.engine.state.nicks) == ["alice", "eve"]
