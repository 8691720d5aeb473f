"""The mesh: one link between every two nodes, over which replicas talk.

The node with the lower name dials. Both sides greet with `PeerHello` and then send pings: with
other frames if there are any, or alone. Answers wait for other frames, too, and say for how long:
what comes alone wakes the peer. A link that is silent for several beats is dropped; one that is
gone is reported at once, because a lost leader is replaced on that report. A peer that comes again
replaces its earlier link, which is then only half open. Only nodes of the cluster are let in, each
under the name in its certificate. Every certified node is one until the engine says which ones are
(`follow`); one that was removed is told so.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
import structlog

from roost.node.engine.backoff import MESH_PACE
from roost.node.engine.inputs import (
    ClockMeasured,
    Input,
    PeerConnected,
    PeerDisconnected,
    PeerFrameReceived,
    PeerRefused,
    RoundTripMeasured,
)
from roost.node.files import load_addresses, save_addresses
from roost.node.links import Dialler, Link, LinkRules, Links
from roost.ops import clock
from roost.ops.pulse import Pulse
from roost.protocol.greeting import SPEAKS, Range
from roost.protocol.mesh import (
    PROTOCOL_VERSION,
    PeerFrame,
    PeerHello,
    PeerPing,
    PeerPong,
    PeerRefusal,
    decode,
    encode,
)
from roost.raft.messages import MESSAGES
from roost.wire import Identity, admit, parse_address, serve

_logger = structlog.get_logger()

SILENT_BEATS_MAX = 7
"""1.4 s: less than an election of a new leader may take altogether."""
RIDING_BEATS = 2
"""Beats after which a ping leaves with other frames, which wake the peer anyway."""
LONE_BEATS = 4
"""Beats after which one leaves alone, half as many as the peer allows. To a peer of version 1 the
side that has dialled sends it a beat earlier, and the other one's leaves with the answer, which is
immediate."""
_HELD_SINCE = 2
"""The version since which nodes understand answers that were held."""
_ADDRESS_BYTES_MAX = 300
"""A host name has at most 253; nothing longer is remembered."""
NO_KEYS: Mapping[str, str] = {}
_ADDRESSES_MAX = 64
"""Nodes whose addresses are remembered; some may belong to the cluster only later."""
_RULES = LinkRules(
    protocol=PROTOCOL_VERSION,
    decode=decode,
    greeting_type=PeerHello,
    silent_beats_max=SILENT_BEATS_MAX,
    is_replaced=True,
)


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
    speaks: Range = SPEAKS
    """The versions of the cluster that this node speaks."""


class Mesh(Links[PeerFrame, PeerHello]):
    """All links of one node to its neighbours."""

    def __init__(
        self,
        config: MeshConfig,
        tell: Callable[[Input], None],
        last_index: Callable[[], int],
        server_context: ssl.SSLContext,
        client_context: ssl.SSLContext,
        random: Callable[[], float],
        pulse: Pulse,
    ) -> None:
        """`tell` reports what happens; `last_index` is the last entry in this node's log."""
        super().__init__(_RULES, config.cluster, pulse, client_context, random, config.speaks)
        self._config = config
        self._tell = tell
        self._last_index = last_index
        self._server_context = server_context
        self._admit_node = admit(config.cluster, "node")
        self._diallers: dict[str, Dialler] = {}
        self._addresses: dict[str, str] = {}
        self._nodes: tuple[str, ...] = ()
        """Those to be linked to, of which this one may be one; empty for all."""
        self._keys: Mapping[str, str] = NO_KEYS
        self._version = 1
        """The cluster's, which a neighbour must speak."""
        self._has_learnt = asyncio.Event()
        self.port = 0
        """Where this node listens, once it is open."""

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
        config = self._config
        async with (
            serve(
                config.host, config.port, self._server_context, self.open_link, self._admit_caller
            ) as listener,
            self._alive(),
        ):
            self.port = listener.port
            self._run(self._remember())
            remembered = load_addresses(config.remembered)
            for name, address in {**remembered, **config.addresses}.items():
                self.learn(name, address)
            yield

    def learn(self, name: str, address: str) -> None:
        """Note where a neighbour listens; it is dialled if it belongs to the cluster."""
        if name == self._config.name or len(address) > _ADDRESS_BYTES_MAX:
            return
        is_many = len(self._addresses) >= _ADDRESSES_MAX and name not in self._nodes
        if self._addresses.get(name) == address or (is_many and name not in self._addresses):
            return
        try:
            parse_address(address)
        except ValueError as error:
            _logger.warning("bad-neighbour-address", peer=name, reason=str(error))
            return
        self._addresses[name] = address
        self._has_learnt.set()
        if name in self._diallers:
            self._diallers[name].redirect(address)
        else:
            self._dial_node(name)

    def follow(
        self, nodes: tuple[str, ...], keys: Mapping[str, str] = NO_KEYS, version: int = 1
    ) -> None:
        """Be linked to these nodes and to no others; to every certified one if there are none.

        Those in `keys` must have keys with these hashes, and all must speak the cluster's version.
        """
        self._nodes, self._keys, self._version = nodes, keys, version
        for name in list(self._diallers):
            if not self._may_link(name):
                self._diallers.pop(name).stop()
        for link in list(self._links.values()):
            if reason := self.why_not(link):
                self.refuse(link, reason)
        for name in nodes or tuple(self._addresses):
            if name not in self._diallers:
                self._dial_node(name)

    def _dial_node(self, name: str) -> None:
        address = self._addresses.get(name)
        if address is None or name <= self._config.name or not self._may_link(name):
            return
        self._diallers[name] = self._dial(
            address, lambda peer: self._admit_dialled(peer, name), MESH_PACE
        )

    # What this kind of link does

    def greeting(self) -> bytes:
        config = self._config
        position = self._last_index()
        return encode(
            PeerHello(
                PROTOCOL_VERSION,
                config.cluster,
                config.name,
                config.version,
                position,
                config.speaks,
            )
        )

    def link_up(self, link: Link, greeting: PeerHello) -> None:
        _logger.info(
            "peer-connected",
            peer=link.name,
            address=link.connection.address,
            version=greeting.version,
            position=greeting.position,
        )
        self._tell(PeerConnected(link.name, greeting.speaks[1]))
        # At once: before this node can lead, it knows the others' clocks.
        link.connection.send(self._ping(link))

    def link_down(self, link: Link, reason: str) -> None:
        _logger.info("peer-disconnected", peer=link.name, reason=reason)
        self._tell(PeerDisconnected(link.name))

    def receive(self, link: Link, frame: PeerFrame) -> None:
        if type(frame) in MESSAGES:
            # What most are, so they are not tried for anything else.
            self._tell(PeerFrameReceived(link.name, frame))
            return
        match frame:
            case PeerPing(nonce):
                self._answer(link, nonce)
            case PeerPong(nonce, wall_ms, held_s):
                received = clock.monotonic() - held_s
                answered = link.heartbeat.take_pong(nonce, received)
                if answered is not None:
                    self._tell(RoundTripMeasured(link.name, answered.smoothed_ms))
                    if wall_ms:
                        self._tell(ClockMeasured(link.name, wall_ms, answered.sent, received))
            case PeerRefusal(reason):
                self.refusal_in(link, frame)
                link.connection.close(reason)
            case _:
                self._tell(PeerFrameReceived(link.name, frame))

    def why_not(self, link: Link) -> str:
        """Refuse who does not belong to the cluster, although the authority certified it."""
        if not self._may_link(link.name):
            return f"{link.name!r} does not belong to the cluster"
        key = self._keys.get(link.name)
        if key is not None and key != link.connection.peer_key:
            return f"the key of {link.name!r} has changed: it joined again with another one"
        return self._why_outdated(link)

    def _why_outdated(self, link: Link) -> str:
        if link.speaks[1] >= self._version:
            return ""
        return (
            f"the cluster is at version {self._version}, and {link.name!r} speaks up to "
            f"{link.speaks[1]}: upgrade Roost on it"
        )

    def _may_link(self, name: str) -> bool:
        return not self._nodes or name in self._nodes

    def refuse(self, link: Link, reason: str) -> None:
        """Tell the neighbour why, so that its administrator learns of it."""
        is_outdated = reason == self._why_outdated(link)
        is_removed = not is_outdated and bool(self.why_not(link))
        version = self._version if is_outdated else 0
        link.connection.send(encode(PeerRefusal(reason, is_removed, version)))
        link.connection.close(reason)

    def refusal_in(self, link: Link, frame: PeerFrame) -> str:
        if not isinstance(frame, PeerRefusal):
            return ""
        link.is_refused = True
        if frame.is_removed or frame.version:
            self._tell(PeerRefused(link.name, frame.version))
        return f"it refuses this node: {frame.reason}"

    def send(self, name: str, bodies: Iterable[bytes]) -> None:
        link = self._links.get(name)
        if link is not None:
            heartbeat = link.heartbeat
            if heartbeat.unpinged_beats >= RIDING_BEATS:
                bodies = (*bodies, *self._held(link), self._ping(link))
            elif heartbeat.has_held:
                bodies = (*bodies, *self._held(link))
        super().send(name, bodies)

    def beat(self, link: Link) -> None:
        is_early = link.name > self._config.name and link.speaks[1] < _HELD_SINCE
        if link.heartbeat.unpinged_beats >= LONE_BEATS - is_early:
            link.connection.send_many((*self._held(link), self._ping(link)))

    def _answer(self, link: Link, nonce: int) -> None:
        """Answer a ping: with the next frames, but at once if nothing was measured yet."""
        now = clock.now()
        if nonce > 1 and link.speaks[1] >= _HELD_SINCE:
            link.heartbeat.hold(nonce, now.wall_ms, now.monotonic)
            return
        link.connection.send(encode(PeerPong(nonce, now.wall_ms)))
        if link.heartbeat.unpinged_beats:
            link.connection.send(self._ping(link))

    def _held(self, link: Link) -> Iterator[bytes]:
        held = link.heartbeat.take_held(clock.monotonic())
        if held is not None:
            yield encode(PeerPong(*held))

    def _ping(self, link: Link) -> bytes:
        return encode(PeerPing(link.heartbeat.ping(clock.monotonic())))

    def _admit_caller(self, peer: Identity) -> str:
        reason = self._admit_node(peer)
        if reason:
            return reason
        if peer.name >= self._config.name:
            return f"{self._config.name!r} dials {peer.name!r}, not the other way round"
        return ""

    def _admit_dialled(self, peer: Identity, name: str) -> str:
        reason = self._admit_node(peer)
        if not reason and peer.name != name:
            return f"it is {peer.name!r}, and {name!r} was expected there"
        return reason

    async def _remember(self) -> None:
        """Keep what was learnt, off the event loop: the disk may be slow or full."""
        while True:
            await self._has_learnt.wait()
            self._has_learnt.clear()
            known = dict(sorted(self._addresses.items()))
            await asyncio.to_thread(save_addresses, self._config.remembered, known)
