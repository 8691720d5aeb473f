"""No single clock is believed: not for a moment, and not for good."""

import itertools

import pytest

from roost.instant import Instant
from roost.node.engine.cluster_clock import SETTLE_S, ClusterClock

START_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


class Machine:
    """A node's clocks, and those of its neighbours, on one time line."""

    def __init__(self, members: int = 3, ahead_ms: int = 0) -> None:
        self.true_s = 100.0
        self.ahead_ms = ahead_ms
        self.clock = ClusterClock(members, 1000, self.now())
        self.others: dict[str, int] = {}

    def now(self) -> Instant:
        return Instant(self.true_s, self.true_ms() + self.ahead_ms)

    def true_ms(self) -> int:
        return START_MS + round(self.true_s * 1000)

    def run(self, seconds: float) -> list[int]:
        """Let time pass; gives how far the cluster's time was ahead of the true one."""
        seen = []
        for _ in range(round(seconds * 4)):
            self.true_s += 0.25
            for name, ahead in self.others.items():
                wall = self.true_ms() + ahead
                self.clock.measure(name, wall, self.true_s - 0.001, self.true_s + 0.001)
            seen.append(self.clock.read(self.now()).wall_ms - self.true_ms())
        return seen


@pytest.mark.parametrize("jump_ms", [HOUR_MS, -HOUR_MS])
def test_a_jump_of_ones_own_clock_changes_no_time(jump_ms: int) -> None:
    machine = Machine()
    machine.others = {"n2": 0, "n3": 5}
    machine.run(5)
    machine.ahead_ms = jump_ms
    assert all(abs(ahead) <= 5 for ahead in machine.run(600))
    assert machine.clock.is_wrong
    assert abs(machine.clock.offset_ms - jump_ms) <= 5
    machine.ahead_ms = 0
    machine.run(1)
    assert not machine.clock.is_wrong


@pytest.mark.parametrize("ahead_ms", [HOUR_MS, -HOUR_MS])
def test_a_node_that_starts_with_a_wrong_clock_takes_the_others_time(ahead_ms: int) -> None:
    machine = Machine(ahead_ms=ahead_ms)
    machine.others = {"n2": 0, "n3": 0}
    assert all(abs(ahead) <= 1 for ahead in machine.run(30))
    assert machine.clock.is_wrong


@pytest.mark.parametrize("jump_ms", [HOUR_MS, -HOUR_MS])
def test_with_one_neighbour_gone_the_agreed_time_goes_on(jump_ms: int) -> None:
    machine = Machine()
    machine.others = {"n2": 0, "n3": 0}
    machine.run(5)
    del machine.others["n3"]
    machine.clock.forget("n3")
    machine.others["n2"] = jump_ms
    assert all(abs(ahead) <= 1 for ahead in machine.run(600))
    assert not machine.clock.is_wrong, "nobody confirms it"


@pytest.mark.parametrize(("own_ms", "other_ms"), [(0, HOUR_MS), (HOUR_MS, 0)])
def test_two_of_three_that_never_agreed_take_the_earlier_clock(own_ms: int, other_ms: int) -> None:
    machine = Machine(ahead_ms=own_ms)
    machine.others = {"n2": other_ms}
    assert set(machine.run(30)) == {0}


def test_when_all_clocks_are_set_right_time_follows_and_nobody_is_wrong() -> None:
    machine = Machine(ahead_ms=-HOUR_MS)
    machine.others = {"n2": -HOUR_MS, "n3": -HOUR_MS}
    machine.run(5)
    machine.ahead_ms, machine.others = 0, {"n2": 0, "n3": 0}
    seen = machine.run(SETTLE_S + 1)
    assert seen[0] == -HOUR_MS
    assert seen[-1] == 0
    assert not machine.clock.is_wrong


def test_a_node_alone_ignores_a_short_jump_and_follows_a_lasting_one() -> None:
    machine = Machine(members=1)
    machine.run(1)
    machine.ahead_ms = HOUR_MS
    assert set(machine.run(2)) == {0}
    machine.ahead_ms = 0
    assert set(machine.run(30)) == {0}
    machine.ahead_ms = HOUR_MS
    assert machine.run(SETTLE_S + 1)[-1] == HOUR_MS
    assert not machine.clock.is_wrong, "there is nobody to tell"


def test_small_differences_are_made_up_for_without_a_jump() -> None:
    machine = Machine(ahead_ms=400)
    machine.others = {"n2": 400, "n3": 400}
    machine.run(1)
    machine.ahead_ms, machine.others = 0, {"n2": 0, "n3": 0}
    seen = machine.run(5)
    assert all(0 <= before - after <= 26 for before, after in itertools.pairwise(seen))
    assert seen[-1] == 0


def test_a_clock_counts_once_it_has_been_compared_with_a_majoritys() -> None:
    machine = Machine(members=5, ahead_ms=HOUR_MS)
    for others, is_compared in (({}, False), ({"n2": 0}, False), ({"n2": 0, "n3": 0}, True)):
        machine.others = others
        machine.run(1)
        assert machine.clock.is_compared is is_compared
    machine.clock.forget("n2")
    machine.run(1)
    assert machine.clock.is_compared, "it still knows what they said"


def test_a_slow_heartbeat_says_nothing_about_a_clock() -> None:
    machine = Machine()
    machine.clock.measure("n2", START_MS, 100.0, 130.0)
    machine.clock.measure("n3", START_MS, 100.0, 130.0)
    assert machine.run(1)[-1] == 0


def test_of_five_clocks_two_may_be_wrong() -> None:
    machine = Machine(members=5)
    machine.others = {"n2": HOUR_MS, "n3": -HOUR_MS, "n4": 2, "n5": 0}
    assert all(abs(ahead) <= 2 for ahead in machine.run(60))
    assert not machine.clock.is_wrong
