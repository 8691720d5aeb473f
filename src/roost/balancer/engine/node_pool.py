"""The nodes that this balancer knows, and which of them gets the next client.

`health` says which nodes may serve, `strategy` which of those is next; this module keeps both up
to date, and what each node holds.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Protocol

from roost.balancer.engine.health import HealthCheck, HealthConfig, HealthStatus
from roost.balancer.engine.inbox import Inbox
from roost.balancer.engine.rebalancing import Load
from roost.balancer.engine.sessions import Client, Session
from roost.balancer.engine.strategy import RAMP_FULL, Strategy, StrategyConfig
from roost.protocol.greeting import SILENT
from roost.protocol.trunk import REFUSED, Detach, FromBalancer, Hello, Neighbour, Status

ATTACHING_MAX = 500
"""Sessions that a node is given by others at once, before it serves them. The rest wait, so that a
node which takes over from a lost one is not lost itself."""
OVERLOADED = "too busy for new clients"


class Trunk(Protocol):
    """The link to a node."""

    def send(self, frame: FromBalancer) -> None:
        """Queue a frame; do nothing if the link is going down."""

    def drop(self, reason: str) -> None:
        """End the link; its loss is reported like any other."""


class Node:
    """One node; outlives its trunks."""

    def __init__(self, name: str, health: HealthConfig) -> None:
        self.name = name
        self.health = HealthCheck(health)
        self.hello: Hello | None = None
        """Its last announcement."""
        self.report: Status | None = None
        """Its last report; None before the first one over the present trunk."""
        self.refusal = ""
        """Why it last refused to serve this balancer; empty if it serves it."""
        self.certificate_days: int | None = None
        """The days until its certificate expires, when it has told them."""
        self.trunk: Trunk | None = None
        self.position = 0
        """Everything up to this entry has come over the present trunk."""
        self.inbox = Inbox()
        self.attaching: dict[int, Session] = {}
        """Sessions that it was given by other nodes, and does not serve yet."""
        self.reaches = 0
        """It can still show clients what came after this entry."""
        self.sessions: dict[int, Session] = {}
        """Those that are bound to it."""
        self.groups: dict[int, dict[int, Client]] = {}
        """Its groups by number: session -> outbox."""
        self.rooms: dict[int, str] = {}
        """The names of the groups' rooms."""
        self.detaches: dict[int, Detach] = {}
        """What it was sent and has not confirmed, by session."""
        self.logged = HealthStatus("", "")
        """The status that was logged last."""

    def bound(self, number: int, generation: int) -> Session | None:
        """Return the session if it is bound to the node under this generation."""
        session = self.sessions.get(number)
        return session if session is not None and session.generation == generation else None

    @property
    def has_room(self) -> bool:
        """Whether it may be given another node's session now."""
        return len(self.attaching) < ATTACHING_MAX


