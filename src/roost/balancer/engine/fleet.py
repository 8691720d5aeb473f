"""The nodes that this balancer knows, and which of them gets the next client.

Pure: `health` says which nodes may serve, `strategy` which of those is next; this module keeps
both up to date and remembers what each node holds.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from roost.balancer.engine.health import HealthConfig, NodeHealth, Verdict
from roost.balancer.engine.rebalancing import Load
from roost.balancer.engine.sessions import Client, Departure, Session
from roost.balancer.engine.strategy import RAMP_FULL, Strategy, StrategyConfig
from roost.protocol.trunk import FromBalancer, Hello, Neighbour, Status

OVERLOADED = "too busy for new clients"


class Trunk(Protocol):
    """The link to a node."""

    def send(self, frame: FromBalancer) -> None:
        """Queue a frame; nothing happens when the link is going down."""

    def drop(self, reason: str) -> None:
        """End the link; its loss is reported as any other."""


class Node:
    """One node; outlives its trunks."""

    def __init__(self, name: str, health: HealthConfig) -> None:
        self.name = name
        self.health = NodeHealth(health)
        self.hello: Hello | None = None
        """What it last announced itself with."""
        self.status: Status | None = None
        """What it said last; None before it said anything over its present trunk."""
        self.trunk: Trunk | None = None
        self.position = 0
        """What it had to show up to this entry has come over the present trunk."""
        self.sessions: dict[int, Session] = {}
        """Those that are bound to it."""
        self.groups: dict[int, dict[int, Client]] = {}
        """Its groups by number: session -> where its bytes go."""
        self.departures: dict[int, Departure] = {}
        """Clients that are gone, as it was told; each until it confirms."""
        self.shown = Verdict("", "")
        """The judgement that was logged last."""

    def judge(self, now: float) -> Verdict:
        """Say how the node is, and why."""
        return self.health.judge(now)


class Fleet:
    """All nodes."""

    def __init__(self, strategy: StrategyConfig, health: HealthConfig) -> None:
        self._health = health
        self._strategy = Strategy(strategy)
        self._nodes: dict[str, Node] = {}
        self._may_serve: dict[str, Node] = {}
        self.position = 0
        """The last entry that any node has shown; what follows is in the future of everybody."""

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def __len__(self) -> int:
        return len(self._nodes)

    def find(self, name: str) -> Node | None:
        """Give a node that has announced itself at least once."""
        return self._nodes.get(name)

    def announce(self, hello: Hello, trunk: Trunk, now: float) -> tuple[Node, bool]:
        """Take a node in; tells whether its neighbours have something new to know."""
        node = self._nodes.get(hello.name)
        if node is None:
            node = self._nodes[hello.name] = Node(hello.name, self._health)
        is_news = node.hello is None or node.hello.mesh_address != hello.mesh_address
        node.hello = hello
        node.status = None
        node.trunk = trunk
        node.position = 0
        node.groups = {}
        node.health.connected(now)
        self.refresh(now)
        return node, is_news

    def refresh(self, now: float) -> None:
        """Judge every node anew; call after whatever may have changed a judgement.

        A flapping node is held down only while there is another one.
        """
        able = [node for node in self._nodes.values() if node.judge(now).is_ready]
        if not able:
            able = [node for node in self._nodes.values() if node.health.is_ready_but_held(now)]
        self._may_serve = {node.name: node for node in able}
        for node in self._nodes.values():
            weight = node.hello.weight if node.hello is not None else 0
            self._strategy.set_node(node.name, weight=weight, is_eligible=node in able, now=now)

    def shown(self, node: Node, position: int) -> None:
        """A node has shown everything up to this entry."""
        node.position = max(node.position, position)
        self.position = max(self.position, position)

    def note_load(self, node: Node, status: Status) -> None:
        """Note what a node says of its load."""
        self._strategy.set_load(node.name, lag_ms=status.lag_ms, deliveries=status.deliveries)

    def choose(self, now: float, *, avoid: str = "") -> Node | None:
        """Choose the node for one more session; None when there is none.

        The node to `avoid` is chosen only if there is no other.
        """
        if not self._may_serve:
            return None
        # Sessions on their way to a node are bound to it already, those on their way out no more.
        counts = {name: len(node.sessions) for name, node in self._may_serve.items()}
        if avoid in counts and len(counts) > 1:
            del counts[avoid]
        name = self._strategy.choose(counts, now)
        return None if name is None else self._may_serve.get(name)

    def loads(self, now: float) -> list[Load]:
        """Give what each node that may be given clients has, and could have."""
        names = sorted(self._may_serve)
        busy = self._strategy.excluded(names)
        return [
            Load(
                name=name,
                sessions=len(node.sessions),
                weight=node.hello.weight * RAMP_FULL,
                weight_now=0 if name in busy else self._strategy.effective_weight(name, now),
            )
            for name in names
            if (node := self._may_serve[name]).hello is not None and node.hello.weight > 0
        ]

    def has_other(self, node: Node) -> bool:
        """Whether another node than this one may be given clients."""
        return any(other is not node for other in self._may_serve.values())

    def choose_for_departure(self) -> Node | None:
        """Choose a node to be told that a client is gone: the one with the fewest to confirm."""
        return min(self._may_serve.values(), key=lambda node: len(node.departures), default=None)

    @property
    def can_serve(self) -> bool:
        """Whether any node may be given a client."""
        return bool(self._may_serve)

    def ready_count(self, now: float) -> int:
        """Count the nodes that are ready."""
        return sum(node.judge(now).is_ready for node in self._nodes.values())

    def leader(self, now: float) -> str:
        """Name the node that most of the ready nodes hold for the leader; empty when unknown."""
        ready = [node for node in self._nodes.values() if node.judge(now).is_ready]
        votes = Counter(node.status.leader for node in ready if node.status is not None)
        for name, count in votes.most_common(1):
            if count * 2 > len(ready):
                return name
        return ""

    def verdict(self, node: Node, now: float) -> Verdict:
        """Judge a node, and say also when only its load keeps clients away."""
        verdict = node.judge(now)
        if verdict.is_ready and node.name in self._strategy.excluded():
            return Verdict(verdict.state, OVERLOADED)
        return verdict

    def neighbours(self) -> tuple[Neighbour, ...]:
        """List all nodes with the addresses by which they reach each other."""
        return tuple(
            Neighbour(name, node.hello.mesh_address)
            for name, node in sorted(self._nodes.items())
            if node.hello is not None
        )
