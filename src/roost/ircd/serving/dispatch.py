"""The table of commands; each has a file in `roost.ircd.commands` and is registered there.

    @command("TOPIC", parameters_min=1)
    def topic(context: Context, message: Message) -> Result:
        ...

`roost.ircd.context` explains what a handler may do and return. A handler runs only if the command
exists (421), may be used now (451, 462) and has enough parameters (461).
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, RefusedError, Result
from roost.ircd.replies.refusals import send_refusal
from roost.ircd.sessions.session import Phase

Handler: TypeAlias = Callable[[Context, Message], Result]


class Command(msgspec.Struct, frozen=True):
    """A command, and when it may be used."""

    name: str
    handler: Handler
    parameters_min: int
    is_before_registration: bool
    """Whether it may be used before registration is complete."""
    is_after_registration: bool
    """Whether it may be used afterwards."""


_commands: dict[str, Command] = {}


def command(
    name: str,
    *,
    parameters_min: int = 0,
    is_before_registration: bool = False,
    is_after_registration: bool = True,
) -> Callable[[Handler], Handler]:
    """Register a handler under a command's name; each name may be registered once."""

    def register(handler: Handler) -> Handler:
        assert name not in _commands, f"{name} is registered twice"
        _commands[name] = Command(
            name, handler, parameters_min, is_before_registration, is_after_registration
        )
        return handler

    return register


def command_names() -> tuple[str, ...]:
    """Return the names of all commands, sorted."""
    return tuple(sorted(_commands))


def dispatch(context: Context, message: Message) -> Result:
    """Handle one message; errors are answered in `context`."""
    entry = _commands.get(message.command)
    is_registered = context.session.phase is not Phase.REGISTERING
    if entry is None:
        if is_registered:
            name = message.command
            context.reply(numerics.ERR_UNKNOWNCOMMAND, name, "Unknown command")
        else:
            context.reply(numerics.ERR_NOTREGISTERED, "You have not registered")
        return None
    if not is_registered and not entry.is_before_registration:
        context.reply(numerics.ERR_NOTREGISTERED, "You have not registered")
        return None
    if is_registered and not entry.is_after_registration:
        context.reply(numerics.ERR_ALREADYREGISTERED, "You may not reregister")
        return None
    if len(message.parameters) < entry.parameters_min:
        context.reply(numerics.ERR_NEEDMOREPARAMS, entry.name, "Not enough parameters")
        return None
    try:
        return entry.handler(context, message)
    except RefusedError as error:
        send_refusal(context, error.refusal)
        return None


def run(context: Context, name: str, *parameters: str) -> None:
    """Answer as if the client had sent the command `name`, which must only read local state."""
    result = dispatch(context, Message(command=name, parameters=parameters))
    assert result is None, f"{name} does more than answer"
