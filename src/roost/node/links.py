"""What links to neighbours and to balancers share: dialling, greetings, and heartbeats.

    this side                          peer
      | <--- TCP, mutual TLS --------> |     dialled by either
      | ---- greeting ---------------> |
      | <--- greeting ---------------- |     the link is up
      | <--- frames -----------------> |

`Mesh` and `Trunks` say what the frames are, and what follows from them. A peer that breaks the
protocol or stays silent loses its link. A link that never came up leaves a line in the log.
"""

import asyncio
import contextlib
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Generic, TypeVar

import msgspec
import structlog

from roost.node.engine.backoff import Backoff, Pace
from roost.node.engine.heartbeat import Heartbeat
from roost.ops.pulse import Pulse
from roost.protocol.codec import FrameError
from roost.protocol.greeting import SILENT, SPEAKS, Greeting, Range, check_greeting, check_name
from roost.wire import Admission, FramedConnection, RefusalLog, WireError, connect, parse_address
from roost.wire.tls import describe_failure

_logger = structlog.get_logger()

CONGESTED_BYTES = 4 * 1024 * 1024
"""Unsent bytes above which a peer is given no work that can wait: a few turns' output, and far
below the limit at which its link is dropped."""
_NOBODY: frozenset[str] = frozenset()
CONNECT_S_MAX = 2.0
"""For TCP and TLS together; a peer that takes longer could not serve anybody anyway."""

FrameT = TypeVar("FrameT")
GreetingT = TypeVar("GreetingT", bound=Greeting)


class LinkRules(msgspec.Struct, Generic[FrameT, GreetingT], frozen=True, kw_only=True):
    """What one kind of link is like."""

    protocol: int
    """The version of the protocol."""
    decode: Callable[[bytes], FrameT]
    """Reads a frame; raises FrameError."""
    greeting_type: type[GreetingT]
    silent_beats_max: int
    """Heartbeats of this side, after which a silent peer is given up."""
    is_replaced: bool
    """Whether a second link to a peer replaces the first one, or is refused."""


class Link:
    """One connection to a peer."""

    def __init__(self, links: "Links[Any, Any]", connection: FramedConnection) -> None:
        self.name = connection.peer.name
        self.connection = connection
        self.heartbeat = Heartbeat(links.rules.silent_beats_max)
        self.is_up = False
        """Greetings were exchanged, and this is the one link to the peer."""
        self.was_up = False
        self.is_refused = False
        """The peer has said that it does not want this link."""
        self.speaks = SILENT
        """What versions of the cluster the peer speaks, once it has greeted."""
        self.closed = asyncio.Event()
        self._links = links
        connection.send(links.greeting())

    def on_frame(self, body: bytes) -> None:
        self.heartbeat.note_heard()
        rules = self._links.rules
        try:
            frame = rules.decode(body)
        except FrameError as error:
            self.connection.abort(str(error))
            return
        if not self.is_up:
            self._links.shake_hands(self, frame)
        elif isinstance(frame, rules.greeting_type):
            self.connection.abort("it greeted twice")
        else:
            self._links.receive(self, frame)

    def on_closed(self, reason: str) -> None:
        self.closed.set()
        self._links.lose(self, reason)


