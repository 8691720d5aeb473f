"""The table of services and their commands.

    add_service("HostServ", "HS", "What it is there for.", send_refused)

    @service_command("HostServ", "OFFER", usage="OFFER <host>", text="Offers a host.", words_min=1)
    def offer(context: Context, words: tuple[str, ...]) -> Result:
        ...

A handler gets the words after the command's name, and may do what any handler may
(`roost.ircd.context`). People reach it by PRIVMSG to the service, and by the IRC commands with the
service's name and its shortcut. HELP is made from the table. The service's `refused` tells what the
log refused, and `roost.ircd.serving.results` what it did.
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from roost.chat.refusals import Refusal
from roost.irc.casemapping import fold_nick
from roost.ircd.context import Context, RefusedError, Result
from roost.ircd.rendering.packing import middle
from roost.ircd.services.voice import say

Handler: TypeAlias = Callable[[Context, tuple[str, ...]], Result]


class ServiceCommand(msgspec.Struct, frozen=True):
    """A command of a service."""

    handler: Handler
    words_min: int
    usage: str
    text: str
    """The explanation in HELP."""


class Service(msgspec.Struct, frozen=True):
    """A service; it answers messages, but is not a user."""

    name: str
    shortcut: str
    """The short IRC command for messages to it, besides its full name."""
    introduction: str
    refused: Callable[[Context, Refusal], None]
    """Tells the client why the log refused something."""
    commands: dict[str, ServiceCommand] = {}
    synonyms: dict[str, str] = {}


_services: dict[str, Service] = {}
"""By folded name."""


def add_service(
    name: str, shortcut: str, introduction: str, refused: Callable[[Context, Refusal], None]
) -> None:
    """Register a service, whose name must be reserved in `chat.reservations`."""
    assert fold_nick(name) not in _services, f"{name} is there already"
    _services[fold_nick(name)] = Service(name, shortcut, introduction, refused)


def service_command(
    service: str,
    name: str,
    *,
    usage: str,
    text: str,
    words_min: int = 0,
    synonyms: tuple[str, ...] = (),
) -> Callable[[Handler], Handler]:
    """Register the handler of a service's command; each name may be registered once."""

    def register(handler: Handler) -> Handler:
        known = _services[fold_nick(service)]
        for one in (name, *synonyms):
            assert one not in known.commands, f"{service} {one} is registered twice"
            assert one not in known.synonyms, f"{service} {one} is registered twice"
        known.commands[name] = ServiceCommand(handler, words_min, usage, text)
        known.synonyms.update(dict.fromkeys(synonyms, name))
        return handler

    return register


def services() -> tuple[Service, ...]:
    """Return all services."""
    return tuple(_services.values())


def find_service(target: str) -> Service | None:
    """Return the service with a name, which may have an address: NickServ@services."""
    if target[:1] == "#":
        return None
    name, _, _ = target.partition("@")
    return _services.get(fold_nick(name)) if name else None


def asked_service(context: Context) -> Service | None:
    """Return the service that the line is for, if it is for one."""
    return find_service(context.targets[0]) if len(context.targets) == 1 else None


def answer(context: Context, service: Service, text: str) -> Result:
    """Answer a message to a service."""
    context.targets = (service.name,)
    word, *words = text.split() or ["HELP"]
    name = word.upper()
    command = _find_command(service, name)
    if name == "HELP":
        _help(context, service, words[0].upper() if words else "")
    elif command is None:
        say(context, service.name, f"There is no {middle(word)}. Send HELP for a list of commands.")
    elif len(words) < command.words_min:
        say(context, service.name, f"Usage: {command.usage}")
    else:
        try:
            return command.handler(context, tuple(words))
        except RefusedError as error:
            service.refused(context, error.refusal)
    return None


def _find_command(service: Service, name: str) -> ServiceCommand | None:
    return service.commands.get(service.synonyms.get(name, name))


def _help(context: Context, service: Service, name: str) -> None:
    command = _find_command(service, name)
    if command is not None:
        say(context, service.name, command.usage)
        say(context, service.name, command.text)
        return
    say(context, service.name, service.introduction)
    for one in service.commands.values():
        say(context, service.name, f"{one.usage}: {one.text}")
