"""What a balancer looks like from outside: the data of `/status.json` and of the metrics."""

from dataclasses import dataclass
from typing import Any

from roost.balancer.engine.exchange import Exchange
from roost.balancer.engine.node_pool import Node, NodePool
from roost.ops.expiry import describe_end
from roost.ops.stalls import StallStatistics


@dataclass(frozen=True, kw_only=True)
class NodeStatistics:
    """One node."""

    name: str
    pid: int
    """0 while it is not connected."""
    state: str
    reason: str
    """For people; may be empty."""
    leader: bool
    """Whether most ready nodes take it for the leader."""
    position: int
    applied: int
    sessions: int
    """Of this balancer."""
    neighbours: tuple[tuple[str, float], ...]
    """Name, and round-trip time in ms."""
    probe_ms: float
    """Round-trip time of this balancer's last probe."""
    lag_ms: float
    deliveries: float

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of `/status.json`."""
        return {
            "name": self.name,
            "pid": self.pid,
            "state": self.state,
            "reason": self.reason,
            "leader": self.leader,
            "position": self.position,
            "applied": self.applied,
            "sessions": self.sessions,
            "neighbours": [
                {"name": name, "rtt_ms": round(rtt_ms, 3)} for name, rtt_ms in self.neighbours
            ],
            "lag_ms": round(self.lag_ms, 3),
        }


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """A balancer, and the nodes that it knows."""

    cluster: str
    name: str
    pid: int
    address: str
    sessions: int
    """Open sessions, including those that wait for a node."""
    waiting: int
    departing: int
    """Closed sessions that no node has confirmed yet."""
    connections: int
    connections_max: int
    sessions_opened: int
    sessions_rebound: int
    sessions_moved: int
    lines: int
    deliveries: int
    turned_away: int
    cut_off: int
    nodes_ready: int
    stalls: StallStatistics
    """How long the event loop was stopped."""
    problems: tuple[str, ...]
    """What is wrong with this balancer or its links, in sentences for people."""
    certificate_days: dict[str, int]
    """The days until its certificates expire: "cluster" is for nodes, "clients" for clients."""
    is_ready: bool
    """Whether it has a node to give clients to."""
    nodes: tuple[NodeStatistics, ...]
    members: tuple[str, ...] = ()
    """The nodes that belong to the cluster; empty while that is not known."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of `/status.json`."""
        return {
            "cluster": self.cluster,
            "members": list(self.members),
            "balancers": [
                {
                    "name": self.name,
                    "pid": self.pid,
                    "address": self.address,
                    "sessions": self.sessions,
                    "waiting": self.waiting,
                    "problems": list(self.problems),
                }
            ],
            "nodes": [node.to_json() for node in self.nodes],
        }


def problems_of(exchange: Exchange, now: float) -> list[str]:
    """Return what is wrong between a balancer and its nodes, and with the nodes' certificates."""
    pool = exchange.pool
    found = [f"{node.name} refuses it: {node.refusal}" for node in pool if node.refusal]
    if not found and not exchange.ids.incarnation and pool.ready_count(now):
        found.append("the nodes have not given it an incarnation yet")
    ends = [
        describe_end(f"{node.name}'s", node.certificate_days)
        for node in pool
        if node.certificate_days is not None
    ]
    return found + [end for end in ends if end]


def node_statistics(pool: NodePool, now: float) -> tuple[NodeStatistics, ...]:
    """Return the statistics of all nodes, sorted by name."""
    leader = pool.leader(now)
    nodes = sorted(pool, key=lambda node: node.name)
    return tuple(_read(pool, node, leader, now) for node in nodes)


def _read(pool: NodePool, node: Node, leader: str, now: float) -> NodeStatistics:
    status = pool.status(node, now)
    report = node.report
    return NodeStatistics(
        name=node.name,
        pid=node.hello.pid if node.hello is not None and node.trunk is not None else 0,
        state=status.state,
        reason=status.reason,
        leader=node.name == leader,
        position=report.position if report is not None else 0,
        applied=report.applied if report is not None else 0,
        sessions=len(node.sessions),
        neighbours=(
            tuple((one.name, one.rtt_ms) for one in report.neighbours) if report is not None else ()
        ),
        probe_ms=node.health.rtt_ms,
        lag_ms=report.lag_ms if report is not None else 0.0,
        deliveries=report.deliveries if report is not None else 0.0,
    )
