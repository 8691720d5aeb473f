"""How services are heard, and under which mask."""

from roost.ircd.config import Config, services_host
from roost.ircd.context import Context


def mask(config: Config, service: str) -> str:
    """Give a service's nick!user@host."""
    return f"{service}!{service}@{services_host(config)}"


def say(context: Context, service: str, text: str, nick: str = "") -> None:
    """Let a service say something to the client; `nick` is what it is called, if not as now."""
    context.send("NOTICE", nick or context.nick, text, source=mask(context.config, service))
