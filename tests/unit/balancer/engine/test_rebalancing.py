"""When nodes are even enough, and which moves make them even."""

from collections import Counter
from fractions import Fraction

import pytest

from roost.balancer.engine.rebalancing import Load, Move, Rebalancer, imbalance


def loads(*sessions: int, weights: tuple[int, ...] = (), now: tuple[int, ...] = ()) -> list[Load]:
    weights = weights or (1000,) * len(sessions)
    return [
        Load(name=f"n{number}", sessions=count, weight=weight, weight_now=weight_now)
        for number, (count, weight, weight_now) in enumerate(
            zip(sessions, weights, now or weights, strict=True), start=1
        )
    ]


def after(before: list[Load], moves: list[Move]) -> list[Load]:
    out, into = Counter(m.source for m in moves), Counter(m.target for m in moves)
    return [
        Load(
            name=load.name,
            sessions=load.sessions - out[load.name] + into[load.name],
            weight=load.weight,
            weight_now=load.weight_now,
        )
        for load in before
    ]


def settle(evening: Rebalancer, start: list[Load], moves_max: int = 50) -> tuple[list[int], int]:
    """Carry out plans until there are none; return each node's sessions, and how many moved."""
    now, moved = start, 0
    while moves := evening.plan(now, moves_max):
        assert len(moves) <= moves_max
        moved += len(moves)
        now = after(now, moves)
    return [load.sessions for load in now], moved


@pytest.mark.parametrize(
    "sessions", [(0, 0), (1, 3), (1, 1, 3), (93, 107), (930, 1000, 1070), (100,), ()]
)
def test_nothing_moves_in_the_dead_zone(sessions: tuple[int, ...]) -> None:
    assert Rebalancer().plan(loads(*sessions), 50) == []


@pytest.mark.parametrize(
    ("sessions", "even", "moved"),
    [
        ((0, 3), [1, 2], 1),
        ((0, 1650, 1650), [1100, 1100, 1100], 1100),
        ((92, 108), [100, 100], 8),
        ((0, 0, 10), [3, 3, 4], 6),
    ],
)
def test_outside_the_dead_zone_nodes_are_made_even_with_the_fewest_moves(
    sessions: tuple[int, ...], even: list[int], moved: int
) -> None:
    counts, count = settle(Rebalancer(), loads(*sessions))
    assert max(counts) - min(counts) <= max(even) - min(even)
    assert sorted(counts) == sorted(even)
    assert count == moved


def test_the_dead_zone_does_not_apply_while_rebalancing() -> None:
    evening = Rebalancer()
    under_way = []
    for sessions in ((0, 100), (48, 52), (50, 50), (48, 52)):
        moves = evening.plan(loads(*sessions), 10)
        under_way.append((bool(moves), evening.is_active))
    assert under_way == [(True, True), (True, True), (False, False), (False, False)]


def test_weights_are_respected() -> None:
    counts, _ = settle(Rebalancer(), loads(300, 0, weights=(1000, 2000)))
    assert counts == [100, 200]
    assert Rebalancer().plan(loads(100, 200, weights=(1000, 2000)), 50) == []
    assert imbalance(loads(100, 200, weights=(1000, 2000))) == 0
    assert imbalance(loads(0, 200, weights=(1000, 1000))) == Fraction(200)


def test_a_node_in_slow_start_gets_its_present_share_and_gives_nothing_away() -> None:
    evening = Rebalancer()
    counts, _ = settle(evening, loads(500, 500, 0, now=(1000, 1000, 100)))
    assert counts[2] == pytest.approx(1000 * 100 / 2100, abs=1)
    assert evening.is_active
    counts, _ = settle(evening, loads(*counts, now=(1000, 1000, 500)))
    assert counts[2] == pytest.approx(200, abs=1)
    counts, _ = settle(evening, loads(*counts))
    assert sorted(counts) == [333, 333, 334]
    assert Rebalancer().plan(loads(333, 333, 334, now=(1000, 1000, 100)), 50) == []


def test_a_node_with_no_present_weight_is_no_target() -> None:
    assert Rebalancer().plan(loads(100, 0, now=(1000, 0)), 50) == []
    moves = Rebalancer().plan(loads(100, 0, 0, now=(1000, 0, 1000)), 100)
    assert {move.target for move in moves} == {"n3"}


@pytest.mark.parametrize("sessions", [(7, 0, 100, 3), (0, 1, 2, 90), (1000, 0, 0, 0)])
def test_no_move_is_undone_by_a_later_one(sessions: tuple[int, ...]) -> None:
    moves = Rebalancer().plan(loads(*sessions), 10_000)
    assert not {move.source for move in moves} & {move.target for move in moves}
