"""Command-line options made from the fields of a struct.

A field whose annotation contains `typer.Option` or `typer.Argument` becomes a parameter of the
command, with the field's type and default. To add a flag, add a field.
"""

import copy
import functools
import inspect
from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from typer.models import ParameterInfo

Command = Callable[..., None]


def with_options(kind: type[msgspec.Struct]) -> Callable[[Command], Command]:
    """Give a command the options of `kind`. It receives them as its parameter `flags`."""
    return functools.partial(_extend, _parameters(kind), lambda values: kind(**values))


def with_overrides(kind: type[msgspec.Struct]) -> Callable[[Command], Command]:
    """Give a command the options of `kind`, which is read from a file.

    The command receives as `flags` only those options that the user gave, by field name.
    """
    return functools.partial(
        _extend,
        [_optional(each) for each in _parameters(kind)],
        lambda values: {name: value for name, value in values.items() if value is not None},
    )


def option_of(annotation: Any) -> ParameterInfo | None:
    """Return the option or argument in a field's annotation."""
    return next((part for part in get_args(annotation) if isinstance(part, ParameterInfo)), None)


def _extend(
    parameters: list[inspect.Parameter],
    pack: Callable[[dict[str, Any]], object],
    command: Command,
) -> Command:
    """Put `parameters` in the place of the command's parameter `flags`."""
    signature = inspect.signature(command)

    @functools.wraps(command)
    def run(**arguments: Any) -> None:
        given = {each.name: arguments.pop(each.name) for each in parameters}
        values = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
        command(**arguments, flags=pack(values))

    every: list[inspect.Parameter] = []
    for each in signature.parameters.values():
        every += parameters if each.name == "flags" else [each]
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in every]
    )
    return run


def _parameters(kind: type[msgspec.Struct]) -> list[inspect.Parameter]:
    found = []
    for field in msgspec.structs.fields(kind):
        option = option_of(field.type)
        if option is None:
            continue
        default = inspect.Parameter.empty if field.required else field.default
        if isinstance(default, tuple):
            default = list(default)
        annotation = Annotated[_plain(field.type), option]  # type: ignore[valid-type]
        found.append(
            inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
            )
        )
    return found


def _optional(parameter: inspect.Parameter) -> inspect.Parameter:
    """Make None the default, and show the real one in the help text."""
    plain, option = get_args(parameter.annotation)
    if parameter.default is not None and not isinstance(parameter.default, bool):
        option = copy.copy(option)
        option.help = f"{option.help}  [default: {parameter.default}]"
    return parameter.replace(default=None, annotation=Annotated[plain | None, option])


def _plain(annotation: Any) -> Any:
    """Return a type that typer knows: without constraints, and with lists for tuples."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _plain(arguments[0])
    if origin in (Union, UnionType):
        return Union[tuple(_plain(each) for each in arguments)]  # noqa: UP007 - made at run time
    if origin is tuple:
        return list[arguments[0]]  # type: ignore[valid-type]
    return annotation
