"""Balancers as the state knows them: their incarnations, and the sessions of each."""

from roost.chat.applied import Applied
from roost.chat.commands.sessions import BalancerLost, BalancerStarted
from roost.chat.dispatch import applies_command
from roost.chat.ids import incarnation_of
from roost.chat.refusals import Reason
from roost.chat.sessions import close_session, is_resumable
from roost.chat.state import Session, State
from roost.chat.step import Step


@applies_command(BalancerStarted)
def balancer_started(step: Step, command: BalancerStarted) -> Applied:
    """Note a balancer's new incarnation, and end sessions of earlier ones.

    Sessions that cannot be resumed end now, because their clients would find their own nicknames
    taken when they reconnect. The others wait, as after the death of any balancer.
    """
    state = step.state
    known = state.balancers.get(command.name, 0)
    if is_taken(state, command.name, command.incarnation):
        # Both balancers would give their clients the same session ids.
        step.refused(Reason.INCARNATION_TAKEN, command.name, str(command.incarnation))
    elif command.incarnation > known:
        state.balancers[command.name] = command.incarnation
        for session in _sessions_of(state, known):
            if not is_resumable(session):
                close_session(step, session, "Balancer restarted")
    return step.applied()


@applies_command(BalancerLost)
def balancer_lost(step: Step, command: BalancerLost) -> Applied:
    """End the sessions of an incarnation that no node sees any more.

    Its balancer may announce itself again.
    """
    state = step.state
    if state.balancers.get(command.name) == command.incarnation:
        del state.balancers[command.name]
    if not is_current(state, command.incarnation):
        for session in _sessions_of(state, command.incarnation):
            close_session(step, session, "Connection lost")
    return step.applied()


def is_taken(state: State, name: str, incarnation: int) -> bool:
    """Return whether the incarnation with which `name` restarts belongs to another balancer."""
    return state.balancers.get(name, 0) < incarnation and (
        incarnation in state.incarnations or is_current(state, incarnation)
    )


def is_current(state: State, incarnation: int) -> bool:
    """Return whether this is some balancer's newest incarnation."""
    return incarnation in state.balancers.values()


def _sessions_of(state: State, incarnation: int) -> list[Session]:
    return [
        session for session in state.sessions.values() if incarnation_of(session.id) == incarnation
    ]