class Links(ABC, Generic[FrameT, GreetingT]):
    """All links of one kind, of which at most one is up to each peer."""

    def __init__(
        self,
        rules: LinkRules[FrameT, GreetingT],
        cluster: str,
        pulse: Pulse,
        context: ssl.SSLContext,
        random: Callable[[], float],
        speaks: Range = SPEAKS,
    ) -> None:
        """Each beat of the pulse is one for every link."""
        self.rules = rules
        self.speaks = speaks
        self._cluster = cluster
        self._pulse = pulse
        self.context = context
        self.refusals = RefusalLog()
        self._random = random
        self._connections: dict[Link, None] = {}
        self._links: dict[str, Link] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._running: list[asyncio.Task[None]] = []

    @property
    def linked(self) -> tuple[str, ...]:
        """The peers to which a link is up."""
        return tuple(self._links)

    def send(self, name: str, bodies: Iterable[bytes]) -> None:
        """Send encoded frames to a peer; nothing happens when no link is up."""
        link = self._links.get(name)
        if link is not None:
            link.connection.send_now(bodies)

    def congested(self) -> frozenset[str]:
        """Return the peers that have not read what they were sent."""
        congested = _NOBODY
        for name, link in self._links.items():
            if link.connection.unsent_bytes > CONGESTED_BYTES:
                congested |= {name}
        return congested

    # What a kind of link decides

    @abstractmethod
    def greeting(self) -> bytes:
        """Return this side's first frame."""

    @abstractmethod
    def link_up(self, link: Link, greeting: GreetingT) -> None:
        """Report that greetings were exchanged."""

    @abstractmethod
    def link_down(self, link: Link, reason: str) -> None:
        """Report the loss of a link that was up."""

    @abstractmethod
    def receive(self, link: Link, frame: FrameT) -> None:
        """Take a frame that came over a link that is up."""

    @abstractmethod
    def beat(self, link: Link) -> None:
        """Send a ping over a link that is up, if it is for this side to do so, and time to."""

    def refuse(self, link: Link, reason: str) -> None:
        """Drop a link whose greeting is not acceptable."""
        link.connection.abort(reason)

    def refusal_in(self, link: Link, frame: FrameT) -> str:
        """Return why a peer refuses this side, if that is what its first frame says."""
        del link, frame
        return ""

    def why_not(self, link: Link) -> str:
        """Return why a peer with a valid certificate and greeting is not let in."""
        del link
        return ""

    # For links

    def open_link(self, connection: FramedConnection) -> Link:
        """Begin a link on a new connection."""
        link = Link(self, connection)
        self._connections[link] = None
        return link

    def shake_hands(self, link: Link, frame: FrameT) -> None:
        """Let a link come up by its first frame, or drop it."""
        if not isinstance(frame, self.rules.greeting_type):
            link.connection.abort(self.refusal_in(link, frame) or "it did not greet first")
            return
        link.speaks = frame.speaks
        reason = check_greeting(frame, self.rules.protocol, self._cluster, self.speaks)
        reason = reason or check_name(frame, link.name) or self.why_not(link)
        reason = reason or self._make_way(link.name)
        if reason:
            self.refuse(link, reason)
            return
        link.is_up = link.was_up = True
        self._links[link.name] = link
        self.link_up(link, frame)

    def lose(self, link: Link, reason: str) -> None:
        """Forget a link whose connection is gone."""
        self._connections.pop(link, None)
        if link.is_up:
            self._take_down(link, reason)
        elif not link.was_up:
            self.refusals.refused(link.connection.address, reason, link.connection.peer)

    def _make_way(self, name: str) -> str:
        """End an earlier link to a peer, or return why there cannot be another one."""
        earlier = self._links.get(name)
        if earlier is None:
            return ""
        if not self.rules.is_replaced:
            return f"there is a link to {name!r} already"
        self._take_down(earlier, "it has connected again")
        earlier.connection.abort("it has connected again")
        return ""

    def _take_down(self, link: Link, reason: str) -> None:
        link.is_up = False
        del self._links[link.name]
        self.link_down(link, reason)

    # Tasks

    @contextlib.asynccontextmanager
    async def _alive(self) -> AsyncIterator[None]:
        """Send heartbeats, and let links be dialled, while the context lasts."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._pulse.add(self.beat_all)
            try:
                yield
            finally:
                self._pulse.remove(self.beat_all)
                self._tasks = None
                for task in self._running:
                    task.cancel()
                for link in list(self._connections):
                    link.connection.close("this node is stopping")

    def _run(self, coroutine: "asyncio._CoroutineLike[None]") -> None:
        assert self._tasks is not None, "the links are not open"
        self._running.append(self._tasks.create_task(coroutine))

    def _dial(self, address: str, admission: Admission, pace: Pace) -> "Dialler":
        """Keep a link to an address alive from now on, or until it is stopped."""
        dialler = Dialler(self, address, admission, Backoff(pace, self._random))
        self._run(dialler.run())
        return dialler

    def beat_all(self, _now: float = 0.0, _late_s: float = 0.0) -> None:
        """Drop the links whose peers have been silent for too long, and ping the others."""
        for link in list(self._connections):
            if link.heartbeat.beat():
                link.connection.abort("it is silent")
            elif link.is_up:
                self.beat(link)


class Dialler:
    """Keeps one link to one address alive: dials, waits until it is lost, pauses, dials again."""

    def __init__(
        self, links: Links[Any, Any], address: str, admission: Admission, backoff: Backoff
    ) -> None:
        self._links = links
        self._address = address
        self._admission = admission
        self._backoff = backoff
        self._changed = asyncio.Event()
        self._link: Link | None = None
        self._is_over = False
        self._last_failure: tuple[str, str] | None = None

    def redirect(self, address: str) -> None:
        """Dial another address from the next attempt on, which is made at once."""
        self._address = address
        self._backoff.reset()
        self._changed.set()

    def stop(self) -> None:
        """Dial no more; a link that is up stays up."""
        self._is_over = True
        self._changed.set()

    async def run(self) -> None:
        """Dial until stopped."""
        while not self._is_over:
            self._changed.clear()
            await self._attempt()
            if self._link is not None:
                await self._link.closed.wait()
                if self._link.was_up and not self._link.is_refused:
                    self._backoff.reset()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._backoff.next_s()):
                    await self._changed.wait()

    async def _attempt(self) -> None:
        address = self._address
        self._link = None
        try:
            host, port = parse_address(address)
            async with asyncio.timeout(CONNECT_S_MAX):
                await connect(host, port, self._links.context, self._open, self._admission)
        except WireError as error:
            self._links.refusals.refused(address, str(error))
        except (OSError, ValueError) as error:
            failure = describe_failure(error)
            if (address, failure) != self._last_failure:
                self._last_failure = (address, failure)
                _logger.info("unreachable", address=address, reason=failure)
        else:
            self._last_failure = None

    def _open(self, connection: FramedConnection) -> Link:
        self._link = self._links.open_link(connection)
        return self._link
