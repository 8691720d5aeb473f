"""What a balancer looks like from outside: the data of `/status.json` and of the metrics."""

from dataclasses import dataclass
from typing import Any

from roost.balancer.engine.exchange import Exchange
from roost.balancer.engine.node_pool import Node, NodePool
from roost.ops.expiry import describe_end
from roost.ops.stalls import StallStatistics
from roost.protocol.trunk import BalancerReport, Latency, RoomActivity, Status


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
    served: int
    """Of all balancers, as the node told last."""
    neighbours: tuple[tuple[str, float], ...]
    """Name, and round-trip time in ms."""
    probe_ms: float
    """Round-trip time of this balancer's last probe."""
    lag_ms: float
    deliveries: float
    latency: Latency | None = None
    """Of the commands that it proposed."""
    votes: bool = True
    """Whether it is one of the nodes that keep the log together."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of `/status.json`."""
        return {
            "name": self.name,
            "pid": self.pid,
            "state": self.state,
            "reason": self.reason,
            "leader": self.leader,
            "votes": self.votes,
            "position": self.position,
            "applied": self.applied,
            "sessions": self.sessions,
            "served": self.served,
            "neighbours": [
                {"name": name, "rtt_ms": round(rtt_ms, 3)} for name, rtt_ms in self.neighbours
            ],
            "lag_ms": round(self.lag_ms, 3),
            "deliveries": round(self.deliveries, 1),
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
    version: int = 1
    """The cluster's version, as far as nodes have told."""
    others: tuple[BalancerReport, ...] = ()
    """The other balancers, as a node has told."""
    rooms: tuple[RoomActivity, ...] = ()
    """The busiest ones, as a node has told."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of `/status.json`."""
        return {
            "cluster": self.cluster,
            "members": list(self.members),
            "version": self.version,
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
    if waits := pool.why_not_raised():
        found.append(waits)
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
        served=report.sessions if report is not None else 0,
        neighbours=(
            tuple((one.name, one.rtt_ms) for one in report.neighbours) if report is not None else ()
        ),
        probe_ms=node.health.rtt_ms,
        lag_ms=report.lag_ms if report is not None else 0.0,
        deliveries=report.deliveries if report is not None else 0.0,
        votes=report.is_voter if report is not None else True,
        latency=report.latency if report is not None else None,
    )


def best_report(pool: NodePool, now: float) -> Status | None:
    """Return the report of a ready node that is furthest; what any tells of others is the same."""
    reports = [
        node.report for node in pool if node.report is not None and node.health.status(now).is_ready
    ]
    return max(reports, key=lambda report: report.applied, default=None)


def other_balancers(report: Status | None, own: str) -> tuple[BalancerReport, ...]:
    """Return what a node tells of the balancers but `own`, by name."""
    told = () if report is None else report.balancers
    return tuple(sorted((one for one in told if one.name != own), key=lambda one: one.name))
