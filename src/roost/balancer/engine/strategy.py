"""Which node takes the next client: least connections, and round robin among equals.

    score = (sessions + 1) / effective weight            the lowest score wins
    effective weight = weight * ramp / 1000              0 while the node may get no clients

Scores are compared exactly, by cross-multiplication of integers. Among equals a round-robin
pointer decides. Load (event-loop lag, deliveries) is no part of the score: it only excludes an
overloaded node from new work, and never all nodes.
"""

from collections.abc import Iterable, Mapping

import msgspec

from roost.balancer.engine.limits import check_limits

RAMP_FULL = 1000
"""The slow-start ramp of a warm node, in thousandths."""


class StrategyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How clients are spread over the nodes."""

    ramp_s: float = 10.0
    """How long a node that joins warm ones takes to reach its full weight: its caches are warm and
    reconnecting crowds are gone by then. 0 turns slow start off."""
    ramp_min: int = 100
    """Start of the slow-start ramp, in thousandths of the weight: a tenth shows whether a node
    works."""
    lag_ms_max: float = 250.0
    """Average event-loop lag above which a node gets no new clients: people notice a quarter of a
    second."""
    deliveries_min: float = 20_000.0
    """Deliveries a second below which they do not make a node overloaded."""
    deliveries_factor: float = 3.0
    """Multiple of the other nodes' average deliveries above which a node is overloaded."""

    def __post_init__(self) -> None:
        check_limits(self, positive=("lag_ms_max", "deliveries_min"), not_negative=("ramp_s",))
        if not 1 <= self.ramp_min <= RAMP_FULL:
            raise ValueError(f"ramp_min must be from 1 to {RAMP_FULL}")
        if self.deliveries_factor <= 1:
            raise ValueError("deliveries_factor must be more than 1")


class _Node(msgspec.Struct):
    """What the strategy knows of a node."""

    weight: int
    eligible_since: float | None = None
    """Since when it may get clients; None while it may not."""
    is_ramping: bool = False
    """Whether it joined warm nodes, so that its weight grows slowly."""
    lag_ms: float = 0.0
    deliveries: float = 0.0
    is_lagging: bool = False


class Strategy:
    """Chooses a node for each client."""

    def __init__(self, config: StrategyConfig) -> None:
        self._config = config
        self._nodes: dict[str, _Node] = {}
        self._last = ""
        """The round-robin pointer: the node that was chosen last."""

    def set_node(self, name: str, *, weight: int, is_eligible: bool, now: float) -> None:
        """Note a node's weight, and whether it may get clients; call at every change.

        A node that becomes eligible while another one is warm starts slowly. Nodes that start
        together do not, because no other node could take the load instead.
        """
        node = self._nodes.setdefault(name, _Node(weight))
        node.weight = max(0, weight)
        if not is_eligible:
            node.eligible_since = None
        elif node.eligible_since is None:
            node.is_ramping = any(self._is_warm(other, now) for other in self._nodes.values())
            node.eligible_since = now

    def forget(self, name: str) -> None:
        """Forget a node that does not belong to the cluster any more."""
        self._nodes.pop(name, None)

    def set_load(self, name: str, *, lag_ms: float, deliveries: float) -> None:
        """Note a node's moving averages: event-loop lag, and deliveries a second."""
        node = self._nodes.get(name)
        if node is None:
            return
        node.lag_ms = lag_ms
        node.deliveries = deliveries
        # Hysteresis: a node at the limit does not switch to and fro.
        limit = self._config.lag_ms_max / 2 if node.is_lagging else self._config.lag_ms_max
        node.is_lagging = lag_ms > limit

    def effective_weight(self, name: str, now: float) -> int:
        """Return a node's weight in thousandths; 0 while it may get no clients."""
        node = self._nodes.get(name)
        if node is None or node.eligible_since is None:
            return 0
        return node.weight * self._ramp(node, now)

    def excluded(self, candidates: Iterable[str] | None = None) -> tuple[str, ...]:
        """Return the nodes that are too busy for new work; never all that are eligible.

        `candidates` limits it to those nodes, of which one remains too.
        """
        eligible = self._eligible()
        if candidates is not None:
            wanted = tuple(candidates)
            eligible = [name for name in eligible if name in wanted]
        busy = tuple(name for name in eligible if self._is_overloaded(name, eligible))
        return busy if len(busy) < len(eligible) else ()

    def choose(self, sessions: Mapping[str, int], now: float) -> str | None:
        """Choose the node for one more client; return None if there is none.

        `sessions` has each candidate's count, including sessions that move to it and excluding
        those that move away.
        """
        excluded = self.excluded(sessions)
        best: list[str] = []
        best_count, best_weight = 0, 1
        for name in self._eligible():
            weight = self.effective_weight(name, now)
            if not weight or name in excluded or name not in sessions:
                continue
            count = sessions[name] + 1
            difference = count * best_weight - best_count * weight
            if not best or difference < 0:
                best, best_count, best_weight = [name], count, weight
            elif difference == 0:
                best.append(name)
        if not best:
            return None
        self._last = next((name for name in best if name > self._last), best[0])
        return self._last

    def _eligible(self) -> list[str]:
        return sorted(
            name
            for name, node in self._nodes.items()
            if node.eligible_since is not None and node.weight
        )

    def _is_warm(self, node: _Node, now: float) -> bool:
        return node.eligible_since is not None and now - node.eligible_since >= self._config.ramp_s

    def _ramp(self, node: _Node, now: float) -> int:
        if not node.is_ramping or node.eligible_since is None or self._is_warm(node, now):
            return RAMP_FULL
        begin = self._config.ramp_min
        share = max(0.0, now - node.eligible_since) / self._config.ramp_s
        return begin + int((RAMP_FULL - begin) * share)

    def _is_overloaded(self, name: str, eligible: list[str]) -> bool:
        node = self._nodes[name]
        if node.is_lagging:
            return True
        others = [self._nodes[other].deliveries for other in eligible if other != name]
        if not others or node.deliveries < self._config.deliveries_min:
            return False
        return node.deliveries > self._config.deliveries_factor * sum(others) / len(others)
