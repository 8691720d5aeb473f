"""Links between the parts: ordered, with delay, loss, stalls, partitions and resets.

A crash resets a node's links, after the frames that were on their way. A partition drops frames
silently, until both ends miss heartbeats and drop the link, as real links do. A stall delays
everything in one direction.
"""

from typing import Protocol

from roost.protocol.mesh import Gossip
from support.simulation.world import World

SILENCE_S = 1.5
"""How long the real links wait before they drop a silent neighbour."""
NEVER = float("inf")


class Endpoint(Protocol):
    """An endpoint of links."""

    name: str
    is_up: bool

    @property
    def is_frozen(self) -> bool: ...

    def connected(self, peer: str) -> None: ...

    def disconnected(self, peer: str) -> None: ...

    def receive(self, peer: str, frame: object) -> None: ...

    def refused(self, peer: str, version: int) -> None: ...

    @property
    def version_max(self) -> int: ...


class _Link:
    """A connection, which is gone when both ends know that."""

    def __init__(self, pair: tuple[str, str]) -> None:
        self.pair = pair
        self.hears_until = dict.fromkeys(pair, NEVER)
        """When an end receives nothing more."""
        self.knows = dict.fromkeys(pair, False)
        """Whether an end knows that the link is gone, or is gone itself."""
        self.arrival = dict.fromkeys(pair, 0.0)
        """When the last frame to an end arrives; later frames arrive after it."""

    def other(self, end: str) -> str:
        return self.pair[1] if end == self.pair[0] else self.pair[0]


