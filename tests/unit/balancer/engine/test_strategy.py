"""Which node gets the next client."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.balancer.engine.strategy import Strategy, StrategyConfig

NAMES = ("n1", "n2", "n3", "n4", "n5")


def make(weights: dict[str, int], *, now: float = 0.0, ramp_s: float = 10.0) -> Strategy:
    strategy = Strategy(StrategyConfig(ramp_s=ramp_s))
    for name, weight in weights.items():
        strategy.set_node(name, weight=weight, is_eligible=True, now=now)
    return strategy


def fill(strategy: Strategy, sessions: Counter[str], count: int, now: float) -> list[str]:
    chosen = []
    for _ in range(count):
        name = strategy.choose(sessions, now)
        assert name is not None
        sessions[name] += 1
        chosen.append(name)
    return chosen


def empty(*names: str) -> Counter[str]:
    return Counter(dict.fromkeys(names, 0))


@given(
    starts=st.lists(st.floats(0, 9), min_size=1, max_size=5),
    arrivals=st.lists(st.floats(0, 30), min_size=1, max_size=200),
    weight=st.integers(1, 1000),
)
def test_equal_nodes_that_start_together_differ_by_at_most_one(
    starts: list[float], arrivals: list[float], weight: int
) -> None:
    strategy = Strategy(StrategyConfig())
    names = NAMES[: len(starts)]
    for name, start in sorted(zip(names, starts, strict=True), key=lambda pair: pair[1]):
        strategy.set_node(name, weight=weight, is_eligible=True, now=start)
    sessions = empty(*names)
    for now in sorted(max(starts) + arrival for arrival in arrivals):
        fill(strategy, sessions, 1, now)
        assert max(sessions.values()) - min(sessions.values()) <= 1


@given(weights=st.lists(st.integers(1, 20), min_size=1, max_size=5), count=st.integers(1, 300))
def test_shares_are_proportional_to_weights(weights: list[int], count: int) -> None:
    names = NAMES[: len(weights)]
    strategy = make(dict(zip(names, weights, strict=True)))
    sessions = empty(*names)
    fill(strategy, sessions, count, now=0.0)
    for name, weight in zip(names, weights, strict=True):
        share = count * weight / sum(weights)
        assert share - len(names) < sessions[name] < share + len(names)


@given(existing=st.lists(st.integers(0, 30), min_size=2, max_size=5), count=st.integers(1, 50))
def test_the_least_loaded_of_equal_nodes_is_chosen(existing: list[int], count: int) -> None:
    names = NAMES[: len(existing)]
    strategy = make(dict.fromkeys(names, 7))
    sessions = Counter(dict(zip(names, existing, strict=True)))
    for _ in range(count):
        lowest = min(sessions.values())
        name = strategy.choose(sessions, 0.0)
        assert name is not None
        assert sessions[name] == lowest
        sessions[name] += 1


def test_round_robin_decides_among_equals() -> None:
    strategy = make({"n1": 1, "n2": 1, "n3": 1})
    same = empty("n1", "n2", "n3")
    assert [strategy.choose(same, 0.0) for _ in range(5)] == ["n1", "n2", "n3", "n1", "n2"]


def test_the_round_robin_pointer_skips_a_node_that_has_left() -> None:
    strategy = make({"n1": 1, "n2": 1, "n3": 1})
    same = empty("n1", "n2", "n3")
    assert strategy.choose(same, 0.0) == "n1"
    strategy.set_node("n2", weight=1, is_eligible=False, now=0.0)
    assert [strategy.choose(same, 0.0) for _ in range(3)] == ["n3", "n1", "n3"]


def test_scores_are_compared_exactly_where_floats_are_equal() -> None:
    huge = 2**53
    strategy = make({"n1": 1, "n2": 1})
    assert strategy.choose({"n1": huge, "n2": huge - 1}, 0.0) == "n2"
    assert strategy.choose({"n1": huge, "n2": huge + 1}, 0.0) == "n1"


def test_no_node_is_chosen_if_none_is_eligible() -> None:
    strategy = make({"n1": 1, "n2": 0})
    strategy.set_node("n1", weight=1, is_eligible=False, now=1.0)
    assert strategy.choose(empty("n1", "n2"), 1.0) is None
    assert Strategy(StrategyConfig()).choose({}, 0.0) is None


def test_only_candidates_are_chosen() -> None:
    strategy = make({"n1": 1, "n2": 1})
    assert strategy.choose({"n2": 100}, 0.0) == "n2"


@pytest.mark.parametrize(
    ("after_s", "weight"), [(0.0, 100), (5.0, 550), (9.99, 999), (10.0, 1000), (60.0, 1000)]
)
def test_a_node_that_joins_warm_ones_starts_slowly(after_s: float, weight: int) -> None:
    strategy = make({"n1": 1, "n2": 1})
    strategy.set_node("n3", weight=1, is_eligible=True, now=100.0)
    assert strategy.effective_weight("n3", 100.0 + after_s) == weight
    assert strategy.effective_weight("n1", 100.0 + after_s) == 1000


def test_a_node_that_returns_starts_slowly_again() -> None:
    strategy = make({"n1": 1, "n2": 1})
    strategy.set_node("n2", weight=1, is_eligible=False, now=50.0)
    assert strategy.effective_weight("n2", 50.0) == 0
    strategy.set_node("n2", weight=1, is_eligible=True, now=60.0)
    assert strategy.effective_weight("n2", 60.0) == 100
    strategy.set_node("n2", weight=1, is_eligible=True, now=65.0)
    assert strategy.effective_weight("n2", 65.0) == 550


def test_slow_start_can_be_turned_off() -> None:
    strategy = make({"n1": 1}, ramp_s=0.0)
    strategy.set_node("n2", weight=1, is_eligible=True, now=100.0)
    assert strategy.effective_weight("n2", 100.0) == 1000


def test_a_lagging_node_gets_no_new_clients_until_it_has_recovered() -> None:
    strategy = make({"n1": 1, "n2": 1})
    sessions = {"n1": 0, "n2": 50}
    strategy.set_load("n1", lag_ms=251.0, deliveries=0.0)
    assert strategy.excluded() == ("n1",)
    assert strategy.choose(sessions, 0.0) == "n2"
    strategy.set_load("n1", lag_ms=200.0, deliveries=0.0)
    assert strategy.choose(sessions, 0.0) == "n2"
    strategy.set_load("n1", lag_ms=100.0, deliveries=0.0)
    assert strategy.choose(sessions, 0.0) == "n1"


def test_a_node_that_delivers_far_more_than_the_others_is_excluded() -> None:
    strategy = make({"n1": 1, "n2": 1, "n3": 1})
    for name, deliveries in (("n1", 61_000.0), ("n2", 20_000.0), ("n3", 20_000.0)):
        strategy.set_load(name, lag_ms=0.0, deliveries=deliveries)
    assert strategy.excluded() == ("n1",)
    strategy.set_load("n1", lag_ms=0.0, deliveries=59_000.0)
    assert strategy.excluded() == ()


@given(loads=st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e9)), min_size=1, max_size=5))
def test_load_never_excludes_everybody_and_never_changes_the_score(
    loads: list[tuple[float, float]],
) -> None:
    names = NAMES[: len(loads)]
    strategy = make(dict.fromkeys(names, 3))
    for name, (lag_ms, deliveries) in zip(names, loads, strict=True):
        strategy.set_load(name, lag_ms=lag_ms, deliveries=deliveries)
    excluded = strategy.excluded()
    assert len(excluded) < len(names)
    sessions = empty(*names)
    for name in fill(strategy, sessions, 50, 0.0):
        assert name not in excluded
    counts = [sessions[name] for name in names if name not in excluded]
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"ramp_s": -1.0},
        {"ramp_min": 0},
        {"ramp_min": 1001},
        {"lag_ms_max": 0.0},
        {"deliveries_min": 0.0},
        {"deliveries_factor": 1.0},
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        StrategyConfig(**wrong)  # type: ignore[arg-type]
