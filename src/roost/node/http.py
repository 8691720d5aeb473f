"""A node's state over HTTP, on loopback by default.

/healthz       200 while the process works
/readyz        200 while the node is ready; 503 and the reason while it is not
/status.json   the node's state, as it tells its balancers
/metrics       metrics for Prometheus
"""

from collections.abc import Callable, Iterator

import msgspec
from aiohttp import web

from roost import compiled
from roost.node.driver import DriverStatistics
from roost.ops.http import make_application
from roost.ops.metrics import Reading, process_readings
from roost.protocol.trunk import Status
from roost.raft.statistics import Statistics

STATES = (
    "ready",
    "starting",
    "catching-up",
    "removed",
    "isolated",
    "no-majority",
    "clock",
    "diverged",
    "configuring",
    "log-unavailable",
    "log-full",
    "log-denied",
    "log-foreign",
    "log-superseded",
    "log-set-back",
    "log-damaged",
    "disk",
    "draining",
)
"""Every state of a node. Each is a label, so that a query can count the nodes in it."""


class NodeView(msgspec.Struct, frozen=True, kw_only=True):
    """A node at one moment."""

    cluster: str
    name: str
    pid: int
    version: str
    status: Status
    driver: DriverStatistics
    log: Statistics
    balancers: tuple[str, ...]
    certificate_days: int
    """Days until the certificate expires."""
    kept_aside: int = 0
    """Directories with data that was put aside because the other nodes do not share it."""


def make_node_application(look: Callable[[], NodeView]) -> web.Application:
    """Make the application that serves what `look` returns at each request."""

    async def status(_request: web.Request) -> web.Response:
        body = msgspec.json.encode(describe(look()))
        return web.Response(body=body + b"\n", content_type="application/json")

    async def readiness(_request: web.Request) -> web.Response:
        status = look().status
        reason = f": {status.reason}" if status.reason else ""
        return web.Response(
            text=f"{status.state}{reason}\n", status=200 if status.state == "ready" else 503
        )

    application = make_application(lambda: readings(look()))
    application.router.add_get("/readyz", readiness)
    application.router.add_get("/status.json", status)
    return application


def describe(view: NodeView) -> dict[str, object]:
    """Return a node's state for `/status.json`; programs rely on these names."""
    status = view.status
    return {
        "cluster": view.cluster,
        "name": view.name,
        "pid": view.pid,
        "version": view.version,
        "code": compiled.describe(),
        "state": status.state,
        "reason": status.reason,
        "leader": status.leader,
        "term": status.term,
        "position": status.position,
        "applied": status.applied,
        "sessions": status.sessions,
        "lag_ms": round(status.lag_ms, 3),
        "longest_stop_ms": round(view.driver.stalls.longest_s * 1000, 3),
        "clock_offset_ms": status.clock_offset_ms,
        "neighbours": [
            {"name": neighbour.name, "rtt_ms": round(neighbour.rtt_ms, 3)}
            for neighbour in status.neighbours
        ],
        "balancers": list(view.balancers),
        "certificate_days": view.certificate_days,
    }


def readings(view: NodeView) -> Iterator[Reading]:
    """Yield a node's metrics."""
    status, log = view.status, view.log
    for state in STATES:
        yield Reading(
            name="roost_node_state",
            value=float(status.state == state),
            documentation="1 for the state that the node is in.",
            labels={"state": state},
        )
    yield _gauge("is_leader", log.leader == view.name, "Whether the node leads the log.")
    yield _gauge("term", status.term, "The Raft term.")
    yield _gauge("position", status.position, "The last entry in the log.")
    yield _gauge("durable_position", log.durable_index, "The last entry on the disk.")
    yield _gauge("committed_position", log.commit_index, "The last committed entry.")
    yield _gauge("applied_position", status.applied, "The last applied entry.")
    yield _gauge("log_bytes", log.log_bytes, "Entry bytes held in memory.")
    yield _gauge("sessions", status.sessions, "Clients that the node serves.")
    yield _gauge("balancers", len(view.balancers), "Trunks that are up.")
    yield _gauge("deliveries_per_second", status.deliveries, "Deliveries, averaged.")
    yield _gauge("event_loop_lag_seconds", status.lag_ms / 1000, "How late the loop is, averaged.")
    yield from process_readings("node", view.driver.stalls)
    offset_s = status.clock_offset_ms / 1000
    yield _gauge("clock_offset_seconds", offset_s, "How far the clock is ahead of the cluster's.")
    yield _gauge("kept_aside", view.kept_aside, "Directories with data the others do not share.")
    yield _gauge("certificate_days", view.certificate_days, "Days until the certificate expires.")
    for neighbour in status.neighbours:
        yield Reading(
            name="roost_node_round_trip_seconds",
            value=neighbour.rtt_ms / 1000,
            documentation="Smoothed round-trip time of heartbeats to a linked neighbour.",
            labels={"neighbour": neighbour.name},
        )
    yield _counter("turns", view.driver.turns, "Turns of the engine.")
    yield _counter("elections_started", log.elections_started, "Elections the node stood in.")
    yield _counter("elections_won", log.elections_won, "Elections that the node won.")
    yield _counter("snapshots_installed", log.snapshots_installed, "Snapshots received.")
    for way, link, count in (
        ("in", "mesh", view.driver.frames_from_peers),
        ("out", "mesh", view.driver.frames_to_peers),
        ("in", "trunk", view.driver.frames_from_balancers),
        ("out", "trunk", view.driver.frames_to_balancers),
    ):
        yield Reading(
            name="roost_node_frames",
            value=count,
            documentation="Frames over links and trunks, heartbeats and probes not counted.",
            is_counter=True,
            labels={"way": way, "link": link},
        )


def _gauge(name: str, value: float, documentation: str) -> Reading:
    return Reading(name=f"roost_node_{name}", value=float(value), documentation=documentation)


def _counter(name: str, value: float, documentation: str) -> Reading:
    return Reading(
        name=f"roost_node_{name}", value=value, documentation=documentation, is_counter=True
    )
