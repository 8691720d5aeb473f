"""The live page's samples and events come from comparing statistics."""

from typing import Any

import msgspec

from roost.balancer.engine.observer import EVENTS_MAX, SAMPLE_S, SAMPLES_MAX, Observer
from roost.balancer.engine.statistics import NodeStatistics, Statistics
from roost.ops.stalls import StallStatistics
from roost.protocol.trunk import BalancerReport, Latency


def node(name: str = "n1", **changes: Any) -> NodeStatistics:
    values: dict[str, Any] = {
        "name": name,
        "pid": 1,
        "state": "ready",
        "reason": "",
        "leader": False,
        "position": 1,
        "applied": 1,
        "sessions": 0,
        "served": 0,
        "neighbours": (),
        "probe_ms": 0.0,
        "lag_ms": 0.0,
        "deliveries": 0.0,
    }
    return NodeStatistics(**{**values, **changes})


def statistics(*nodes: NodeStatistics, **changes: Any) -> Statistics:
    values: dict[str, Any] = {
        **dict.fromkeys(("cluster", "name", "address"), "x"),
        **dict.fromkeys(
            (
                *("pid", "sessions", "waiting", "departing", "connections", "connections_max"),
                *("sessions_opened", "sessions_rebound", "sessions_moved", "lines", "deliveries"),
                *("turned_away", "cut_off"),
            ),
            0,
        ),
        "nodes_ready": len(nodes),
        "problems": (),
        "stalls": StallStatistics(longest_s=0.0, recent_s=0.0),
        "certificate_days": {},
        "is_ready": True,
        "nodes": nodes,
    }
    return Statistics(**{**values, **changes})


def other(name: str, **changes: float) -> BalancerReport:
    return msgspec.structs.replace(BalancerReport(name, "", "", 0, 0, 0.0, 0.0), **changes)


def events_between(*looks: Statistics, seconds: int = 1) -> list[tuple[str, str]]:
    observer = Observer()
    for number, look in enumerate(looks):
        observer.observe(look, number * seconds * 1000)
    return [(event.kind, event.text) for event in observer.events]


def test_rates_and_samples_are_of_all_balancers() -> None:
    observer = Observer()
    for second in range(SAMPLE_S + 1):
        look = statistics(
            node(latency=Latency(1.0, 9.0)),
            node("n2", latency=Latency(2.0, 3.0)),
            lines=5 * second,
            deliveries=100 * second,
            sessions=7,
            others=(other("b2", lines=2.5, deliveries=50.0, sessions=3),),
        )
        observer.observe(look, second * 1000)
    assert observer.rates == (5.0, 100.0)
    (sample,) = observer.samples
    assert sample == (SAMPLE_S * 1000, 7.5, 150.0, 10, 2.0, 9.0)


def test_an_hour_of_samples_and_so_many_events_are_kept() -> None:
    observer = Observer()
    for number in range(SAMPLES_MAX + 10):
        look = statistics(problems=(f"problem {number}",))
        observer.observe(look, number * SAMPLE_S * 1000)
    assert len(observer.samples) == SAMPLES_MAX
    assert len(observer.events) == EVENTS_MAX
    assert observer.to_json()["events"][0]["text"] == f"problem {SAMPLES_MAX + 9}"


def test_a_clock_that_is_set_back_makes_no_rate() -> None:
    observer = Observer()
    for time_ms, lines in ((5000, 0), (1000, 10), (6000, 10)):
        observer.observe(statistics(lines=lines), time_ms)
    assert observer.rates.lines == 10.0


def test_what_happens_to_nodes_is_told() -> None:
    assert events_between(
        statistics(node(leader=True)),
        statistics(node(state="down", pid=0, reason="reset"), node("n2", leader=True)),
        statistics(node(pid=2), node("n2", leader=True, state="draining")),
        statistics(node("n2", leader=True)),
    ) == [
        ("death", "n1 has lost its connection"),
        ("state", "n1 is down: reset"),
        ("state", "n2 has announced itself"),
        ("election", "n2 leads the log"),
        ("state", "n1 is ready"),
        ("drain", "n2 is draining"),
        ("drain", "n2 is ready"),
        ("state", "n1 does not belong to the cluster any more"),
    ]


def test_a_node_that_starts_anew_between_two_looks_is_told() -> None:
    told = events_between(statistics(node(pid=1)), statistics(node(pid=2)))
    assert told == [("death", "n1 has started anew (2)")]


def test_what_happens_to_clients_is_told_once_per_sample() -> None:
    assert events_between(
        statistics(),
        statistics(sessions_rebound=12, sessions_moved=2, turned_away=1),
        seconds=SAMPLE_S,
    ) == [
        ("move", "2 clients were moved to other nodes, to even out the load or to empty a node"),
        ("death", "10 clients were given to other nodes, because theirs was lost"),
        ("refusal", "1 client was turned away at a limit"),
    ]


def test_other_balancers_problems_and_waiting_are_told_once() -> None:
    waiting = statistics(node(), nodes_ready=0, waiting=3, problems=("p",), others=(other("b2"),))
    assert events_between(statistics(node()), waiting, waiting, statistics(node())) == [
        ("problem", "p"),
        ("balancer", "the balancer b2 is here"),
        ("wait", "no node is ready: 3 clients wait"),
        ("balancer", "the balancer b2 is gone"),
    ]
