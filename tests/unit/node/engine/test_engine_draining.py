"""What an operator and an end in order make of a node: one node alone, obeyed at once."""

from roost.chat.ids import Position
from roost.instant import Instant
from roost.ircd.config import Config as IrcConfig
from roost.node.engine.effects import HistoryState
from roost.node.engine.engine import Engine, EngineConfig
from roost.protocol.trunk import PROTOCOL_VERSION, Drain, Status, Welcome
from roost.raft.config import Config as RaftConfig
from roost.raft.messages import HardState, Stored


class Alone:
    """A cluster of one node with one balancer."""

    def __init__(self, *, is_drained: bool = False) -> None:
        self.time = 0.0
        self.statuses: list[Status] = []
        self.remembered: list[bool] = []
        self.engine = Engine(
            EngineConfig(raft=RaftConfig(name="n1", members=("n1",)), irc=IrcConfig()),
            Stored(HardState(), None, ()),
            HistoryState(applied=Position(0)),
            lambda: 0.5,
            self.now(),
            is_drained=is_drained,
        )
        for _ in range(60):
            self.time += 0.05
            self.engine.tick(self.now())
            self.obey()
        welcome = Welcome(PROTOCOL_VERSION, "test", "b1", 5, ())
        self.engine.trunk_connected(welcome, self.now())
        self.obey()

    def now(self) -> Instant:
        return Instant(self.time, 1_700_000_000_000 + int(self.time * 1000))

    def obey(self) -> None:
        is_busy = True
        while is_busy:
            output = self.engine.take_output()
            is_busy = bool(output.persist or output.history)
            self.statuses += [frame for _, frame in output.to_balancers if type(frame) is Status]
            if output.drained is not None:
                self.remembered.append(output.drained)
            for batch in output.persist:
                self.engine.persisted(batch.number, self.now())
            for write in output.history:
                self.engine.history_written(write.applied, self.now())

    def order(self, *, is_wanted: bool) -> None:
        self.engine.receive_trunk("b1", Drain(is_wanted), self.now())
        self.obey()

    def said(self) -> tuple[str, str]:
        return self.statuses[-1].state, self.statuses[-1].reason


def test_an_order_is_said_at_once_and_remembered_once() -> None:
    alone = Alone()
    assert alone.said() == ("ready", "")
    alone.order(is_wanted=True)
    assert alone.said() == ("draining", "drained by an operator")
    alone.order(is_wanted=True)
    assert alone.remembered == [True]
    alone.order(is_wanted=False)
    assert alone.said() == ("ready", "")
    assert alone.remembered == [True, False]


def test_a_node_that_was_drained_starts_drained() -> None:
    alone = Alone(is_drained=True)
    assert alone.said() == ("draining", "drained by an operator")
    assert alone.remembered == []


def test_a_node_that_is_about_to_stop_has_its_clients_moved_first() -> None:
    alone = Alone()
    alone.engine.leave(alone.now())
    alone.obey()
    assert alone.said() == ("draining", "the node is stopping")
    assert not alone.engine.is_stopped
    assert alone.remembered == []
