"""What operators and administrators do with accounts and rooms of others, registered once for both.

    operator's line      --applies-->     controller --> log of operators' actions, notices
    request (`Control`)  --administers-->     "     -->              "

    @controls(RenameAccount)
    def rename(step: Step, operation: RenameAccount, asker: Asker) -> None:
        ...

A controller calls `asker.did("renamed the account a to b")` once, or refuses with `step.refused`.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, get_args

from roost.chat.administration import administers
from roost.chat.changes import AccountUpdated
from roost.chat.commands.administration import (
    Control,
    ShowAccounts,
    ShowInvitations,
    ShowRooms,
)
from roost.chat.commands.control import ControlOperation
from roost.chat.dispatch import applies
from roost.chat.operators import for_operators, log_action, log_administration
from roost.chat.outcome import DONE, Ending, Outcome
from roost.chat.refusals import Refusal
from roost.chat.state import User
from roost.chat.step import Step, source_of

ControlT = TypeVar("ControlT", bound=ControlOperation)
Controller: TypeAlias = Callable[[Step, ControlT, "Asker"], None]

_controllers: dict[type, Controller[Any]] = {}


class Asker:
    """Whoever asks: an operator, or an administrator."""

    def __init__(self, step: Step, user: User | None) -> None:
        """`user` is the operator; None for an administrator."""
        self._step = step
        self._user = user

    @property
    def name(self) -> str:
        """The operator's name in the configuration; empty for an administrator."""
        return "" if self._user is None else self._user.operator

    def did(self, text: str) -> None:
        """Log what was done, and tell the operators."""
        if self._user is None:
            log_administration(self._step, text)
        else:
            log_action(self._step, self._user, text)

    def tell(self, what: str, detail: str) -> None:
        """Tell an operator, and nobody else, what was done; see `AccountUpdated`."""
        if self._user is not None:
            source = source_of(self._user)
            self._step.changed(AccountUpdated(self._step.part, source, what, detail))


def controls(kind: type[ControlT]) -> Callable[[Controller[ControlT]], Controller[ControlT]]:
    """Register the function that carries out what operators and administrators ask for."""

    def register(controller: Controller[ControlT]) -> Controller[ControlT]:
        assert kind not in _controllers, f"{kind.__name__} has two controllers"
        _controllers[kind] = controller

        @for_operators
        def by_operator(step: Step, user: User, operation: ControlT) -> None:
            controller(step, operation, Asker(step, user))

        applies(kind)(by_operator)
        return controller

    return register


@administers(Control)
def by_administrator(step: Step, request: Control) -> Outcome:
    """Carry out what an administrator asks for."""
    _controllers[type(request.operation)](step, request.operation, Asker(step, None))
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


@administers(ShowInvitations, is_question=True)
def show_invitations(_step: Step, _operation: ShowInvitations) -> Outcome:
    return DONE


@administers(ShowRooms, is_question=True)
def show_rooms(_step: Step, _operation: ShowRooms) -> Outcome:
    return DONE


def check_control() -> None:
    """Check that everything that can be asked for is carried out by something."""
    missing = [kind.__name__ for kind in get_args(ControlOperation) if kind not in _controllers]
    assert not missing, f"nothing carries out {', '.join(missing)}"
