"""Operators' orders: who has an operator's certificate may have nodes drained.

They come over the port of the trunks, and concern nobody but the node that they name.
"""

import structlog

from roost.balancer.engine.exchange import Exchange
from roost.protocol.codec import FrameError
from roost.protocol.orders import PROTOCOL_VERSION, Answer, Order, decode_order, encode
from roost.protocol.trunk import Drain
from roost.wire import FramedConnection

_logger = structlog.get_logger()


class OperatorLink:
    """One connection of an operator's command."""

    def __init__(self, exchange: Exchange, name: str, connection: FramedConnection) -> None:
        self._exchange = exchange
        self._name = name
        self._connection = connection

    def receive(self, body: bytes, now: float) -> None:
        """Take an order, and answer it."""
        try:
            order = decode_order(body)
        except FrameError as error:
            self._connection.abort(str(error))
            return
        self._connection.send(encode(self._obey(order, now)))

    def _obey(self, order: Order, now: float) -> Answer:
        fleet = self._exchange.fleet
        if order.protocol != PROTOCOL_VERSION:
            return Answer(
                problem=f"{self._name} speaks version {PROTOCOL_VERSION} of the protocol, "
                f"not {order.protocol}: use the same version of Roost"
            )
        node = fleet.find(order.node)
        if node is None:
            known = ", ".join(sorted(one.name for one in fleet)) or "none at all"
            return Answer(problem=f"{self._name} knows no node {order.node}; it knows {known}")
        if node.trunk is None:
            return Answer(problem=f"{order.node} is not connected to {self._name}")
        if order.is_drained is not None:
            node.trunk.send(Drain(order.is_drained))
            _logger.info(
                "drain" if order.is_drained else "undrain",
                node=order.node,
                operator=self._connection.peer.name,
                address=self._connection.address,
            )
        verdict = node.judge(now)
        return Answer(
            state=verdict.state,
            reason=verdict.reason,
            sessions=max(len(node.sessions), node.status.sessions if node.status else 0),
            others_ready=sum(one is not node and one.judge(now).is_ready for one in fleet),
        )
