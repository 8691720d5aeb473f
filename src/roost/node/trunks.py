"""The trunks: one connection to each balancer, dialled by the node.

    node                                  balancer
      | ---- TCP, mutual TLS -----------> |
      | ---- Hello ---------------------> |
      | <--- Welcome -------------------- |     now the trunk is up
      | <--- Ping ----- Pong -----------> |     answered here, at once
      | <--- Attach, Lines, Detach ------ |
      | ---- Status, Output ------------> |

A probe measures whether this process's event loop turns, so nothing may come between it and its
answer. Which nodes exist is told by the balancers and passed on to the mesh.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterable

import structlog
from msgspec import MsgspecError

from roost.node.dialling import TRUNK_PACE, Backoff, Dialler
from roost.node.engine.inputs import (
    Input,
    TrunkConnected,
    TrunkDisconnected,
    TrunkFrameReceived,
)
from roost.protocol.trunk import (
    PROTOCOL_VERSION,
    FromBalancer,
    Hello,
    Neighbour,
    Neighbours,
    Ping,
    Pong,
    Welcome,
    decode_from_balancer,
    encode,
)
from roost.wire import FramedConnection, RefusalLog, admit

_logger = structlog.get_logger()

BEAT_S = 0.5
SILENT_BEATS_MAX = 20
"""Ten seconds: many probes of a balancer. One that stops probing is gone with its clients, and
dialling it again is all that can be done."""


class Trunk:
    """One connection to a balancer."""

    def __init__(self, owner: "Trunks", connection: FramedConnection) -> None:
        self.name = connection.peer.name
        self.connection = connection
        self.closed = asyncio.Event()
        self.was_up = False
        self.is_up = False
        self._owner = owner
        self._silent_beats = 0
        connection.send(encode(owner.hello()))

    def on_frame(self, body: bytes) -> None:
        """Take a balancer's frame."""
        self._silent_beats = 0
        try:
            frame = decode_from_balancer(body)
        except (MsgspecError, ValueError) as error:
            self.connection.abort(f"it sent a frame that cannot be read: {error}")
            return
        if not self.is_up:
            self._shake_hands(frame)
            return
        match frame:
            case Ping(nonce):
                self.connection.send(encode(Pong(nonce)))
            case Neighbours(neighbours):
                self._owner.learn(neighbours)
            case Welcome():
                self.connection.abort("it welcomed twice")
            case _:
                self._owner.tell(TrunkFrameReceived(self.name, frame))

    def on_closed(self, reason: str) -> None:
        """Report the loss."""
        self.closed.set()
        self._owner.trunk_closed(self, reason)

    def beat(self) -> None:
        """Give the trunk up when it is silent for too long."""
        self._silent_beats += 1
        if self._silent_beats > SILENT_BEATS_MAX:
            self.connection.abort("it is silent")

    def _shake_hands(self, frame: FromBalancer) -> None:
        if not isinstance(frame, Welcome):
            self.connection.abort("it did not welcome us first")
        elif frame.protocol != PROTOCOL_VERSION:
            self.connection.abort(
                f"it speaks version {frame.protocol} of the protocol, we speak {PROTOCOL_VERSION}"
            )
        elif frame.cluster != self._owner.cluster or frame.name != self.name:
            self.connection.abort(
                f"it welcomes as {frame.name!r} of cluster {frame.cluster!r}, "
                f"which is not what its certificate says"
            )
        elif self._owner.is_connected(self.name):
            self.connection.abort(f"there is a trunk to {self.name!r} already")
        else:
            self.is_up = self.was_up = True
            self._owner.trunk_up(self, frame)


class Trunks:
    """All trunks of one node."""

    def __init__(
        self,
        cluster: str,
        addresses: tuple[str, ...],
        tell: Callable[[Input], None],
        hello: Callable[[], Hello],
        learn: Callable[[tuple[Neighbour, ...]], None],
        context: ssl.SSLContext,
        random: Callable[[], float],
    ) -> None:
        """`tell` passes on what happens, `hello` greets, `learn` gets the nodes there are."""
        self.cluster = cluster
        self.tell = tell
        self.hello = hello
        self.learn = learn
        self._connections: dict[Trunk, None] = {}
        self._trunks: dict[str, Trunk] = {}
        self._refusals = RefusalLog()
        admission = admit(cluster, "balancer")
        self._diallers = [
            Dialler(
                address,
                context,
                lambda connection: self._open_trunk(connection),
                admission,
                Backoff(TRUNK_PACE, random),
                self._refusals,
            )
            for address in dict.fromkeys(addresses)
        ]

    @property
    def connected(self) -> tuple[str, ...]:
        """The balancers to which a trunk is up."""
        return tuple(self._trunks)

    def is_connected(self, balancer: str) -> bool:
        """Tell whether a trunk to this balancer is up."""
        return balancer in self._trunks

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Dial while the context lasts."""
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(dialler.run()) for dialler in self._diallers]
            running.append(tasks.create_task(self._beat()))
            try:
                yield
            finally:
                for task in running:
                    task.cancel()
                for trunk in list(self._connections):
                    trunk.connection.close("this node is stopping")

    def send(self, balancer: str, bodies: Iterable[bytes]) -> None:
        """Send encoded frames to a balancer; nothing happens when no trunk is up."""
        trunk = self._trunks.get(balancer)
        if trunk is not None:
            trunk.connection.send_many(bodies)

    # For trunks

    def trunk_up(self, trunk: Trunk, welcome: Welcome) -> None:
        """A trunk has shaken hands."""
        self._trunks[trunk.name] = trunk
        _logger.info("balancer-connected", balancer=trunk.name, address=trunk.connection.address)
        self.tell(TrunkConnected(welcome))
        self.learn(welcome.neighbours)

    def trunk_closed(self, trunk: Trunk, reason: str) -> None:
        """A connection is gone."""
        self._connections.pop(trunk, None)
        if trunk.is_up:
            trunk.is_up = False
            del self._trunks[trunk.name]
            _logger.info("balancer-disconnected", balancer=trunk.name, reason=reason)
            self.tell(TrunkDisconnected(trunk.name))
        else:
            connection = trunk.connection
            self._refusals.refused(connection.address, reason, connection.peer)

    def _open_trunk(self, connection: FramedConnection) -> Trunk:
        trunk = Trunk(self, connection)
        self._connections[trunk] = None
        return trunk

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            for trunk in list(self._connections):
                trunk.beat()
