"""Wires between the parts: ordered per link, with delay, loss, partitions and resets.

A crash resets a node's links at once; a partition swallows frames silently, until both ends have
missed each other's heartbeats and drop the link, as the real links do.
"""

from collections.abc import Callable
from typing import Protocol

from support.simulation.world import World

SILENCE_S = 1.5
"""What the real links wait before they drop a silent neighbour."""


class Endpoint(Protocol):
    """Something that links end at."""

    name: str
    is_up: bool

    def connected(self, peer: str) -> None: ...

    def disconnected(self, peer: str) -> None: ...

    def receive(self, peer: str, frame: object) -> None: ...


class Network:
    """All links; a pair of names has at most one."""

    def __init__(self, world: World, delay_s: tuple[float, float], loss: float) -> None:
        self._world = world
        self._delay_s = delay_s
        self.loss = loss
        self.ends: dict[str, Endpoint] = {}
        self._links: dict[tuple[str, str], int] = {}
        self._generation = 0
        self._arrival: dict[tuple[str, str], float] = {}
        self.cut: dict[tuple[str, str], bool] = {}
        self._wanted: list[tuple[str, str]] = []

    def join(self, end: Endpoint, peers: list[str]) -> None:
        """Add an end, and keep it linked to `peers` whenever both are up and reachable."""
        self.ends[end.name] = end
        self._wanted.extend(_pair(end.name, peer) for peer in peers)

    def start(self) -> None:
        """Dial for ever, as the real ends do."""
        for pair in dict.fromkeys(self._wanted):
            self._dial(pair)

    def _dial(self, pair: tuple[str, str]) -> None:
        first, second = pair
        if (
            pair not in self._links
            and first in self.ends
            and second in self.ends
            and self.ends[first].is_up
            and self.ends[second].is_up
            and not self.cut.get(pair)
        ):
            self._generation += 1
            self._links[pair] = self._generation
            self.ends[first].connected(second)
            self.ends[second].connected(first)
        self._world.at(self._world.random.uniform(0.02, 0.2), lambda: self._dial(pair))

    def send(self, sender: str, receiver: str, frame: object) -> None:
        """Put a frame on the wire; it is lost where there is no link, or by chance."""
        pair = _pair(sender, receiver)
        link = self._links.get(pair)
        if link is None:
            return
        is_lossy = not sender.startswith("b") and not receiver.startswith("b")
        if is_lossy and self.loss and self._world.random.random() < self.loss:
            return
        delay = self._world.random.uniform(*self._delay_s)
        arrival = max(self._world.now + delay, self._arrival.get((sender, receiver), 0.0))
        self._arrival[sender, receiver] = arrival

        def deliver() -> None:
            if self._links.get(pair) == link and not self.cut.get(pair):
                self.ends[receiver].receive(sender, frame)

        self._world.at(arrival - self._world.now, deliver)

    def reset(self, name: str) -> None:
        """An end's process died: its links break at once, seen by the others within 2 ms."""
        for pair, link in list(self._links.items()):
            if name in pair:
                other = pair[0] if pair[1] == name else pair[1]
                del self._links[pair]
                if not self.cut.get(pair):
                    self._world.at(self._world.random.uniform(0, 0.002), self._loss(other, name))
                else:
                    self._world.at(SILENCE_S, self._loss(other, name))
                del link

    def partition(self, one: str, other: str) -> None:
        """Swallow everything between two ends from now on."""
        pair = _pair(one, other)
        self.cut[pair] = True
        link = self._links.get(pair)
        if link is None:
            return

        def drop() -> None:
            if self._links.get(pair) == link and self.cut.get(pair):
                del self._links[pair]
                self._loss(pair[0], pair[1])()
                self._loss(pair[1], pair[0])()

        self._world.at(SILENCE_S, drop)

    def heal(self) -> None:
        """Let everybody reach everybody again."""
        for pair in self.cut:
            if self.cut[pair] and pair in self._links:
                # Frames were swallowed on a link that lives: no ordered link can go on.
                del self._links[pair]
                self._loss(pair[0], pair[1])()
                self._loss(pair[1], pair[0])()
        self.cut.clear()

    def _loss(self, end: str, peer: str) -> Callable[[], None]:
        def tell() -> None:
            if self.ends[end].is_up and _pair(end, peer) not in self._links:
                self.ends[end].disconnected(peer)

        return tell


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)
