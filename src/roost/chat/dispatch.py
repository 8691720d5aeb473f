"""The tables of what applies each operation and each command, registered beside the code.

    @applies(SetTopic)
    def set_topic(step: Step, user: User, operation: SetTopic) -> None:
        ...

`roost.chat.apply` imports every module that registers something, then calls `check_complete`, so
that a forgotten operation stops the program before it starts.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar, get_args

from roost.chat.applied import Applied
from roost.chat.commands import Command, Operation
from roost.chat.state import User
from roost.chat.step import Step

OperationT = TypeVar("OperationT", bound=Operation)
CommandT = TypeVar("CommandT", bound=Command)
OperationApplier: TypeAlias = Callable[[Step, User, OperationT], None]
CommandApplier: TypeAlias = Callable[[Step, CommandT], Applied]

operation_appliers: dict[type, OperationApplier[Any]] = {}
command_appliers: dict[type, CommandApplier[Any]] = {}


def applies(
    kind: type[OperationT],
) -> Callable[[OperationApplier[OperationT]], OperationApplier[OperationT]]:
    """Register the function that applies an operation; it may use `step.session`."""

    def register(applier: OperationApplier[OperationT]) -> OperationApplier[OperationT]:
        assert kind not in operation_appliers, f"{kind.__name__} has two appliers"
        operation_appliers[kind] = applier
        return applier

    return register


def applies_command(
    kind: type[CommandT],
) -> Callable[[CommandApplier[CommandT]], CommandApplier[CommandT]]:
    """Register the function that applies a command."""

    def register(applier: CommandApplier[CommandT]) -> CommandApplier[CommandT]:
        assert kind not in command_appliers, f"{kind.__name__} has two appliers"
        command_appliers[kind] = applier
        return applier

    return register


def check_complete() -> None:
    """Check that every operation and every command has an applier."""
    _check(operation_appliers, get_args(Operation))
    _check(command_appliers, get_args(Command))


def _check(appliers: Mapping[type, object], kinds: tuple[type, ...]) -> None:
    missing = [kind.__name__ for kind in kinds if kind not in appliers]
    assert not missing, f"nothing applies {', '.join(missing)}"
