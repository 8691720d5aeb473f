"""Balancers as the state knows them: their runs and incarnations, and the sessions of each.

A balancer draws a name for each of its runs at random, and the log gives the run an incarnation.
So order comes from the log alone: no clock has a part in it, and no two runs can collide.
"""

import enum
from collections.abc import Iterator
from itertools import islice

from roost.chat.applied import Applied
from roost.chat.commands.sessions import BalancerLost, BalancerStarted, StartBalancer
from roost.chat.dispatch import applies_command
from roost.chat.ids import incarnation_of
from roost.chat.sessions import close_session, is_resumable
from roost.chat.state import BalancerRun, Session, State
from roost.chat.step import Step

RUNS_MAX = 8
"""Runs that are remembered of each balancer, so that an earlier one is told that it is over."""
BALANCERS_MAX = 256
"""Balancers that are remembered; beyond them one that nobody sees is forgotten."""

RESTARTED = "Balancer restarted"
"""What others are told of clients whose balancer began a new run."""


class RunState(enum.Enum):
    """What the log says of a balancer's run."""

    UNKNOWN = enum.auto()
    """Nothing yet."""
    CURRENT = enum.auto()
    """It is the balancer's newest run."""
    LOST = enum.auto()
    """It is the newest run, but was given up because no node saw it."""
    OVER = enum.auto()
    """A later run has begun."""


def find_run(state: State, name: str, run: str) -> tuple[RunState, int]:
    """Return what the log says of a run, and its incarnation (0 if unknown)."""
    runs = state.balancer_runs.get(name, ())
    for known in reversed(runs):
        if known.run != run:
            continue
        if known is not runs[-1] or state.balancers.get(name, 0) > known.incarnation:
            return RunState.OVER, known.incarnation
        is_current = state.balancers.get(name) == known.incarnation
        return RunState.CURRENT if is_current else RunState.LOST, known.incarnation
    return RunState.UNKNOWN, 0


def newest_incarnation(state: State, name: str) -> int:
    """Return the newest incarnation that a balancer is known to have had; 0 for none."""
    runs = state.balancer_runs.get(name, ())
    return max(state.balancers.get(name, 0), runs[-1].incarnation if runs else 0)


@applies_command(StartBalancer)
def start_balancer(step: Step, command: StartBalancer) -> Applied:
    """Give a new run the next incarnation, and end sessions of the balancer's earlier ones."""
    state, name = step.state, command.name
    known, incarnation = find_run(state, name, command.run)
    if known is RunState.LOST:
        state.balancers[name] = incarnation
    elif known is RunState.UNKNOWN and command.after == newest_incarnation(state, name):
        incarnation = 1 + max(
            state.incarnation_max, *state.balancers.values(), *state.incarnations, 0
        )
        runs = (*state.balancer_runs.pop(name, ()), BalancerRun(command.run, incarnation))
        state.balancer_runs[name] = runs[-RUNS_MAX:]
        _forget_runs(state)
        _begin(step, name, incarnation)
    return step.applied()


@applies_command(BalancerStarted)
def balancer_started(step: Step, command: BalancerStarted) -> Applied:
    """Note an incarnation that the balancer chose; only older logs have these."""
    state, incarnation = step.state, command.incarnation
    is_taken = incarnation in state.incarnations or is_current(state, incarnation)
    if incarnation > state.balancers.get(command.name, 0) and not is_taken:
        _begin(step, command.name, incarnation)
    return step.applied()


def _begin(step: Step, name: str, incarnation: int) -> None:
    """Make an incarnation the current one.

    Sessions of the former one that cannot be resumed end now, because their clients would find
    their own nicknames taken when they reconnect. The others wait, as after the death of any
    balancer.
    """
    state = step.state
    former = state.balancers.get(name, 0)
    state.balancers[name] = incarnation
    state.incarnation_max = max(state.incarnation_max, incarnation)
    for session in list(_sessions_of(state, former)):
        if not is_resumable(session):
            close_session(step, session, RESTARTED)


def _forget_runs(state: State) -> None:
    if len(state.balancer_runs) > BALANCERS_MAX:
        lost = (name for name in state.balancer_runs if name not in state.balancers)
        for name in list(lost)[:1]:
            del state.balancer_runs[name]


@applies_command(BalancerLost)
def balancer_lost(step: Step, command: BalancerLost) -> Applied:
    """End sessions of an incarnation that no node sees any more.

    Its balancer may announce itself again.
    """
    state = step.state
    if state.balancers.get(command.name) == command.incarnation:
        del state.balancers[command.name]
    if not is_current(state, command.incarnation):
        some = islice(_sessions_of(state, command.incarnation), command.sessions_max or None)
        for session in list(some):
            close_session(step, session, "Connection lost")
    return step.applied()


def is_current(state: State, incarnation: int) -> bool:
    """Return whether this is some balancer's newest incarnation."""
    return incarnation in state.balancers.values()


def _sessions_of(state: State, incarnation: int) -> Iterator[Session]:
    return (
        session for session in state.sessions.values() if incarnation_of(session.id) == incarnation
    )
