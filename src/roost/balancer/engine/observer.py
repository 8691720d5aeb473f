"""What the live page shows over time: samples of the last hour, and the last events.

    Statistics, one after the other --observe--> rates, samples, events

Everything comes from comparing what the balancer looks like now with what it looked like before, so
that nothing on a message's path counts for the page.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from roost.balancer.engine.statistics import NodeStatistics, Statistics

SAMPLE_S = 10
"""Between two samples."""
SAMPLES_MAX = 360
"""An hour's."""
EVENTS_MAX = 200
TOTALS: tuple[tuple[str, str, Callable[[Statistics], int]], ...] = (
    (
        "move",
        "moved to other nodes, to even out the load or to empty a node",
        lambda now: now.sessions_moved,
    ),
    (
        "death",
        "given to other nodes, because theirs was lost",
        lambda now: now.sessions_rebound - now.sessions_moved,
    ),
    ("refusal", "turned away at a limit", lambda now: now.turned_away),
    ("refusal", "disconnected because they did not read", lambda now: now.cut_off),
)
"""Counts of clients whose growth is an event: its kind, what it says of them, and the count."""


class Event(NamedTuple):
    """Something that people want to know of."""

    time_ms: int
    kind: str
    """"state", "death", "election", "move", "drain", "refusal", "problem", "balancer" or "wait"."""
    text: str


class Sample(NamedTuple):
    """Means over some seconds that end at `time_ms`."""

    time_ms: int
    messages: float
    """Lines that clients sent, a second; of all balancers."""
    deliveries: float
    sessions: int
    p50_ms: float | None
    """Of the time to commit, at the slowest node; None while nothing is said."""
    p99_ms: float | None


class Rates(NamedTuple):
    """Of this balancer, a second."""

    lines: float = 0.0
    deliveries: float = 0.0


class Observer:
    """Watches one balancer; `observe` is called every second."""

    def __init__(self) -> None:
        self.rates = Rates()
        self.samples: deque[Sample] = deque(maxlen=SAMPLES_MAX)
        self.events: deque[Event] = deque(maxlen=EVENTS_MAX)
        self._last: tuple[Statistics, int] | None = None
        self._sampled: tuple[Statistics, int] | None = None

    def observe(self, now: Statistics, time_ms: int) -> None:
        """Take in what the balancer looks like; `time_ms` is its wall clock."""
        if self._last is None or self._sampled is None:
            self._last = self._sampled = (now, time_ms)
            return
        before, before_ms = self._last
        seconds = (time_ms - before_ms) / 1000
        if seconds <= 0:
            return
        self._last = (now, time_ms)
        self.rates = _rates(before, now, seconds)
        self._compare(before, now, time_ms)
        sampled, sampled_ms = self._sampled
        if time_ms - sampled_ms >= SAMPLE_S * 1000:
            self._take_sample(sampled, now, (time_ms - sampled_ms) / 1000, time_ms)
            self._tell_totals(sampled, now, time_ms)
            self._sampled = (now, time_ms)

    def to_json(self) -> dict[str, Any]:
        """Return what `/activity.json` has over time."""
        return {
            "samples": [list(sample) for sample in self.samples],
            "events": [event._asdict() for event in reversed(self.events)],
        }

    def _take_sample(
        self, before: Statistics, now: Statistics, seconds: float, time_ms: int
    ) -> None:
        own = _rates(before, now, seconds)
        latencies = [node.latency for node in now.nodes if node.latency is not None]
        self.samples.append(
            Sample(
                time_ms,
                round(own.lines + sum(other.lines for other in now.others), 2),
                round(own.deliveries + sum(other.deliveries for other in now.others), 2),
                now.sessions + sum(other.sessions for other in now.others),
                max((round(one.p50_ms, 2) for one in latencies), default=None),
                max((round(one.p99_ms, 2) for one in latencies), default=None),
            )
        )

    def _tell_totals(self, before: Statistics, now: Statistics, time_ms: int) -> None:
        for kind, text, total in TOTALS:
            count = total(now) - total(before)
            if count > 0:
                self._tell(
                    time_ms, kind, f"{count} client{'s were' if count > 1 else ' was'} {text}"
                )

    def _compare(self, before: Statistics, now: Statistics, time_ms: int) -> None:
        known = {node.name: node for node in before.nodes}
        for node in now.nodes:
            self._compare_node(known.get(node.name), node, time_ms)
        present = {node.name for node in now.nodes}
        for name in known:
            if name not in present:
                self._tell(time_ms, "state", f"{name} does not belong to the cluster any more")
        leads, led = _leader(now), _leader(before)
        if leads and leads != led:
            self._tell(time_ms, "election", f"{leads} leads the log")
        for problem in now.problems:
            if problem not in before.problems:
                self._tell(time_ms, "problem", problem)
        others, earlier = ({one.name for one in each.others} for each in (now, before))
        for name in sorted(others ^ earlier):
            came = "is here" if name in others else "is gone"
            self._tell(time_ms, "balancer", f"the balancer {name} {came}")
        if now.waiting and not now.nodes_ready and (not before.waiting or before.nodes_ready):
            self._tell(time_ms, "wait", f"no node is ready: {now.waiting} clients wait")

    def _compare_node(
        self, before: NodeStatistics | None, now: NodeStatistics, time_ms: int
    ) -> None:
        if before is None:
            self._tell(time_ms, "state", f"{now.name} has announced itself")
            return
        if before.pid and now.pid != before.pid:
            end = "has lost its connection" if not now.pid else f"has started anew ({now.pid})"
            self._tell(time_ms, "death", f"{now.name} {end}")
        if now.state != before.state:
            reason = f": {now.reason}" if now.reason else ""
            kind = "drain" if "draining" in (now.state, before.state) else "state"
            self._tell(time_ms, kind, f"{now.name} is {now.state}{reason}")

    def _tell(self, time_ms: int, kind: str, text: str) -> None:
        self.events.append(Event(time_ms, kind, text))


def _rates(before: Statistics, now: Statistics, seconds: float) -> Rates:
    return Rates(
        (now.lines - before.lines) / seconds, (now.deliveries - before.deliveries) / seconds
    )


def _leader(statistics: Statistics) -> str:
    return next((node.name for node in statistics.nodes if node.leader), "")
