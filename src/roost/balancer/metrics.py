"""The balancer's metrics, for Prometheus."""

from collections.abc import Iterator

from roost.balancer.engine.statistics import Statistics
from roost.ops.metrics import Reading, process_readings

_GAUGES = (
    ("sessions", "roost_balancer_sessions", "Open client sessions."),
    ("waiting", "roost_balancer_sessions_waiting", "Sessions that wait for a node."),
    ("departing", "roost_balancer_departures", "Closed sessions that no node has confirmed yet."),
    ("connections", "roost_balancer_connections", "Client connections."),
    ("connections_max", "roost_balancer_connections_max", "Client connections allowed."),
    ("nodes_ready", "roost_balancer_nodes_ready", "Nodes that are ready."),
)
_COUNTERS = (
    ("sessions_opened", "roost_balancer_sessions_opened", "Sessions since the start."),
    ("sessions_rebound", "roost_balancer_sessions_rebound", "Sessions given to another node."),
    ("sessions_moved", "roost_balancer_sessions_moved", "Sessions moved as planned."),
    ("lines", "roost_balancer_lines", "Lines that clients sent."),
    ("deliveries", "roost_balancer_deliveries", "Payloads delivered to clients."),
    ("turned_away", "roost_balancer_turned_away", "Connections refused because of a limit."),
    ("cut_off", "roost_balancer_cut_off", "Clients disconnected for too much unread output."),
)


def readings(statistics: Statistics) -> Iterator[Reading]:
    """Return all metrics."""
    for field, name, documentation in _GAUGES:
        yield Reading(name=name, value=getattr(statistics, field), documentation=documentation)
    for field, name, documentation in _COUNTERS:
        yield Reading(
            name=name,
            value=getattr(statistics, field),
            documentation=documentation,
            is_counter=True,
        )
    yield from process_readings("balancer", statistics.stalls)
    for kind, days in statistics.certificate_days.items():
        yield Reading(
            name="roost_balancer_certificate_days",
            value=float(days),
            documentation="Days until the certificate expires.",
            labels={"certificate": kind},
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
