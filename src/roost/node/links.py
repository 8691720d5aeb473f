"""The mesh: one link between every two nodes, over which replicas talk.

    lower name                          higher name
        | ---- TCP, mutual TLS ------------> |      the lower name dials
        | ---- PeerHello ------------------> |
        | <--- PeerHello ------------------- |      now the link is up, on either side
        | <--- PeerPing, PeerPong, ... ----> |      a heartbeat each way, four times a second

A link that is silent for several heartbeats is dropped; one that is gone is reported at once,
because a lost leader is replaced on that report. A peer that comes again replaces its earlier
link, which is then only half open. Only members of the cluster are let in, each under the name in
its certificate.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path

import msgspec
import structlog

from roost.node.dialling import MESH_PACE, Backoff, Dialler
from roost.node.engine.inputs import (
    Input,
    PeerConnected,
    PeerDisconnected,
    PeerFrameReceived,
    RoundTripMeasured,
)
from roost.node.files import load_addresses, save_addresses
from roost.ops import clock
from roost.protocol import mesh
from roost.protocol.mesh import PROTOCOL_VERSION, PeerFrame, PeerHello, PeerPing, PeerPong
from roost.wire import FramedConnection, Identity, RefusalLog, admit, parse_address, serve

_logger = structlog.get_logger()

HEARTBEAT_S = 0.25
SILENT_BEATS_MAX = 6
"""Six heartbeats, 1.5 s. They are counted by our own beats and not on a clock: after this process
itself was stopped for long, what waits in its sockets is read before anybody is judged."""
_SMOOTHING = 0.125
"""How much a new round-trip time counts, as in TCP (RFC 6298)."""
_ADDRESS_BYTES_MAX = 300
"""A host name has at most 253; nothing longer is remembered."""


class MeshConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a node's end of the mesh must know."""

    cluster: str
    name: str
    members: tuple[str, ...]
    version: str
    host: str
    port: int
    """0 for any free one."""
    addresses: Mapping[str, str]
    """Where neighbours are, as far as the configuration says."""
    remembered: Path
    """The file for addresses that were learnt."""
    heartbeat_s: float = HEARTBEAT_S


class Link:
    """One connection to a neighbour."""

    def __init__(self, owner: "Mesh", connection: FramedConnection) -> None:
        self.name = connection.peer.name
        self.connection = connection
        self.closed = asyncio.Event()
        self.was_up = False
        self.is_up = False
        self._owner = owner
        self._silent_beats = 0
        self._nonce = 0
        self._pinged: dict[int, float] = {}
        self._round_trip_ms: float | None = None
        connection.send(mesh.encode(owner.hello()))

    def on_frame(self, body: bytes) -> None:
        """Take a neighbour's frame."""
        self._silent_beats = 0
        try:
            frame = mesh.decode(body)
        except (msgspec.MsgspecError, ValueError) as error:
            self.connection.abort(f"it sent a frame that cannot be read: {error}")
            return
        if not self.is_up:
            self._shake_hands(frame)
            return
        match frame:
            case PeerPing(nonce):
                self.connection.send(mesh.encode(PeerPong(nonce)))
            case PeerPong(nonce):
                self._note_round_trip(nonce)
            case PeerHello():
                self.connection.abort("it greeted twice")
            case _:
                self._owner.tell(PeerFrameReceived(self.name, frame))

    def on_closed(self, reason: str) -> None:
        """Report the loss."""
        self.closed.set()
        self._owner.link_closed(self, reason)

    def beat(self) -> None:
        """Send a heartbeat, or give the link up."""
        self._silent_beats += 1
        if self._silent_beats > SILENT_BEATS_MAX:
            self.connection.abort("it is silent")
        elif self.is_up:
            self._nonce += 1
            self._pinged[self._nonce] = clock.monotonic()
            self.connection.send(mesh.encode(PeerPing(self._nonce)))

    def _shake_hands(self, frame: PeerFrame) -> None:
        if not isinstance(frame, PeerHello):
            self.connection.abort("it did not greet first")
        elif frame.protocol != PROTOCOL_VERSION:
            self.connection.abort(
                f"it speaks version {frame.protocol} of the protocol, we speak {PROTOCOL_VERSION}"
            )
        elif frame.cluster != self._owner.config.cluster or frame.name != self.name:
            self.connection.abort(
                f"it greets as {frame.name!r} of cluster {frame.cluster!r}, "
                f"which is not what its certificate says"
            )
        else:
            self.is_up = self.was_up = True
            self._owner.link_up(self, frame)

    def _note_round_trip(self, nonce: int) -> None:
        sent = self._pinged.pop(nonce, None)
        if sent is None:
            return
        for older in [number for number in self._pinged if number < nonce]:
            del self._pinged[older]
        measured = (clock.monotonic() - sent) * 1000
        if self._round_trip_ms is None:
            self._round_trip_ms = measured
        else:
            self._round_trip_ms += _SMOOTHING * (measured - self._round_trip_ms)
        self._owner.tell(RoundTripMeasured(self.name, self._round_trip_ms))


