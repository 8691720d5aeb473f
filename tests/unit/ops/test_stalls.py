"""The stall detector keeps the longest stop, for ever and for a while."""

from roost.ops.stalls import PERIOD_S, StallDetector


def longest(detector: StallDetector, now: float) -> tuple[float, float]:
    found = detector.statistics(now)
    return found.longest_s, found.recent_s


def test_a_turn_counts_from_its_first_input_to_its_end() -> None:
    detector = StallDetector(0.0)
    detector.begin(1.0)
    detector.begin(1.25)
    detector.end(1.5)
    detector.end(9.0)
    assert longest(detector, 9.0) == (0.5, 0.5)
    detector.begin(10.0)
    detector.end(10.25)
    assert longest(detector, 11.0) == (0.5, 0.5)


def test_a_late_timer_counts_and_an_early_one_does_not() -> None:
    detector = StallDetector(0.0)
    detector.expected(5.0, 4.75)
    assert longest(detector, 5.0) == (0.0, 0.0)
    detector.expected(6.0, 6.5)
    assert longest(detector, 7.0) == (0.5, 0.5)


def test_what_is_long_ago_is_only_the_longest() -> None:
    detector = StallDetector(0.0)
    detector.expected(0.0, 0.5)
    detector.expected(PERIOD_S, PERIOD_S + 0.25)
    assert longest(detector, PERIOD_S + 1) == (0.5, 0.5)
    assert longest(detector, 2 * PERIOD_S + 1) == (0.5, 0.25)
    detector.expected(4 * PERIOD_S, 4 * PERIOD_S + 0.125)
    assert longest(detector, 4 * PERIOD_S + 1) == (0.5, 0.125)
    assert longest(detector, 9 * PERIOD_S) == (0.5, 0.0)
