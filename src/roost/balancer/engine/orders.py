"""Operators' orders: drain a node, take it back, renew its certificate, or say how it is."""

from roost.balancer.engine.node_pool import NodePool
from roost.protocol.orders import PROTOCOL_VERSION, Answer, Order, RenewOrder
from roost.protocol.trunk import Drain, FromBalancer, NewCertificate


def obey(order: Order, pool: NodePool, balancer: str, now: float) -> Answer:
    """Pass an order on to the node that it names, and return the answer.

    The answer has a `problem` if nothing was passed on.
    """
    if problem := foreign_version(order.protocol, balancer):
        return Answer(problem=problem)
    frame = None if order.is_drained is None else Drain(order.is_drained)
    return _pass(frame, order.node, pool, balancer, now)


def pass_certificate(order: RenewOrder, pool: NodePool, balancer: str, now: float) -> Answer:
    """Pass a renewed certificate on to the node that it is for; answer as `obey` does."""
    if problem := foreign_version(order.protocol, balancer):
        return Answer(problem=problem)
    return _pass(NewCertificate(order.certificate), order.node, pool, balancer, now)


def _pass(
    frame: FromBalancer | None, name: str, pool: NodePool, balancer: str, now: float
) -> Answer:
    """Send a frame to a node, and say how the node is."""
    node = pool.find(name)
    if node is None:
        known = ", ".join(sorted(one.name for one in pool)) or "none at all"
        return Answer(problem=f"{balancer} knows no node {name}; it knows {known}")
    if node.trunk is None:
        return Answer(problem=f"{name} is not connected to {balancer}")
    if frame is not None:
        node.trunk.send(frame)
    status = node.health.status(now)
    return Answer(
        state=status.state,
        reason=status.reason,
        sessions=max(len(node.sessions), node.report.sessions if node.report else 0),
        others_ready=sum(one is not node and one.health.status(now).is_ready for one in pool),
        certificate_days=node.certificate_days,
    )


def foreign_version(protocol: int, balancer: str) -> str:
    """Return what is wrong with the version that a command speaks; empty for nothing."""
    if protocol == PROTOCOL_VERSION:
        return ""
    return (
        f"{balancer} speaks version {PROTOCOL_VERSION} of the protocol, "
        f"not {protocol}: use the same version of Roost"
    )
