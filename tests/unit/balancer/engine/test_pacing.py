"""Lines are collected under load only."""

import pytest

from roost.balancer.engine.pacing import PaceConfig, Pacer

STEADY_S = 2.0


def period(lines_per_s: float, deliveries_per_line: int, **config: float) -> float:
    """Receive lines at a rate, and send each as soon as it is due; return the last delay."""
    pacer = Pacer(PaceConfig(**config))
    now, sent_at, waiting, last = 0.0, 0.0, 0, 0.0
    while now < STEADY_S:
        now += 1 / lines_per_s
        waiting += 1
        if now >= pacer.due:
            pacer.sent(waiting, waiting * deliveries_per_line, now)
            last, sent_at, waiting = now - sent_at, now, 0
    return last


def test_single_lines_are_sent_at_once() -> None:
    pacer = Pacer(PaceConfig())
    assert pacer.due < 0
    pacer.sent(1, 100, 5.0)
    assert pacer.due == 5.0


def test_a_low_load_causes_no_delay() -> None:
    assert period(20, 50) == pytest.approx(1 / 20)


def test_a_moderate_load_causes_a_short_delay() -> None:
    # Five milliseconds, and then the next line.
    assert period(300, 99) == pytest.approx(2 / 300)
    assert period(500, 99) == pytest.approx(3 / 500)


def test_the_delay_grows_with_the_load_up_to_a_limit() -> None:
    periods = [period(rate, 99) for rate in (500, 1000, 2000, 8000)]
    assert periods[0] < periods[1] < periods[2]
    assert periods[0] < 0.007
    assert periods[2] == pytest.approx(0.025, abs=0.002)
    assert periods[-1] == pytest.approx(0.025, abs=0.002)


def test_past_load_decays() -> None:
    pacer = Pacer(PaceConfig())
    pacer.sent(5000, 100_000, 1.0)
    assert pacer.due == pytest.approx(1.025)
    pacer.sent(1, 1, 3.0)
    assert pacer.due == 3.0


def test_pacing_can_be_turned_off() -> None:
    assert period(5000, 99, delay_ms_max=0) == pytest.approx(1 / 5000)


def test_a_clock_that_stands_still_does_no_harm() -> None:
    pacer = Pacer(PaceConfig())
    pacer.sent(10, 10, 1.0)
    pacer.sent(10, 10, 1.0)
    assert pacer.due >= 1.0


@pytest.mark.parametrize("delay_ms_max", [-1, 1001, float("nan")])
def test_an_impossible_limit_is_refused(delay_ms_max: float) -> None:
    with pytest.raises(ValueError, match="delay_ms_max must be from 0 to 1000"):
        PaceConfig(delay_ms_max=delay_ms_max)