class Network:
    """All links; at most one for each pair of names."""

    def __init__(self, world: World, delay_s: tuple[float, float], loss: float) -> None:
        self._world = world
        self._delay_s = delay_s
        self.loss = loss
        self.ends: dict[str, Endpoint] = {}
        self._links: dict[tuple[str, str], _Link] = {}
        self.cut: dict[tuple[str, str], bool] = {}
        self._wanted: list[tuple[str, str]] = []
        self._is_started = False
        self._followed: dict[str, tuple[tuple[str, ...], int]] = {}

    def join(self, end: Endpoint, peers: list[str]) -> None:
        """Add an end, and keep it linked to `peers` whenever both can be reached."""
        self.ends[end.name] = end
        wanted = [_pair(end.name, peer) for peer in peers]
        new = [pair for pair in wanted if pair not in self._wanted]
        self._wanted.extend(new)
        for pair in new if self._is_started else ():
            self._dial(pair)

    def start(self) -> None:
        """Keep dialling, as the real ends do."""
        for pair in dict.fromkeys(self._wanted):
            self._dial(pair)
        self._is_started = True

    def _dial(self, pair: tuple[str, str]) -> None:
        if (
            pair not in self._links
            and all(self.ends[end].is_up and not self.ends[end].is_frozen for end in pair)
            and pair not in self.cut
            and self._let_in(*pair)
        ):
            self._links[pair] = _Link(pair)
            first, second = pair
            self.ends[first].connected(second)
            self.ends[second].connected(first)
        self._world.at(self._world.random.uniform(0.02, 0.2), lambda: self._dial(pair))

    def follow(self, name: str, nodes: tuple[str, ...], version: int = 1) -> None:
        """Let a node be linked to these nodes only; the rest learn that it refuses them.

        No nodes stand for all. They must speak a version.
        """
        self._followed[name] = nodes, version
        for link in [link for link in self._links.values() if name in link.pair]:
            other = link.other(name)
            if other in self.ends and self._refuses(name, other):
                self.drop(name, other)

    def _refuses(self, name: str, peer: str) -> bool:
        nodes, version = self._followed.get(name, ((), 1))
        if not peer.startswith("n"):
            return False
        return (bool(nodes) and peer not in nodes) or self.ends[peer].version_max < version

    def _let_in(self, one: str, other: str) -> bool:
        """Return whether two ends let each other in; tell those that are refused."""
        is_welcome = True
        for end, peer in ((one, other), (other, one)):
            if self._refuses(end, peer):
                is_welcome = False
                nodes, version = self._followed[end]
                is_outdated = not nodes or peer in nodes
                self.ends[peer].refused(end, version if is_outdated else 0)
        return is_welcome

    def is_linked(self, end: str, peer: str) -> bool:
        """Tell whether frames from `end` reach `peer`, as far as `end` knows."""
        pair = _pair(end, peer)
        link = self._links.get(pair)
        return link is not None and not link.knows[end] and pair not in self.cut

    def send(self, sender: str, receiver: str, frame: object) -> None:
        """Send a frame. It is lost if there is no link, or by chance."""
        pair = _pair(sender, receiver)
        link = self._links.get(pair)
        if link is None or link.knows[sender]:
            return
        # No real link loses its first frame and brings later ones.
        is_lossy = not any(end.startswith("b") for end in pair) and not isinstance(frame, Gossip)
        if is_lossy and self.loss and self._world.random.random() < self.loss:
            return
        arrival = self._world.now + self._world.random.uniform(*self._delay_s)
        arrival = link.arrival[receiver] = max(arrival, link.arrival[receiver])

        def deliver() -> None:
            if self._world.now < link.hears_until[receiver] and pair not in self.cut:
                self.ends[receiver].receive(sender, frame)

        self._world.at(arrival - self._world.now, deliver)

    # Links end

    def reset(self, name: str) -> None:
        """Break the links of a dead process; the others notice within 2 ms.

        Until then the others still get what the dead process had written to its sockets.
        """
        for link in [link for link in self._links.values() if name in link.pair]:
            link.hears_until[name] = self._world.now
            link.knows[name] = True
            is_cut = link.pair in self.cut
            self._tell(
                link,
                link.other(name),
                SILENCE_S if is_cut else self._world.random.uniform(0, 0.002),
            )

    def drop(self, end: str, peer: str) -> None:
        """Drop a link at one end, and with it all frames on their way there."""
        link = self._links.get(_pair(end, peer))
        if link is not None:
            link.hears_until[end] = self._world.now
            self._tell(link, end, 0.0)
            is_cut = link.pair in self.cut
            self._tell(link, peer, SILENCE_S if is_cut else self._world.random.uniform(0, 0.002))

    def fall_silent(self, name: str) -> None:
        """Drop the mesh links of an end that has been silent for too long."""
        for link in list(self._links.values()):
            if name in link.pair and not any(end.startswith("b") for end in link.pair):
                self.drop(link.other(name), name)

    def _tell(self, link: _Link, end: str, delay_s: float) -> None:
        """Tell an end after `delay_s` that a link is gone."""
        at = self._world.now + delay_s
        if not link.knows[end]:
            link.hears_until[end] = min(link.hears_until[end], at)

        def tell() -> None:
            if not link.knows[end]:
                link.knows[end] = True
                self.ends[end].disconnected(link.other(end))
            if all(link.knows.values()) and self._links.get(link.pair) is link:
                del self._links[link.pair]

        self._world.at(delay_s, tell)

    # Faults

    def stall(self, sender: str, receiver: str, seconds: float) -> None:
        """Hold back everything that one end sends for `seconds`."""
        link = self._links.get(_pair(sender, receiver))
        if link is not None:
            until = self._world.now + seconds
            link.arrival[receiver] = max(link.arrival[receiver], until)

    def is_stalled(self, end: str, seconds: float) -> bool:
        """Tell whether what is sent to or by an end takes more than `seconds` on some link."""
        late = self._world.now + seconds
        return any(
            late < max(link.arrival.values()) for link in self._links.values() if end in link.pair
        )

    def partition(self, one: str, other: str) -> None:
        """Silently drop everything between two ends from now on."""
        pair = _pair(one, other)
        self.cut[pair] = True
        link = self._links.get(pair)
        if link is None:
            return

        def drop() -> None:
            if self._links.get(pair) is link and pair in self.cut:
                for end in pair:
                    self._tell(link, end, 0.0)

        self._world.at(SILENCE_S, drop)

    def cut_off(self, end: str, others: list[str]) -> None:
        """Swallow everything between an end and several others."""
        for other in others:
            self.partition(end, other)

    def heal(self) -> None:
        """Remove all partitions."""
        for pair in self.cut:
            link = self._links.get(pair)
            if link is not None:
                # Frames were lost on a live link, and an ordered link cannot continue after that.
                for end in pair:
                    self._tell(link, end, 0.0)
        self.cut.clear()


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)
