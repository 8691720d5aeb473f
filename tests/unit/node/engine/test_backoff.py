"""Pauses between attempts grow, are jittered, and start small again."""

import itertools

from roost.node.engine.backoff import MESH_PACE, Backoff, Pace


def test_pauses_double_up_to_the_most() -> None:
    backoff = Backoff(MESH_PACE, random=lambda: 1.0)
    assert [backoff.next_s() for _ in range(7)] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_pauses_are_spread_over_their_upper_half() -> None:
    draws = itertools.cycle([0.0, 0.5, 1.0])
    backoff = Backoff(Pace(first_s=1.0, most_s=1.0), random=lambda: next(draws))
    assert [backoff.next_s() for _ in range(3)] == [0.5, 0.75, 1.0]


def test_after_a_link_that_worked_pauses_are_small_again() -> None:
    backoff = Backoff(MESH_PACE, random=lambda: 1.0)
    for _ in range(5):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == 0.05
