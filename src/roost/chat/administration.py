"""Administrators' requests: what registers who carries them out, and how each ended.

@administers(IssueToken)
def issue_token(step: Step, operation: IssueToken) -> Outcome:
    ...
"""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, get_args

from roost.chat.applied import Applied
from roost.chat.commands.administration import Administer, Administration
from roost.chat.dispatch import applies_command
from roost.chat.outcome import Outcome
from roost.chat.step import Step

OUTCOMES_MAX = 64
"""Outcomes that are kept. A request is repeated within seconds, and few people make any."""

OperationT = TypeVar("OperationT", bound=Administration)
Administrator: TypeAlias = Callable[[Step, OperationT], Outcome]

_administrators: dict[type, Administrator[Any]] = {}
_questions: dict[type, None] = {}


def administers(
    kind: type[OperationT], *, is_question: bool = False
) -> Callable[[Administrator[OperationT]], Administrator[OperationT]]:
    """Register the function that carries out a kind of request and returns its outcome.

    A question changes nothing. It may be asked again, so its outcome is not kept.
    """

    def register(administrator: Administrator[OperationT]) -> Administrator[OperationT]:
        assert kind not in _administrators, f"{kind.__name__} is carried out twice"
        _administrators[kind] = administrator
        if is_question:
            _questions[kind] = None
        return administrator

    return register


def check_administration() -> None:
    """Check that every kind of request is carried out by something."""
    missing = [kind.__name__ for kind in get_args(Administration) if kind not in _administrators]
    assert not missing, f"nothing carries out {', '.join(missing)}"


@applies_command(Administer)
def administer(step: Step, command: Administer) -> Applied:
    """Carry out a request; one that was carried out before only gets its outcome again."""
    outcomes = step.state.outcomes
    outcome = outcomes.get(command.request)
    if outcome is None:
        kind = type(command.operation)
        outcome = _administrators[kind](step, command.operation)
        if kind not in _questions:
            outcomes[command.request] = outcome
        if len(outcomes) > OUTCOMES_MAX:
            del outcomes[next(iter(outcomes))]
    return Applied(
        step.position,
        step.time_ms,
        results=tuple(step.results),
        administered=(command.request, outcome),
    )
