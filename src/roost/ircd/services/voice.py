"""Sends messages from services."""

from roost.ircd.config import Config, services_host
from roost.ircd.context import Context


def mask(config: Config, service: str) -> str:
    """Return the nick!user@host of a service."""
    return f"{service}!{service}@{services_host(config)}"


def say(context: Context, service: str, text: str, nick: str = "") -> None:
    """Send the client a notice from a service; `nick` is the client's, if not the current one."""
    context.send("NOTICE", nick or context.nick, text, source=mask(context.config, service))
