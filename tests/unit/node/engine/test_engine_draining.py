"""A node is drained by an operator or because it stops."""

from roost.node.engine.inputs import Leave, TrunkFrameReceived
from roost.protocol.trunk import Drain, Status
from support.lone_node import LoneNode


class Alone(LoneNode):
    """A cluster of one node with one balancer."""

    def __init__(self, *, is_drained: bool = False) -> None:
        super().__init__(is_drained=is_drained)
        self.connect("b1")

    def order(self, *, is_wanted: bool) -> None:
        self.take(TrunkFrameReceived("b1", Drain(is_wanted)))

    def said(self) -> tuple[str, str]:
        status = [frame for _, frame in self.sent if isinstance(frame, Status)][-1]
        return status.state, status.reason


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
    alone.take(Leave())
    assert alone.said() == ("draining", "the node is stopping")
    assert not alone.engine.is_stopped
    assert alone.remembered == []
