"""The log gives each run of a balancer its incarnation."""

import pytest

from roost.chat.balancers import BALANCERS_MAX, RUNS_MAX, RunState, find_run, newest_incarnation
from roost.chat.commands.sessions import BalancerLost, BalancerStarted, StartBalancer
from roost.chat.snapshot import decode_state, encode_state
from roost.irc.capabilities import Capability
from support.chat_world import INCARNATION, ChatWorld


@pytest.fixture
def world() -> ChatWorld:
    """A log of an earlier version, in which b1 chose its incarnation."""
    return ChatWorld()


def start(world: ChatWorld, run: str, name: str = "b1") -> int:
    world.command(StartBalancer(name, run, newest_incarnation(world.state, name)))
    return world.state.balancers[name]


def test_incarnations_grow_over_all_balancers_and_above_chosen_ones(world: ChatWorld) -> None:
    assert start(world, "x") == INCARNATION + 1
    assert start(world, "x", "b2") == INCARNATION + 2
    assert start(world, "a") == INCARNATION + 3
    world.command(BalancerLost("b1", INCARNATION + 3))
    assert start(world, "b", "b2") == INCARNATION + 4


def test_a_new_run_ends_sessions_that_cannot_be_resumed(world: ChatWorld) -> None:
    world.open("alice")
    world.open("bob", capabilities=Capability.RESUME)
    start(world, "x")
    assert list(world.state.nicks) == ["bob"]


def test_a_repeated_or_late_proposal_changes_nothing(world: ChatWorld) -> None:
    early = StartBalancer("b1", "early", INCARNATION)
    never = StartBalancer("b1", "never applied in time", INCARNATION)
    world.command(early)
    late = StartBalancer("b1", "late", INCARNATION + 1)
    world.command(late)
    world.incarnation = INCARNATION + 2
    world.open("alice")
    before = (dict(world.state.balancers), dict(world.state.balancer_runs))
    for command in (early, never, late, never, early):
        assert not world.command(command).results
    assert (world.state.balancers, world.state.balancer_runs) == before
    assert list(world.state.nicks) == ["alice"]


def test_a_run_that_was_given_up_gets_its_incarnation_back(world: ChatWorld) -> None:
    incarnation = start(world, "x")
    world.command(BalancerLost("b1", incarnation))
    assert find_run(world.state, "b1", "x") == (RunState.LOST, incarnation)
    assert start(world, "x") == incarnation
    assert find_run(world.state, "b1", "x") == (RunState.CURRENT, incarnation)


def test_earlier_runs_are_known_to_be_over(world: ChatWorld) -> None:
    for number in range(RUNS_MAX + 1):
        start(world, f"run {number}")
    assert find_run(world.state, "b1", f"run {RUNS_MAX}")[0] is RunState.CURRENT
    assert find_run(world.state, "b1", "run 1")[0] is RunState.OVER
    assert find_run(world.state, "b1", "run 0")[0] is RunState.UNKNOWN
    world.command(BalancerStarted("b1", 1 << 34))
    assert find_run(world.state, "b1", f"run {RUNS_MAX}")[0] is RunState.OVER


def test_balancers_that_are_gone_are_forgotten_first(world: ChatWorld) -> None:
    start(world, "x")
    for number in range(BALANCERS_MAX + 5):
        name = f"c{number}"
        world.command(BalancerLost(name, start(world, "x", name)))
    assert len(world.state.balancer_runs) == BALANCERS_MAX
    assert "b1" in world.state.balancer_runs
    assert "c0" not in world.state.balancer_runs


def test_a_snapshot_keeps_the_runs(world: ChatWorld) -> None:
    start(world, "x")
    assert decode_state(encode_state(world.state)) == world.state
