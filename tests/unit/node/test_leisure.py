"""A node is busy while its event loop takes more than a share of a core."""

from roost.node.leisure import BUSY_SHARE, LOOK_S, Leisure


class Clocks:
    """The time, and what the thread has used of it."""

    def __init__(self) -> None:
        self.time, self.used = 100.0, 7.0
        self.leisure = Leisure(lambda: self.time, lambda: self.used)

    def pass_time(self, seconds: float, share: float) -> bool:
        self.time += seconds
        self.used += seconds * share
        return self.leisure.is_busy()


def test_it_is_busy_while_the_thread_takes_more_than_its_share() -> None:
    clocks = Clocks()
    assert not clocks.pass_time(2.0, BUSY_SHARE * 0.9)
    assert clocks.pass_time(2.0, BUSY_SHARE * 1.1)
    assert clocks.pass_time(20.0, 1.0)
    assert not clocks.pass_time(LOOK_S, 0.0)


def test_too_short_a_time_changes_nothing() -> None:
    clocks = Clocks()
    assert not clocks.pass_time(LOOK_S * 0.4, 1.0)
    assert not clocks.pass_time(LOOK_S * 0.4, 1.0)
    assert clocks.pass_time(LOOK_S * 0.4, 1.0)
    assert clocks.pass_time(LOOK_S * 0.9, 0.0)
    assert not clocks.pass_time(LOOK_S * 0.2, 0.0)


def test_what_was_before_does_not_count() -> None:
    clocks = Clocks()
    assert clocks.pass_time(2.0, 1.0)
    clocks.time += 3600.0
    clocks.leisure.begin()
    assert not clocks.leisure.is_busy()
    assert clocks.pass_time(2.0, 0.5)
