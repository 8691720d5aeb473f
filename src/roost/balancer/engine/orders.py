"""Operators' orders: drain a node, take it back, or say how it is."""

from roost.balancer.engine.node_pool import NodePool
from roost.protocol.orders import PROTOCOL_VERSION, Answer, Order
from roost.protocol.trunk import Drain


def obey(order: Order, pool: NodePool, balancer: str, now: float) -> Answer:
    """Pass an order on to the node that it names, and return the answer.

    The answer has a `problem` if nothing was passed on.
    """
    if problem := foreign_version(order.protocol, balancer):
        return Answer(problem=problem)
    node = pool.find(order.node)
    if node is None:
        known = ", ".join(sorted(one.name for one in pool)) or "none at all"
        return Answer(problem=f"{balancer} knows no node {order.node}; it knows {known}")
    if node.trunk is None:
        return Answer(problem=f"{order.node} is not connected to {balancer}")
    if order.is_drained is not None:
        node.trunk.send(Drain(order.is_drained))
    status = node.health.status(now)
    return Answer(
        state=status.state,
        reason=status.reason,
        sessions=max(len(node.sessions), node.report.sessions if node.report else 0),
        others_ready=sum(one is not node and one.health.status(now).is_ready for one in pool),
    )


def foreign_version(protocol: int, balancer: str) -> str:
    """Return what is wrong with the version that a command speaks; empty for nothing."""
    if protocol == PROTOCOL_VERSION:
        return ""
    return (
        f"{balancer} speaks version {PROTOCOL_VERSION} of the protocol, "
        f"not {protocol}: use the same version of Roost"
    )
