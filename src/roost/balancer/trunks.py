"""The nodes' side of a balancer: trunks, one per node, dialled by the nodes.

    TCP, mutual TLS (roost.wire) --> a node:      Hello in time and in order --> the exchange
                                 --> an operator or a newcomer: orders (roost.balancer.operators)

A peer that breaks the protocol loses its link, with one line in the log and no other consequence.
"""

import contextlib
import ssl
from collections.abc import AsyncIterator, Callable

import structlog

from roost.balancer.engine.administration import AdministrationDesk
from roost.balancer.engine.exchange import Exchange
from roost.balancer.engine.registry import NodeRegistry
from roost.balancer.errors import BalancerError, RefusedNodeError, TrunkError
from roost.balancer.operators import NewcomerLink, OperatorLink
from roost.balancer.scheduling import FlushScheduler
from roost.protocol.codec import FrameError
from roost.protocol.greeting import check_name
from roost.protocol.orders import Answer, RenewOrder
from roost.protocol.trunk import (
    FromBalancer,
    FromNode,
    Hello,
    Refusal,
    Registry,
    Told,
    decode_from_node,
    encode,
)
from roost.wire import (
    FramedConnection,
    Handler,
    RefusalLog,
    admit,
    format_address,
    serve,
)

_logger = structlog.get_logger()

HELLO_S = 5.0
"""How long a peer may take to announce itself, which it can do at once."""


class TrunkLink:
    """A node's connection; the exchange's `Trunk`."""

    def __init__(
        self, listener: "TrunkListener", connection: FramedConnection, opened_at: float
    ) -> None:
        self._listener = listener
        self._connection = connection
        self.opened_at = opened_at
        self.peer = connection.peer
        self.name = connection.peer.name
        self.key = connection.peer_key
        self.address = connection.address
        self.is_announced = False

    # What the exchange calls

    def send(self, frame: FromBalancer) -> None:
        """Queue a frame; do nothing if the link is going down."""
        self._connection.send(encode(frame))

    def drop(self, reason: str) -> None:
        self._connection.abort(reason)

    def close(self, reason: str) -> None:
        """Send what is queued, and end the link."""
        self._connection.close(reason)

    # What the connection calls

    def on_frame(self, body: bytes) -> None:
        """Receive a frame; drop the link if it breaks the protocol."""
        try:
            try:
                frame = decode_from_node(body)
            except FrameError as error:
                raise TrunkError(str(error)) from error
            self._listener.received(self, frame)
        except BalancerError as error:
            self._listener.refused(self, error)
            if isinstance(error, RefusedNodeError):
                self._connection.send(encode(Refusal(str(error))))
                self._connection.close(str(error))
            else:
                self._connection.abort(str(error))

    def on_closed(self, reason: str) -> None:
        self._listener.closed(self, reason)


class TrunkListener:
    """Accepts nodes and operators, and passes on what they send."""

    def __init__(
        self,
        exchange: Exchange,
        scheduler: FlushScheduler,
        name: str,
        renewal: Callable[[RenewOrder], Answer],
    ) -> None:
        """`renewal` takes certificates that operators send for this balancer."""
        self._exchange = exchange
        self._renewal = renewal
        self._scheduler = scheduler
        self._name = name
        self._links: dict[TrunkLink, None] = {}
        self._is_closing = False
        self._desk = AdministrationDesk(exchange.pool)
        self.registry = NodeRegistry()
        self.refusals = RefusalLog()

    def open(self, connection: FramedConnection) -> Handler:
        """Serve a connection with a certificate of our cluster."""
        if connection.peer.role != "node":
            parts = (self._exchange, self._desk, self._scheduler, self._name, connection)
            is_operator = connection.peer.role == "operator"
            return OperatorLink(*parts, self._renewal) if is_operator else NewcomerLink(*parts)
        link = TrunkLink(self, connection, self._scheduler.read_clock())
        self._links[link] = None
        return link

    def received(self, link: TrunkLink, frame: FromNode) -> None:
        """Pass a frame on.

        Raises:
            BalancerError: The peer broke the protocol; drop the link.
        """
        now = self._scheduler.read_clock()
        if link.is_announced and isinstance(frame, Told):
            self._desk.told(link.name, frame)
        elif link.is_announced and isinstance(frame, Registry):
            if self.registry.note(link.name, frame):
                self._part_with_strangers()
        elif link.is_announced:
            self._exchange.receive(link.name, link, frame, now)
        elif not isinstance(frame, Hello):
            raise TrunkError("it did not announce itself first")
        elif reason := check_name(frame, link.name) or self.registry.refusal(link.name, link.key):
            raise RefusedNodeError(reason)
        else:
            self._exchange.node_connected(frame, link, now)
            link.is_announced = True
            self.refusals.accepted(link.address, link.peer)
            _logger.info(
                "node-connected",
                node=frame.name,
                address=link.address,
                pid=frame.pid,
                version=frame.version,
                mesh_address=frame.mesh_address,
            )
        self._scheduler.schedule_flush()

    def _part_with_strangers(self) -> None:
        """End the trunks of nodes that do not belong to the cluster any more, and forget them."""
        for link in list(self._links):
            if link.is_announced and (reason := self.registry.refusal(link.name, link.key)):
                _logger.warning("node-removed", node=link.name, reason=reason)
                link.send(Refusal(reason))
                self.closed(link, reason)
                link.close(reason)
        for node in list(self._exchange.pool):
            if node.name not in self.registry.names:
                self._exchange.pool.forget(node.name)

    def refused(self, link: TrunkLink, error: BalancerError) -> None:
        """Log why a link is dropped; not every time if the peer never announced itself."""
        if link.is_announced:
            _logger.error("trunk-misused", node=link.name, address=link.address, reason=str(error))
            return
        self.refusals.refused(link.address, str(error), link.peer)

    def closed(self, link: TrunkLink, reason: str) -> None:
        """Pass on that a link is lost."""
        self._links.pop(link, None)
        if link.is_announced and not self._is_closing:
            self._exchange.node_lost(link.name, link, reason, self._scheduler.read_clock())
            self._desk.node_lost(link.name)
            self._scheduler.schedule_flush()

    def sweep(self, now: float) -> None:
        """Drop peers that have not announced themselves in time."""
        for link in list(self._links):
            if not link.is_announced and now - link.opened_at >= HELLO_S:
                error = RefusedNodeError(f"it did not announce itself within {HELLO_S:g} s")
                self.refused(link, error)
                link.drop(str(error))

    def close(self) -> None:
        """Close all links; the exchange is not told, as it is stopping."""
        self._is_closing = True
        for link in list(self._links):
            link.close("this balancer is stopping")


@contextlib.asynccontextmanager
async def listen(
    listener: TrunkListener, context: ssl.SSLContext, cluster: str, host: str, port: int
) -> AsyncIterator[str]:
    """Accept trunks while the context lasts; yield the address, host:port.

    Raises:
        OSError: The address cannot be listened on.
    """
    async with contextlib.AsyncExitStack() as stack:
        try:
            admission = admit(cluster, "node", "operator", "newcomer")
            server = await stack.enter_async_context(
                serve(host, port, context, listener.open, admission, refusals=listener.refusals)
            )
        except OSError as error:
            text = f"cannot listen on {format_address((host, port))}: {error.strerror or error}"
            raise OSError(error.errno, text) from error
        yield format_address((host, server.port))
