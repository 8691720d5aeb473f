"""A pulse, with an event loop whose time a test sets."""

import pytest

from roost.ops.pulse import EARLY, LATE, Pulse
from support.loops import pass_turns, run, wait_until


class Listener:
    """Notes when it was called, and how late the timer was."""

    def __init__(self) -> None:
        self.beats: list[tuple[float, float]] = []

    def beat(self, now: float, late_s: float) -> None:
        self.beats.append((now, late_s))


def test_a_pulse_comes_by_itself_and_says_how_late_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        now = [100.0]
        monkeypatch.setattr("roost.ops.clock.monotonic", lambda: now[0])
        pulse, listener = Pulse(0.001), Listener()
        pulse.add(listener.beat)
        now[0] += 5.0
        await wait_until(lambda: listener.beats)
        now_then, late_s = listener.beats[0]
        assert now_then == 105.0
        assert late_s == pytest.approx(5.0 - 0.001 * LATE)
        pulse.stop()

    run(scenario())


def test_a_pulse_comes_with_a_turn_late_in_the_period(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr("roost.ops.clock.monotonic", lambda: 100.0)
        pulse, listener = Pulse(60.0), Listener()
        pulse.add(listener.beat)
        assert pulse.due_at == 100.0 + 60.0 * LATE
        ripe = 100.0 + 60.0 * EARLY
        for turn in (100.0, ripe - 0.1, ripe, ripe + 0.1):
            pulse.ride(turn)
        assert listener.beats == [(ripe, 0.0)]
        assert pulse.due_at == ripe + 60.0 * LATE
        pulse.remove(listener.beat)
        pulse.ride(ripe + 60.0)
        assert len(listener.beats) == 1
        pulse.stop()
        await pass_turns()

    run(scenario())
