"""A timing wheel returns everything once, and nothing early."""

from hypothesis import given
from hypothesis import strategies as st

from roost.balancer.engine.timer_wheel import TimerWheel


@given(
    deadlines=st.lists(st.floats(0, 500), max_size=30),
    looks=st.lists(st.floats(0, 600), min_size=1, max_size=30),
)
def test_everything_is_returned_once_and_never_early(
    deadlines: list[float], looks: list[float]
) -> None:
    wheel: TimerWheel[int] = TimerWheel(1.0)
    for number, deadline in enumerate(deadlines):
        wheel.add(number, deadline)
    seen: list[int] = []
    for now in sorted(looks):
        for number in wheel.due(now):
            assert deadlines[number] <= now
            seen.append(number)
        late = [n for n, deadline in enumerate(deadlines) if deadline <= now - 1 and n not in seen]
        assert not late
    assert len(seen) == len(set(seen))