class NodePool:
    """All nodes."""

    def __init__(self, strategy: StrategyConfig, health: HealthConfig) -> None:
        self._health = health
        self._strategy = Strategy(strategy)
        self._nodes: dict[str, Node] = {}
        self._available: dict[str, Node] = {}
        """Those that may be given clients."""
        self.position = 0
        """The last entry that any node has shown; later ones are news to every client."""
        self.version = 1
        """The cluster's version, as nodes have told."""

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def find(self, name: str) -> Node | None:
        """Return a node that has announced itself at least once."""
        return self._nodes.get(name)

    def announce(self, hello: Hello, trunk: Trunk, now: float) -> tuple[Node, bool]:
        """Take a node in; also return whether the others have a new address to learn."""
        node = self._nodes.get(hello.name)
        if node is None:
            node = self._nodes[hello.name] = Node(hello.name, self._health)
        is_new = node.hello is None or node.hello.mesh_address != hello.mesh_address
        node.hello = hello
        node.report = None
        node.trunk = trunk
        node.position = node.reaches = 0
        node.inbox, node.attaching = Inbox(), {}
        node.groups, node.rooms = {}, {}
        node.health.connected(now)
        self.refresh(now)
        return node, is_new

    def judge(self, node: Node, report: Status) -> tuple[str, str]:
        """Return a node's state and the reason for it.

        One that does not speak the cluster's version may not know that, and must not serve.
        """
        self.version = max(self.version, report.version)
        newest = SILENT[1] if node.hello is None else node.hello.speaks[1]
        if newest >= self.version or report.state in ("outdated", REFUSED):
            return report.state, report.reason
        return "outdated", (
            f"the cluster is at version {self.version}, and this node speaks up to {newest}: "
            "upgrade Roost on it, as docs/upgrading.md says"
        )

    def why_not_raised(self) -> str:
        """Return what the cluster's version waits for, if only some nodes are upgraded."""
        speaks = {node.name: node.hello.speaks[1] for node in self if node.hello is not None}
        newest = max(speaks.values(), default=0)
        left = sorted(name for name, version in speaks.items() if version < newest)
        if not left or self.version >= newest:
            return ""
        return (
            f"the cluster stays at version {self.version} until {', '.join(left)} can speak "
            f"{newest}, as docs/upgrading.md says"
        )

    def forget(self, name: str) -> None:
        """Forget a node that does not belong to the cluster any more, once its trunk is gone."""
        node = self._nodes.get(name)
        if node is not None and node.trunk is None:
            del self._nodes[name]
            self._available.pop(name, None)
            self._strategy.forget(name)

    def refresh(self, now: float) -> None:
        """Find out again which nodes are available; call when the health of any may have changed.

        A flapping node is only held down while there is another one.
        """
        able = [node for node in self._nodes.values() if node.health.status(now).is_ready]
        if not able:
            able = [node for node in self._nodes.values() if node.health.is_ready_but_held(now)]
        self._available = {node.name: node for node in able}
        for node in self._nodes.values():
            weight = node.hello.weight if node.hello is not None else 0
            self._strategy.set_node(node.name, weight=weight, is_eligible=node in able, now=now)

    def advance(self, node: Node, position: int) -> None:
        """Note that a node has shown everything up to this entry."""
        node.position = max(node.position, position)
        self.position = max(self.position, position)

    def note_report(self, node: Node, report: Status) -> None:
        """Note what a node reports of its load, and how far back it reaches."""
        node.reaches = report.reaches
        self._strategy.set_load(node.name, lag_ms=report.lag_ms, deliveries=report.deliveries)

    def choose(
        self, now: float, is_able: Callable[[Node], bool] = lambda _node: True
    ) -> Node | None:
        """Return the node for one more session among those that are able; None if there is none."""
        if not self._available:
            return None
        # A session that moves is bound to its new node already, and not to its old one any more.
        counts = {
            name: len(node.sessions) for name, node in self._available.items() if is_able(node)
        }
        name = self._strategy.choose(counts, now)
        return None if name is None else self._available.get(name)

    def choose_for_detach(self) -> Node | None:
        """Return the available node with the fewest detaches to confirm."""
        return min(self._available.values(), key=lambda node: len(node.detaches), default=None)

    def loads(self, now: float) -> list[Load]:
        """Return what each available node has, and could have."""
        names = sorted(self._available)
        busy = self._strategy.excluded(names)
        return [
            Load(
                name=name,
                sessions=len(node.sessions),
                weight=node.hello.weight * RAMP_FULL,
                weight_now=0 if name in busy else self._strategy.effective_weight(name, now),
            )
            for name in names
            if (node := self._available[name]).hello is not None and node.hello.weight > 0
        ]

    def places(self) -> int:
        """Return how many sessions of other nodes the available ones may be given now."""
        return sum(ATTACHING_MAX - len(node.attaching) for node in self._available.values())

    @property
    def has_available(self) -> bool:
        """Whether any node may be given a client."""
        return bool(self._available)

    def has_other(self, node: Node) -> bool:
        """Return whether another node than this one is available."""
        return any(other is not node for other in self._available.values())

    def ready_count(self, now: float) -> int:
        """Return how many nodes are ready."""
        return sum(node.health.status(now).is_ready for node in self._nodes.values())

    def leader(self, now: float) -> str:
        """Return the node that most ready nodes take for the leader; empty if unknown."""
        ready = [node for node in self._nodes.values() if node.health.status(now).is_ready]
        votes = Counter(node.report.leader for node in ready if node.report is not None)
        for name, count in votes.most_common(1):
            if count * 2 > len(ready):
                return name
        return ""

    def status(self, node: Node, now: float) -> HealthStatus:
        """Return a node's health, and also say if only its load keeps clients away."""
        status = node.health.status(now)
        if status.is_ready and node.name in self._strategy.excluded():
            return HealthStatus(status.state, OVERLOADED)
        return status

    def neighbours(self) -> tuple[Neighbour, ...]:
        """Return all nodes with the addresses by which they reach each other."""
        return tuple(
            Neighbour(name, node.hello.mesh_address)
            for name, node in sorted(self._nodes.items())
            if node.hello is not None
        )
