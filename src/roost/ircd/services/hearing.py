"""Messages to services: they are answered and echoed, but not stored.

Source: ircv3.net/specs/extensions/echo-message.
"""

from roost.chat.step import source_of
from roost.irc.capabilities import Capability
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.rendering.lines import format_time, hostmask
from roost.ircd.services.registry import answer, find_service
from roost.ircd.services.voice import say


def is_heard(targets: str) -> bool:
    """Return whether a message has a service among its targets."""
    if "," not in targets:
        return find_service(targets) is not None
    return any(find_service(target) is not None for target in targets.split(","))


def hear(context: Context, message: Message) -> Result:
    """Answer a PRIVMSG; a NOTICE gets no answer."""
    target, text = message.parameters[:2]
    named = [service for name in target.split(",") if (service := find_service(name)) is not None]
    service = named[0]
    if "," in target:
        # The message may hold a password, which the other targets must not see.
        if message.command == "PRIVMSG":
            say(context, service.name, "Send commands to me alone. Nobody got your message.")
        return None
    _echo(context, message, service.name)
    return answer(context, service, text) if message.command == "PRIVMSG" else None


def _echo(context: Context, message: Message, name: str) -> None:
    """Echo a message, without an id, because it is not stored."""
    if not context.has(Capability.ECHO_MESSAGE):
        return
    capabilities, source = context.session.capabilities, source_of(context.user)
    tags: tuple[tuple[str, str], ...] = ()
    if capabilities & Capability.SERVER_TIME:
        tags += (("time", format_time(context.now.wall_ms)),)
    if capabilities & Capability.MESSAGE_TAGS:
        tags += tuple(tag for tag in message.tags if tag[0].startswith("+") and len(tag[0]) > 1)
    shown = (name, message.parameters[1])
    context.send(message.command, *shown, source=hostmask(source), tags=tags)
