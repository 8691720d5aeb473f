"""The cluster as this balancer sees it: for `/status.json`, and as numbers for `/metrics`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from roost.balancer.engine.exchange import Exchange
from roost.balancer.engine.fleet import Node
from roost.ops.metrics import Reading


@dataclass(frozen=True, kw_only=True)
class NodeStatistics:
    """One node."""

    name: str
    pid: int
    """0 while it is not connected."""
    state: str
    reason: str
    """In words for people; empty when there is nothing to say."""
    leader: bool
    """Whether most of the ready nodes say that it leads."""
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
        """Give it as `/status.json` has it."""
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
    """Open sessions, those that wait included."""
    waiting: int
    departing: int
    """Clients that are gone, while no node has confirmed it yet."""
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
    nodes: tuple[NodeStatistics, ...]

    def to_json(self) -> dict[str, Any]:
        """Give it as `/status.json` has it."""
        return {
            "cluster": self.cluster,
            "balancers": [
                {
                    "name": self.name,
                    "pid": self.pid,
                    "address": self.address,
                    "sessions": self.sessions,
                    "waiting": self.waiting,
                }
            ],
            "nodes": [node.to_json() for node in self.nodes],
        }


def read_nodes(exchange: Exchange, now: float) -> tuple[NodeStatistics, ...]:
    """Look at all nodes, in the order of their names."""
    leader = exchange.fleet.leader(now)
    nodes = sorted(exchange.fleet, key=lambda node: node.name)
    return tuple(_read_node(exchange, node, leader, now) for node in nodes)


def _read_node(exchange: Exchange, node: Node, leader: str, now: float) -> NodeStatistics:
    verdict = exchange.fleet.verdict(node, now)
    status = node.status
    return NodeStatistics(
        name=node.name,
        pid=node.hello.pid if node.hello is not None and node.trunk is not None else 0,
        state=verdict.state,
        reason=verdict.reason,
        leader=node.name == leader,
        position=status.position if status is not None else 0,
        applied=status.applied if status is not None else 0,
        sessions=len(node.sessions),
        neighbours=(
            tuple((one.name, one.rtt_ms) for one in status.neighbours) if status is not None else ()
        ),
        probe_ms=node.health.rtt_ms,
        lag_ms=status.lag_ms if status is not None else 0.0,
        deliveries=status.deliveries if status is not None else 0.0,
    )


_GAUGES = (
    ("sessions", "roost_balancer_sessions", "Open client sessions."),
    ("waiting", "roost_balancer_sessions_waiting", "Sessions that no node serves at the moment."),
    ("departing", "roost_balancer_departures", "Clients gone without a node's confirmation yet."),
    ("connections", "roost_balancer_connections", "Client connections."),
    ("connections_max", "roost_balancer_connections_max", "Client connections allowed."),
    ("nodes_ready", "roost_balancer_nodes_ready", "Nodes that are ready."),
)
_COUNTERS = (
    ("sessions_opened", "roost_balancer_sessions_opened", "Sessions since the start."),
    ("sessions_rebound", "roost_balancer_sessions_rebound", "Sessions given to another node."),
    ("sessions_moved", "roost_balancer_sessions_moved", "Those of them that were planned."),
    ("lines", "roost_balancer_lines", "Lines that clients sent."),
    ("deliveries", "roost_balancer_deliveries", "Payloads given to clients."),
    ("turned_away", "roost_balancer_turned_away", "Connections above a limit."),
    ("cut_off", "roost_balancer_cut_off", "Clients that left too much unread."),
)


def readings(statistics: Statistics) -> Iterator[Reading]:
    """Give the numbers that Prometheus scrapes."""
    for field, name, documentation in _GAUGES:
        yield Reading(name=name, value=getattr(statistics, field), documentation=documentation)
    for field, name, documentation in _COUNTERS:
        yield Reading(
            name=name,
            value=getattr(statistics, field),
            documentation=documentation,
            is_counter=True,
        )
    for node in statistics.nodes:
        labels = {"node": node.name}
        for name, value, documentation in (
            ("ready", float(node.state == "ready"), "Whether the node is ready."),
            ("sessions", node.sessions, "Sessions bound to the node."),
            ("position", node.position, "Last entry of the node's log."),
            ("applied", node.applied, "Last entry that the node applied."),
            ("probe_seconds", node.probe_ms / 1000, "Round-trip time of the last health probe."),
        ):
            yield Reading(
                name=f"roost_balancer_node_{name}",
                value=value,
                documentation=documentation,
                labels=labels,
            )
