"""Balancers are told which nodes belong to the cluster, once for each change."""

from roost.chat.commands.administration import AddNode, Administer, RemoveNode
from roost.protocol.trunk import Registry
from support.lone_node import LoneNode


def told(node: LoneNode) -> list[tuple[str, tuple[str, ...]]]:
    found = [
        (balancer, tuple(name for name, _ in frame.nodes))
        for balancer, frame in node.sent
        if isinstance(frame, Registry)
    ]
    node.sent.clear()
    return found


def test_each_balancer_is_told_at_first_and_at_each_change() -> None:
    node = LoneNode()
    # It has founded a cluster with itself.
    node.propose(Administer("n2", AddNode("n2")))
    node.connect("b1")
    assert told(node) == [("b1", ("n1", "n2"))]
    node.connect("b2")
    assert told(node) == [("b2", ("n1", "n2"))]
    node.propose(Administer("a", AddNode("n3", key="ab12")))
    assert told(node) == [("b1", ("n1", "n2", "n3")), ("b2", ("n1", "n2", "n3"))]
    node.propose(Administer("b", RemoveNode("n9")))
    node.pass_time(2.0)
    assert told(node) == []
    node.disconnect("b1")
    node.connect("b1")
    assert told(node) == [("b1", ("n1", "n2", "n3"))]
