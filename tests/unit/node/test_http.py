"""A node's state over HTTP."""

import json
from typing import Any

import aiohttp
import msgspec
import pytest

from roost import compiled
from roost.node.driver import DriverStatistics
from roost.node.http import STATES, NodeView, describe, make_node_application, readings
from roost.ops.http import serve
from roost.ops.stalls import StallStatistics
from roost.protocol.trunk import NeighbourStatus, Status
from roost.raft.statistics import Statistics
from support.loops import run

STATUS = Status(
    state="isolated",
    reason="linked to 0 neighbours, 1 are needed",
    leader="n1",
    term=3,
    position=12,
    applied=10,
    sessions=7,
    neighbours=(NeighbourStatus("n2", 1.23456),),
    lag_ms=250.0,
    deliveries=4.0,
    clock_offset_ms=-250,
)
VIEW = NodeView(
    cluster="home",
    name="n1",
    pid=42,
    version="0.1",
    status=STATUS,
    driver=DriverStatistics(
        turns=5,
        frames_from_peers=1,
        frames_from_balancers=2,
        frames_to_peers=3,
        frames_to_balancers=4,
        lag_ms=250.0,
        stalls=StallStatistics(longest_s=0.0625, recent_s=0.03125),
    ),
    log=Statistics(
        role="leader",
        term=3,
        leader="n1",
        first_index=1,
        last_index=12,
        durable_index=11,
        commit_index=10,
        log_bytes=900,
        is_barred=False,
        elections_started=2,
        elections_won=1,
        snapshots_installed=0,
    ),
    balancers=("b1",),
    certificate_days=29,
)


def values(view: NodeView) -> dict[str, float]:
    return {
        "/".join((reading.name, *reading.labels.values())): reading.value
        for reading in readings(view)
    }


def test_state_is_told_to_programs() -> None:
    assert describe(VIEW) == {
        "cluster": "home",
        "name": "n1",
        "pid": 42,
        "version": "0.1",
        "code": compiled.describe(),
        "state": "isolated",
        "reason": "linked to 0 neighbours, 1 are needed",
        "leader": "n1",
        "term": 3,
        "position": 12,
        "applied": 10,
        "sessions": 7,
        "lag_ms": 250.0,
        "longest_stop_ms": 62.5,
        "clock_offset_ms": -250,
        "neighbours": [{"name": "n2", "rtt_ms": 1.235}],
        "balancers": ["b1"],
        "certificate_days": 29,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("roost_node_state/isolated", 1.0),
        ("roost_node_state/ready", 0.0),
        ("roost_node_is_leader", 1.0),
        ("roost_node_position", 12.0),
        ("roost_node_is_compiled", float(not compiled.why_plain())),
        ("roost_node_durable_position", 11.0),
        ("roost_node_sessions", 7.0),
        ("roost_node_certificate_days", 29.0),
        ("roost_node_event_loop_lag_seconds", 0.25),
        ("roost_node_event_loop_stop_seconds/start", 0.0625),
        ("roost_node_event_loop_stop_seconds/minute", 0.03125),
        ("roost_node_round_trip_seconds/n2", 0.00123456),
        ("roost_node_elections_won", 1.0),
        ("roost_node_frames/in/mesh", 1.0),
        ("roost_node_frames/out/mesh", 3.0),
        ("roost_node_frames/in/trunk", 2.0),
        ("roost_node_frames/out/trunk", 4.0),
    ],
)
def test_metrics_say_what_is(name: str, value: float) -> None:
    assert values(VIEW)[name] == pytest.approx(value)


def test_exactly_one_state_is_marked() -> None:
    for state in STATES:
        view = msgspec.structs.replace(VIEW, status=msgspec.structs.replace(STATUS, state=state))
        marked = [name for name, value in values(view).items() if "_state/" in name and value]
        assert marked == [f"roost_node_state/{state}"]


def test_each_request_looks_anew() -> None:
    looks = iter([VIEW, msgspec.structs.replace(VIEW, pid=43)])

    async def scenario() -> list[dict[str, Any]]:
        application = make_node_application(lambda: next(looks))
        async with serve(application, "127.0.0.1", 0) as port, aiohttp.ClientSession() as client:
            seen = []
            for _ in range(2):
                async with client.get(f"http://127.0.0.1:{port}/status.json") as response:
                    assert response.content_type == "application/json"
                    seen.append(json.loads(await response.text()))
            return seen

    assert [seen["pid"] for seen in run(scenario())] == [42, 43]


def test_health_and_metrics_are_served() -> None:
    async def scenario() -> tuple[str, str]:
        application = make_node_application(lambda: VIEW)
        async with serve(application, "127.0.0.1", 0) as port, aiohttp.ClientSession() as client:
            async with client.get(f"http://127.0.0.1:{port}/healthz") as response:
                health = await response.text()
            async with client.get(f"http://127.0.0.1:{port}/metrics") as response:
                return health, await response.text()

    health, metrics = run(scenario())
    assert health == "ok\n"
    assert 'roost_node_frames_total{link="mesh",way="out"} 3.0' in metrics


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        ("ready", "", (200, "ready\n")),
        ("no-majority", "1 of 3 nodes", (503, "no-majority: 1 of 3 nodes\n")),
    ],
)
def test_readiness_is_served_with_its_reason(
    state: str, reason: str, expected: tuple[int, str]
) -> None:
    status = msgspec.structs.replace(STATUS, state=state, reason=reason)
    view = msgspec.structs.replace(VIEW, status=status)

    async def scenario() -> tuple[int, str]:
        application = make_node_application(lambda: view)
        async with (
            serve(application, "127.0.0.1", 0) as port,
            aiohttp.ClientSession() as client,
            client.get(f"http://127.0.0.1:{port}/readyz") as response,
        ):
            return response.status, await response.text()

    assert run(scenario()) == expected
