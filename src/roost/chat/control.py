"""What operators and administrators do with accounts and rooms of others, registered once for both.

    operator's line      --applies-->     controller --> log of operators' actions, notices
    request (`Control`)  --administers-->     "     -->              "

    @controls(RenameAccount)
    def rename(step: Step, operation: RenameAccount, asker: Asker) -> None:
        ...

A controller calls `asker.did("renamed the account a to b")` once, or refuses with `step.refused`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeAlias, TypeVar, get_args

from roost.chat.administration import administers
from roost.chat.commands.administration import Control, ShowAccounts, ShowRooms
from roost.chat.commands.control import ControlOperation
from roost.chat.dispatch import applies
from roost.chat.operators import for_operators, log_action, log_administration
from roost.chat.outcome import DONE, Ending, Outcome
from roost.chat.refusals import Refusal
from roost.chat.state import User
from roost.chat.step import Step

ControlT = TypeVar("ControlT", bound=ControlOperation)
Controller: TypeAlias = Callable[[Step, ControlT, "Asker"], None]

_controllers: dict[type, Controller[Any]] = {}


class Asker(NamedTuple):
    """Whoever asks: an operator, or an administrator."""

    name: str
    """The operator's name in the configuration; empty for an administrator."""
    did: Callable[[str], None]
    """Logs what was done, and tells the operators."""


def controls(kind: type[ControlT]) -> Callable[[Controller[ControlT]], Controller[ControlT]]:
    """Register the function that carries out what operators and administrators ask for."""

    def register(controller: Controller[ControlT]) -> Controller[ControlT]:
        assert kind not in _controllers, f"{kind.__name__} has two controllers"
        _controllers[kind] = controller

        @for_operators
        def by_operator(step: Step, user: User, operation: ControlT) -> None:
            controller(step, operation, Asker(user.operator, partial(log_action, step, user)))

        applies(kind)(by_operator)
        return controller

    return register


@administers(Control)
def by_administrator(step: Step, request: Control) -> Outcome:
    """Carry out what an administrator asks for."""
    asker = Asker("", partial(log_administration, step))
    _controllers[type(request.operation)](step, request.operation, asker)
    refusals = [result for result in step.results if isinstance(result, Refusal)]
    if not refusals:
        return DONE
    # No line waits for them.
    step.results.clear()
    refused = refusals[-1]
    return Outcome(Ending.REFUSED, refused.subject, refused.detail, refused.reason)


@administers(ShowAccounts, is_question=True)
def show_accounts(_step: Step, _operation: ShowAccounts) -> Outcome:
    return DONE


@administers(ShowRooms, is_question=True)
def show_rooms(_step: Step, _operation: ShowRooms) -> Outcome:
    return DONE


def check_control() -> None:
    """Check that everything that can be asked for is carried out by something."""
    missing = [kind.__name__ for kind in get_args(ControlOperation) if kind not in _controllers]
    assert not missing, f"nothing carries out {', '.join(missing)}"
