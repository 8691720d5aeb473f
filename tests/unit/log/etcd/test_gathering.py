"""Under load a batch waits a few milliseconds for more commands; a lone command never does."""

from math import inf

import pytest

from roost.log.etcd.forwarding import DECAY_S
from roost.log.etcd.writing import BATCH_WORK_S, GATHER_S_MAX
from support.etcd_bench import Bench, End

A_CORE = 1 / BATCH_WORK_S
"""So many commands a second as batches of their own take a core."""


def busy(rate: float) -> tuple[Bench, End]:
    """Return a log from which so many commands a second have come lately."""
    bench = Bench()
    end = bench.open()
    end.propose(*(b"%d" % number for number in range(int(rate * DECAY_S))))
    return bench, end


def pause(bench: Bench, end: End, seconds: float) -> None:
    """Let less time pass than the bench's clock does in a step."""
    bench.time += seconds
    end.log.tick(bench.now())
    end.settle()


@pytest.mark.parametrize("rate", [0, 300])
def test_no_command_waits_while_the_load_is_moderate(rate: int) -> None:
    _, end = busy(rate)
    for command in (b"a", b"b", b"c"):
        end.propose(command)
        assert end.commands[-1] == command


def test_under_load_a_batch_waits_after_the_one_before_was_begun() -> None:
    bench, end = busy(2 * A_CORE)
    end.propose(b"a")
    assert end.commands[-1] == b"a", "the first one finds nobody before it"
    end.propose(b"b")
    end.propose(b"c")
    assert end.commands[-1] == b"a"
    assert end.log.next_deadline() == pytest.approx(bench.time + GATHER_S_MAX)
    assert end.log.has_output, "a turn that has the timer set"
    before = bench.store.revision
    pause(bench, end, GATHER_S_MAX / 2)
    assert end.commands[-1] == b"a"
    pause(bench, end, GATHER_S_MAX / 2 + 1e-6)
    assert end.commands[-2:] == [b"b", b"c"]
    assert bench.store.revision == before + 1, "in one batch"


def test_a_batch_that_takes_longer_than_that_is_followed_at_once() -> None:
    bench, end = busy(2 * A_CORE)
    bench.is_held = True
    end.propose(b"a")
    end.propose(b"b")
    bench.time += 2 * GATHER_S_MAX
    bench.is_held = False
    for effect in end.asked:
        end.answer(effect)
    end.settle()
    assert end.commands[-2:] == [b"a", b"b"]


def test_what_waits_has_no_deadline_while_a_batch_is_under_way() -> None:
    """The answer, which can take long, has one of its own; a timer would go off for nothing."""
    bench, end = busy(2 * A_CORE)
    bench.is_held = True
    end.propose(b"a")
    end.propose(b"b")
    assert end.log.next_deadline() > bench.time + GATHER_S_MAX
    assert end.log.next_deadline() < inf
