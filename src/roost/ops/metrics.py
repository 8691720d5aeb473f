"""Metrics, read at the moment of the scrape.

No part of Roost pushes numbers into a metrics library. Long-lived objects have `statistics()`, and
one function per process turns them into `Reading`s, once for each scrape.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import prometheus_client
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from roost import compiled
from roost.ops.stalls import StallStatistics


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One number at the moment of the scrape."""

    name: str
    """Ends in the unit, as is usual with Prometheus: `roost_node_log_bytes`."""
    value: float
    documentation: str
    """One sentence; the first of several readings of one name provides it."""
    is_counter: bool = False
    """Whether it only grows; its exported name ends in `_total`."""
    labels: dict[str, str] = field(default_factory=dict)
    """Readings of one name have the same label names in the same order."""


class StatisticsCollector(Collector):
    """Supplies the registry with what a function reads."""

    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self._read = read

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Read all metrics; readings of one name form one family."""
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for reading in self._read():
            family = families.get(reading.name)
            if family is None:
                kind = CounterMetricFamily if reading.is_counter else GaugeMetricFamily
                family = kind(reading.name, reading.documentation, labels=tuple(reading.labels))
                families[reading.name] = family
            family.add_metric(tuple(reading.labels.values()), reading.value)
        yield from families.values()

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return nothing in advance, so that registering reads nothing."""
        return ()


def process_readings(process: str, stalls: StallStatistics) -> Iterator[Reading]:
    """Yield what both kinds of processes say: how they run, and how long they were stopped."""
    yield Reading(
        name=f"roost_{process}_is_compiled",
        value=float(not compiled.why_plain()),
        documentation="1 if the hot modules run as compiled code, 0 if as plain Python.",
    )
    for since, seconds in (("start", stalls.longest_s), ("minute", stalls.recent_s)):
        yield Reading(
            name=f"roost_{process}_event_loop_stop_seconds",
            value=seconds,
            documentation="The longest stop of the event loop, since the start or lately.",
            labels={"since": since},
        )


def make_registry(read: Callable[[], Iterable[Reading]]) -> CollectorRegistry:
    """Return a registry of what `read` returns and of what the process itself uses."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StatisticsCollector(read))
    prometheus_client.ProcessCollector(registry=registry)
    prometheus_client.PlatformCollector(registry=registry)
    return registry


def render(registry: CollectorRegistry) -> tuple[bytes, str]:
    """Return the text that Prometheus scrapes, and its content type."""
    return prometheus_client.generate_latest(registry), prometheus_client.CONTENT_TYPE_LATEST
