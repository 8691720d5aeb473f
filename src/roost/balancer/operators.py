"""The connections of operators' commands and of machines that join, on the port of the trunks.

An operator may do everything. A newcomer's certificate came with a token, and all that it opens is
what the token was issued for.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import structlog

from roost.balancer.engine import orders
from roost.balancer.engine.administration import AdministrationDesk
from roost.balancer.engine.exchange import Exchange
from roost.balancer.scheduling import FlushScheduler
from roost.chat.commands.administration import RedeemToken
from roost.protocol.codec import FrameError
from roost.protocol.orders import (
    AdministerAnswer,
    AdministerOrder,
    Answer,
    Order,
    RenewOrder,
    decode_order,
    decode_redeem,
    encode,
    is_unknown_request,
)
from roost.wire import FramedConnection

_logger = structlog.get_logger()

REQUEST_CHARACTERS_MAX = 64
"""Of what people's commands draw at random: twice as long as it is."""


UNKNOWN_REQUEST = "does not know this request, so it is of an older release: upgrade it first"


class _OrderLink(ABC):
    """One connection on which orders come."""

    def __init__(
        self,
        exchange: Exchange,
        desk: AdministrationDesk,
        scheduler: FlushScheduler,
        name: str,
        connection: FramedConnection,
    ) -> None:
        self._exchange = exchange
        self._desk = desk
        self._scheduler = scheduler
        self._name = name
        self._connection = connection

    @abstractmethod
    def obey(self, body: bytes) -> None:
        """Carry out an order.

        Raises:
            FrameError: it cannot be read.
        """

    def on_frame(self, body: bytes) -> None:
        """Carry out an order, and answer it."""
        try:
            self.obey(body)
        except FrameError as error:
            self._connection.abort(str(error))

    def on_closed(self, reason: str) -> None:
        """Do nothing but note it: what was ordered stays."""
        _logger.debug("orders-end", peer=self._connection.peer.name, reason=reason)

    def answer(self, answer: AdministerAnswer) -> None:
        self._connection.send(encode(answer))

    def is_acceptable(self, protocol: int, request: str) -> bool:
        """Return whether a request can be passed on; if not, say why."""
        if problem := orders.foreign_version(protocol, self._name):
            self.answer(AdministerAnswer(problem))
        elif not 0 < len(request) <= REQUEST_CHARACTERS_MAX:
            self.answer(AdministerAnswer(f"its id must have 1 to {REQUEST_CHARACTERS_MAX} letters"))
        else:
            return True
        return False


class OperatorLink(_OrderLink):
    """One connection of an operator's command."""

    def __init__(
        self,
        exchange: Exchange,
        desk: AdministrationDesk,
        scheduler: FlushScheduler,
        name: str,
        connection: FramedConnection,
        renewal: Callable[[RenewOrder], Answer],
    ) -> None:
        """`renewal` takes certificates that are for this balancer."""
        super().__init__(exchange, desk, scheduler, name, connection)
        self._renewal = renewal

    def obey(self, body: bytes) -> None:
        try:
            order = decode_order(body)
        except FrameError:
            if not is_unknown_request(body):
                raise
            self.answer(AdministerAnswer(f"{self._name} {UNKNOWN_REQUEST}"))
            return
        if isinstance(order, AdministerOrder):
            self._administer(order)
        elif isinstance(order, RenewOrder):
            self._renew(order)
        else:
            self._drain(order)

    def _drain(self, order: Order) -> None:
        now = self._scheduler.read_clock()
        answer = orders.obey(order, self._exchange.pool, self._name, now)
        if order.is_drained is not None and not answer.problem:
            _logger.info(
                "drain" if order.is_drained else "undrain",
                node=order.node,
                operator=self._connection.peer.name,
                address=self._connection.address,
            )
        self._connection.send(encode(answer))

    def _renew(self, order: RenewOrder) -> None:
        now = self._scheduler.read_clock()
        if order.node == self._name:
            answer = self._take(order)
        else:
            answer = orders.pass_certificate(order, self._exchange.pool, self._name, now)
        self._connection.send(encode(answer))

    def _take(self, order: RenewOrder) -> Answer:
        """Use a renewed certificate that is for this balancer."""
        if problem := orders.foreign_version(order.protocol, self._name):
            return Answer(problem=problem)
        _logger.info(
            "renew",
            is_for_clients=order.is_for_clients,
            operator=self._connection.peer.name,
            address=self._connection.address,
        )
        return self._renewal(order)

    def _administer(self, order: AdministerOrder) -> None:
        if isinstance(order.operation, RedeemToken):
            self.answer(AdministerAnswer("only the token's holder may redeem it"))
        elif self.is_acceptable(order.protocol, order.request):
            _logger.info(
                "administer",
                operation=repr(order.operation),
                operator=self._connection.peer.name,
                address=self._connection.address,
            )
            now = self._scheduler.read_clock()
            self._desk.ask(order.request, order.operation, self.answer, now)


class NewcomerLink(_OrderLink):
    """One connection of a machine that joins."""

    def obey(self, body: bytes) -> None:
        order = decode_redeem(body)
        if not self.is_acceptable(order.protocol, order.request):
            return
        token = self._connection.peer.name
        _logger.info("join", token=token, address=self._connection.address)
        redeem = RedeemToken(token, order.claim)
        # Newcomers share no ids with others: nobody's outcome is given to somebody else.
        request = f"{token}/{order.request}"
        self._desk.ask(request, redeem, self.answer, self._scheduler.read_clock())
