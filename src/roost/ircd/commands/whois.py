"""WHOIS: information about an online user.

Source: modern.ircdocs.horse, "WHOIS message".
"""

from roost.chat.hosts import is_operator, real_host
from roost.chat.ids import FoldedNick
from roost.chat.state import User
from roost.chat.step import BOT_MODE
from roost.irc import casemapping, numerics
from roost.irc.capabilities import Capability
from roost.irc.message import Message
from roost.ircd.config import services_host
from roost.ircd.context import Context, Result
from roost.ircd.queries.moments import human_time
from roost.ircd.queries.visibility import visible_rooms
from roost.ircd.rendering.metadata_lines import EVERYBODY
from roost.ircd.rendering.packing import middle, pack, space_left
from roost.ircd.rendering.prefixes import prefixes
from roost.ircd.replies.addressing import is_for_us
from roost.ircd.services.registry import Service, find_service
from roost.ircd.serving.dispatch import command

NICKS_MAX = 1
"""Users in one WHOIS; the specification allows to drop more (TARGMAX)."""


@command("WHOIS")
def whois(context: Context, message: Message) -> Result:
    """Describe a user; a server name before the nickname is only checked."""
    parameters = message.parameters
    wanted = parameters[min(len(parameters), 2) - 1] if parameters else ""
    if not wanted:
        context.reply(numerics.ERR_NONICKNAMEGIVEN, "No nickname given")
        return None
    nicks = [nick for nick in wanted.split(",") if nick][:NICKS_MAX]
    if len(parameters) > 1 and parameters[0] != wanted and not is_for_us(context, parameters):
        return None
    for nick in nicks:
        user_id = context.state.nicks.get(FoldedNick(casemapping.fold_nick(nick)))
        service = find_service(nick)
        if service is not None:
            _describe_service(context, service)
        elif user_id is None:
            context.reply(numerics.ERR_NOSUCHNICK, middle(nick), "No such nick/channel")
        else:
            _describe(context, context.state.users[user_id])
    context.reply(numerics.RPL_ENDOFWHOIS, middle(wanted), "End of /WHOIS list")
    return None


def _describe_service(context: Context, service: Service) -> None:
    server, name = context.config.server_name, service.name
    host = services_host(context.config)
    text = f"Say /msg {name} HELP"
    context.reply(numerics.RPL_WHOISUSER, name, name, host, "*", text)
    context.reply(numerics.RPL_WHOISSERVER, name, server, context.state.settings.network)
    context.reply(numerics.RPL_WHOISSPECIAL, name, "is a network service")


def _describe(context: Context, user: User) -> None:
    viewer, state, nick = context.user, context.state, user.nick
    server = context.config.server_name
    context.reply(numerics.RPL_WHOISUSER, nick, user.username, user.host, "*", user.realname)
    is_multiple = context.has(Capability.MULTI_PREFIX)
    names = [
        prefixes(room.members[user.id].status, is_multiple=is_multiple) + room.name
        for room in visible_rooms(state, viewer, user)
    ]
    for text in pack(names, space_left(server, context.nick, nick)):
        context.reply(numerics.RPL_WHOISCHANNELS, nick, text)
    context.reply(numerics.RPL_WHOISSERVER, nick, server, state.settings.network)
    if user.away:
        context.reply(numerics.RPL_AWAY, nick, user.away)
    if user.sessions and all(state.sessions[session].is_secure for session in user.sessions):
        context.reply(numerics.RPL_WHOISSECURE, nick, "is using a secure connection")
    if is_operator(user):
        context.reply(numerics.RPL_WHOISOPERATOR, nick, "is an IRC operator")
    if BOT_MODE in user.modes:
        text = f"is a bot on {state.settings.network}"
        context.reply(numerics.RPL_WHOISBOT, nick, text)
    if user.account:
        context.reply(numerics.RPL_WHOISACCOUNT, nick, user.account, "is logged in as")
    if user.id in state.absent:
        since = human_time(state.absent[user.id])
        text = f"is always on, with no client since {since}"
        context.reply(numerics.RPL_WHOISSPECIAL, nick, text)
    if context.knows_metadata:
        for key, value in user.metadata.items():
            context.reply(numerics.RPL_WHOISKEYVALUE, nick, key, EVERYBODY, value)
    if user.id == viewer.id or is_operator(viewer):
        context.reply(
            numerics.RPL_WHOISHOST,
            nick,
            f"is connecting from {user.username}@{real_host(user)} {real_host(user)}",
        )
        context.reply(
            numerics.RPL_WHOISACTUALLY,
            nick,
            f"{user.username}@{real_host(user)}",
            real_host(user),
            "Is actually using host",
        )
        context.reply(numerics.RPL_WHOISMODES, nick, f"is using modes +{user.modes}")
    idle_ms = max(0, context.now.wall_ms - user.active_ms)
    context.reply(
        numerics.RPL_WHOISIDLE,
        nick,
        str(idle_ms // 1000),
        str(user.signed_on_ms // 1000),
        "seconds idle, signon time",
    )
