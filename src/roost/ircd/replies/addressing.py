"""Commands that may name a server: the network appears as a single one."""

from roost.chat.ids import FoldedNick
from roost.irc import casemapping, masks, numerics
from roost.ircd.context import Context
from roost.ircd.rendering.packing import middle


def is_for_us(context: Context, parameters: tuple[str, ...], index: int = 0) -> bool:
    """Return whether the parameter at `index` names this server, one of its users, or is missing.

    If not, send ERR_NOSUCHSERVER. Wildcards are allowed. Source: modern.ircdocs.horse, "VERSION
    message".
    """
    target = parameters[index] if len(parameters) > index else ""
    if not target or is_this_server(context, target):
        return True
    if FoldedNick(casemapping.fold_nick(target)) in context.state.nicks:
        return True
    context.reply(numerics.ERR_NOSUCHSERVER, middle(target), "No such server")
    return False


def is_this_server(context: Context, mask: str) -> bool:
    """Return whether a name, possibly with wildcards, is the server's."""
    return masks.matches(mask, context.config.server_name)
