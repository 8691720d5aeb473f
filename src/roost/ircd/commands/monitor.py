"""MONITOR: watch nicknames come online and go offline.

Source: ircv3.net/specs/extensions/monitor.
"""

from roost.chat.commands.users import Monitor
from roost.irc import casemapping, numerics
from roost.irc.message import Message
from roost.irc.names import is_valid_nick
from roost.ircd.context import Context, Result
from roost.ircd.replies.metadata_reply import is_newer, send_of_monitored
from roost.ircd.replies.monitor_reply import send_list, send_presence
from roost.ircd.serving.dispatch import command


@command("MONITOR", parameters_min=1)
def monitor(context: Context, message: Message) -> Result:
    """Change, clear or show the list; "only one special modifier may be used per command"."""
    modifier = message.parameters[0].upper()
    given = message.parameters[1] if len(message.parameters) > 1 else ""
    # "'target' MUST be a valid nick as determined by the IRC daemon."
    bytes_max = context.state.settings.nick_bytes_max
    named: dict[str, str] = {}
    for nick in given.split(","):
        if is_valid_nick(nick, bytes_max):
            named.setdefault(casemapping.fold_nick(nick), nick)
    nicks = tuple(named.values())
    monitored = context.state.sessions[context.session.id].monitored
    match modifier:
        case "+" if nicks:
            return (Monitor(is_cleared=False, added=nicks, removed=()),)
        case "-" if nicks:
            return (Monitor(is_cleared=False, added=(), removed=nicks),)
        case "C":
            return (Monitor(is_cleared=True, added=(), removed=()),)
        case "L":
            send_list(context, numerics.RPL_MONLIST, monitored.values())
            context.reply(numerics.RPL_ENDOFMONLIST, "End of MONITOR list")
        case "S":
            send_presence(context, monitored.values())
            if is_newer(context):
                # "When server sends 730 RPL_MONONLINE to a metadata-aware client".
                send_of_monitored(context, monitored.values())
        case "+" | "-" if not given:
            context.reply(numerics.ERR_NEEDMOREPARAMS, "MONITOR", "Not enough parameters")
    return None