class Mesh:
    """All links of one node."""

    def __init__(
        self,
        config: MeshConfig,
        tell: Callable[[Input], None],
        last_index: Callable[[], int],
        server_context: ssl.SSLContext,
        client_context: ssl.SSLContext,
        random: Callable[[], float],
    ) -> None:
        """`tell` passes on what happens; `last_index` is the last entry in this node's log."""
        self.config = config
        self.tell = tell
        self._last_index = last_index
        self._server_context = server_context
        self._client_context = client_context
        self._random = random
        self._admit_node = admit(config.cluster, "node")
        self._refusals = RefusalLog()
        self._connections: dict[Link, None] = {}
        self._links: dict[str, Link] = {}
        self._diallers: dict[str, Dialler] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._running: list[asyncio.Task[None]] = []
        self._addresses: dict[str, str] = {}
        self._has_learnt = asyncio.Event()
        self.port = 0
        """Where this node listens, once it is open."""

    @property
    def linked(self) -> tuple[str, ...]:
        """The neighbours to which a link is up."""
        return tuple(self._links)

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where neighbours are, as far as is known."""
        return self._addresses

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen and dial while the context lasts.

        Raises:
            OSError: the address cannot be listened on.
        """
        config = self.config
        async with (
            serve(
                config.host,
                config.port,
                self._server_context,
                lambda connection: self._open_link(connection),
                self._admit_caller,
            ) as listener,
            asyncio.TaskGroup() as tasks,
        ):
            self.port = listener.port
            self._tasks = tasks
            self._run(self._beat())
            self._run(self._remember())
            remembered = load_addresses(config.remembered)
            for name, address in {**remembered, **config.addresses}.items():
                self.learn(name, address)
            try:
                yield
            finally:
                self._tasks = None
                for task in self._running:
                    task.cancel()
                for link in list(self._connections):
                    link.connection.abort("this node is stopping")

    def learn(self, name: str, address: str) -> None:
        """Note where a neighbour listens; only members' addresses are of interest."""
        if name == self.config.name or name not in self.config.members:
            return
        if self._addresses.get(name) == address or len(address) > _ADDRESS_BYTES_MAX:
            return
        try:
            parse_address(address)
        except ValueError as error:
            _logger.warning("bad-neighbour-address", peer=name, reason=str(error))
            return
        self._addresses[name] = address
        self._has_learnt.set()
        if name < self.config.name:
            return
        if name in self._diallers:
            self._diallers[name].redirect(address)
            return
        dialler = Dialler(
            address,
            self._client_context,
            lambda connection: self._open_link(connection),
            lambda peer: self._admit_dialled(peer, name),
            Backoff(MESH_PACE, self._random),
            self._refusals,
        )
        self._diallers[name] = dialler
        self._run(dialler.run())

    def send(self, name: str, bodies: Iterable[bytes]) -> None:
        """Send encoded frames to a neighbour; nothing happens when no link is up."""
        link = self._links.get(name)
        if link is not None:
            link.connection.send_many(bodies)

    # For links

    def hello(self) -> PeerHello:
        """Make this node's greeting."""
        config = self.config
        return PeerHello(
            PROTOCOL_VERSION, config.cluster, config.name, config.version, self._last_index()
        )

    def link_up(self, link: Link, hello: PeerHello) -> None:
        """A link has shaken hands: from now on it is the link to this neighbour."""
        earlier = self._links.pop(link.name, None)
        if earlier is not None:
            earlier.is_up = False
            self.tell(PeerDisconnected(link.name))
            earlier.connection.abort("it has connected again")
        self._links[link.name] = link
        _logger.info(
            "peer-connected",
            peer=link.name,
            address=link.connection.address,
            version=hello.version,
            position=hello.position,
        )
        self.tell(PeerConnected(link.name))

    def link_closed(self, link: Link, reason: str) -> None:
        """A connection is gone."""
        self._connections.pop(link, None)
        if link.is_up:
            link.is_up = False
            del self._links[link.name]
            _logger.info("peer-disconnected", peer=link.name, reason=reason)
            self.tell(PeerDisconnected(link.name))
        elif not link.was_up:
            connection = link.connection
            self._refusals.refused(connection.address, reason, connection.peer)

    def _open_link(self, connection: FramedConnection) -> Link:
        link = Link(self, connection)
        self._connections[link] = None
        return link

    def _admit_caller(self, peer: Identity) -> str:
        reason = self._admit_node(peer)
        if reason:
            return reason
        if peer.name not in self.config.members:
            return f"{peer.name!r} is not a member of the cluster"
        if peer.name >= self.config.name:
            return f"{self.config.name!r} dials {peer.name!r}, not the other way round"
        return ""

    def _admit_dialled(self, peer: Identity, name: str) -> str:
        reason = self._admit_node(peer)
        if not reason and peer.name != name:
            return f"it is {peer.name!r}, and {name!r} was expected there"
        return reason

    # Tasks

    def _run(self, coroutine: "asyncio._CoroutineLike[None]") -> None:
        assert self._tasks is not None, "the mesh is not open"
        self._running.append(self._tasks.create_task(coroutine))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.config.heartbeat_s)
            for link in list(self._connections):
                link.beat()

    async def _remember(self) -> None:
        """Keep what was learnt, off the event loop: the disk may be slow or full."""
        while True:
            await self._has_learnt.wait()
            self._has_learnt.clear()
            known = dict(sorted(self._addresses.items()))
            await asyncio.to_thread(save_addresses, self.config.remembered, known)
