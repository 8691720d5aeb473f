"""Operators' connections: orders, over the same port as trunks."""

import structlog

from roost.balancer.engine import orders
from roost.balancer.engine.exchange import Exchange
from roost.balancer.scheduling import FlushScheduler
from roost.protocol.codec import FrameError
from roost.protocol.orders import decode_order, encode
from roost.wire import FramedConnection

_logger = structlog.get_logger()


class OperatorLink:
    """One connection of an operator's command."""

    def __init__(
        self,
        exchange: Exchange,
        scheduler: FlushScheduler,
        name: str,
        connection: FramedConnection,
    ) -> None:
        self._exchange = exchange
        self._scheduler = scheduler
        self._name = name
        self._connection = connection

    def on_frame(self, body: bytes) -> None:
        """Carry out an order, and answer it."""
        try:
            order = decode_order(body)
        except FrameError as error:
            self._connection.abort(str(error))
            return
        answer = orders.obey(order, self._exchange.pool, self._name, self._scheduler.read_clock())
        if order.is_drained is not None and not answer.problem:
            _logger.info(
                "drain" if order.is_drained else "undrain",
                node=order.node,
                operator=self._connection.peer.name,
                address=self._connection.address,
            )
        self._connection.send(encode(answer))

    def on_closed(self, reason: str) -> None:
        """Do nothing: what was ordered stays."""
