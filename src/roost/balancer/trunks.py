"""Where nodes announce themselves: trunks, one per node, dialled by the nodes.

    TCP, mutual TLS (roost.wire) --> a node's:      Hello in time and in order --> the exchange
                                 --> an operator's: orders (roost.balancer.operators)

A peer that breaks the protocol loses its link, with one line in the log, and nothing else happens.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Protocol

import structlog

from roost.balancer.engine.exchange import Exchange
from roost.balancer.errors import BalancerError, RefusedNodeError, TrunkError
from roost.balancer.operators import OperatorLink
from roost.protocol.codec import FrameError
from roost.protocol.greeting import check_name
from roost.protocol.trunk import FromBalancer, FromNode, Hello, decode_from_node, encode
from roost.wire import (
    Credentials,
    FramedConnection,
    Handler,
    RefusalLog,
    admit,
    format_address,
    serve,
    server_context,
)

_logger = structlog.get_logger()

HELLO_S = 5.0
"""How long a peer may take to announce itself; it has nothing to wait for."""


class Clock(Protocol):
    """The turns of the loop, with a clock for round-trip times."""

    def read_clock(self) -> float:
        """Look at the clock."""

    def touch(self) -> None:
        """Something was given to the exchange: finish this turn."""


class TrunkLink:
    """One connection of a node; it is the exchange's `Trunk`."""

    def __init__(self, desk: "TrunkDesk", connection: FramedConnection, opened_at: float) -> None:
        self._desk = desk
        self._connection = connection
        self.opened_at = opened_at
        self.peer = connection.peer
        self.name = connection.peer.name
        self.address = connection.address
        self.is_announced = False

    # What the exchange calls

    def send(self, frame: FromBalancer) -> None:
        """Queue a frame; nothing happens when the link is going down."""
        self._connection.send(encode(frame))

    def drop(self, reason: str) -> None:
        """End the link."""
        self._connection.abort(reason)

    def close(self, reason: str) -> None:
        """Send what is queued, and end the link."""
        self._connection.close(reason)

    # What the connection calls

    def on_frame(self, body: bytes) -> None:
        """Take a frame; a peer that breaks the protocol loses the link."""
        try:
            try:
                frame = decode_from_node(body)
            except FrameError as error:
                raise TrunkError(str(error)) from error
            self._desk.received(self, frame)
        except BalancerError as error:
            self._desk.refused(self, error)
            self._connection.abort(str(error))

    def on_closed(self, reason: str) -> None:
        """The link is gone."""
        self._desk.closed(self, reason)


class OrderLink:
    """One connection of an operator."""

    def __init__(self, desk: "TrunkDesk", operator: OperatorLink) -> None:
        self._desk = desk
        self._operator = operator

    def on_frame(self, body: bytes) -> None:
        """Take an order."""
        self._desk.ordered(self._operator, body)

    def on_closed(self, reason: str) -> None:
        """Nothing was promised to an operator who is gone."""


class TrunkDesk:
    """Lets nodes in, and passes on what they send."""

    def __init__(self, exchange: Exchange, clock: Clock, name: str) -> None:
        self._exchange = exchange
        self._clock = clock
        self._name = name
        self._links: dict[TrunkLink, None] = {}
        self._is_closing = False
        self._refusals = RefusalLog()

    def open(self, connection: FramedConnection) -> Handler:
        """Take a connection whose certificate is a node's or an operator's of our cluster."""
        if connection.peer.role == "operator":
            return OrderLink(self, OperatorLink(self._exchange, self._name, connection))
        link = TrunkLink(self, connection, self._clock.read_clock())
        self._links[link] = None
        return link

    def received(self, link: TrunkLink, frame: FromNode) -> None:
        """Pass a frame on.

        Raises:
            BalancerError: the link is to be dropped.
        """
        now = self._clock.read_clock()
        if link.is_announced:
            self._exchange.receive(link.name, link, frame, now)
        elif not isinstance(frame, Hello):
            raise TrunkError("it did not announce itself first")
        elif reason := check_name(frame, link.name):
            raise RefusedNodeError(reason)
        else:
            self._exchange.node_connected(frame, link, now)
            link.is_announced = True
            _logger.info(
                "node-connected",
                node=frame.name,
                address=link.address,
                pid=frame.pid,
                version=frame.version,
                mesh_address=frame.mesh_address,
            )
        self._clock.touch()

    def ordered(self, operator: OperatorLink, body: bytes) -> None:
        """An operator has sent something."""
        operator.receive(body, self._clock.read_clock())
        self._clock.touch()

    def refused(self, link: TrunkLink, error: BalancerError) -> None:
        """Log why a link is dropped: every time for a node that was in, else once in a while."""
        if link.is_announced:
            _logger.error("trunk-misused", node=link.name, address=link.address, reason=str(error))
            return
        self._refusals.refused(link.address, str(error), link.peer)

    def closed(self, link: TrunkLink, reason: str) -> None:
        """A link is gone."""
        self._links.pop(link, None)
        if link.is_announced and not self._is_closing:
            self._exchange.node_lost(link.name, link, reason, self._clock.read_clock())
            self._clock.touch()

    def sweep(self, now: float) -> None:
        """Drop peers that do not announce themselves."""
        for link in list(self._links):
            if not link.is_announced and now - link.opened_at >= HELLO_S:
                error = RefusedNodeError(f"it did not announce itself within {HELLO_S:g} s")
                self.refused(link, error)
                link.drop(str(error))

    def close(self) -> None:
        """End all links in order; that is no node's loss."""
        self._is_closing = True
        for link in list(self._links):
            link.close("this balancer is stopping")


@contextlib.asynccontextmanager
async def listen(
    desk: TrunkDesk, credentials: Credentials, cluster: str, host: str, port: int
) -> AsyncIterator[str]:
    """Accept trunks while the context lasts; gives the address, host:port.

    Raises:
        CredentialsError: the certificate or key cannot be used.
        OSError: the address cannot be listened on.
    """
    context = server_context(credentials)
    async with contextlib.AsyncExitStack() as stack:
        try:
            listener = await stack.enter_async_context(
                serve(host, port, context, desk.open, admit(cluster, "node", "operator"))
            )
        except OSError as error:
            text = f"cannot listen on {format_address((host, port))}: {error.strerror or error}"
            raise OSError(error.errno, text) from error
        yield format_address((host, listener.port))
