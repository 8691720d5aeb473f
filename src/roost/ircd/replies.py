"""Shows the one who asked what came of it: the log's verdict on its own line.

Source: modern.ircdocs.horse, "Client Messages"; ircv3.net, echo-message, setname.
"""

from collections.abc import Callable
from typing import Any

from roost.chat.applied import Applied
from roost.chat.changes import (
    AwayChanged,
    CapabilitiesChanged,
    Change,
    Invited,
    Joined,
    Kicked,
    MonitorChanged,
    NickChanged,
    Parted,
    RealnameChanged,
    RoomModesChanged,
    Said,
    TopicChanged,
    UserModesChanged,
)
from roost.chat.refusals import Refusal
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.ircd.context import Context
from roost.ircd.monitor_reply import send_presence
from roost.ircd.names_reply import send_names
from roost.ircd.refusals import send_refusal
from roost.ircd.room_reply import send_topic


def send_results(context: Context, applied: Applied) -> None:
    """Answer a line with what its operations did, in their order."""
    for result in applied.results:
        if isinstance(result, Refusal):
            # "They must not send any error back to the client on receipt of a NOTICE command."
            if context.command != "NOTICE":
                send_refusal(context, result)
            continue
        view = _views.get(type(result))
        if view is not None:
            view(context, result, applied)


def _show(context: Context, change: Change, applied: Applied) -> None:
    context.show_change(change, applied.position, applied.time_ms)


def _said(context: Context, change: Said, applied: Applied) -> None:
    if context.has(Capability.ECHO_MESSAGE):
        _show(context, change, applied)
    if change.away and change.verb == "PRIVMSG":
        context.reply(numerics.RPL_AWAY, change.target, change.away)


def _joined(context: Context, change: Joined, applied: Applied) -> None:
    _show(context, change, applied)
    room = context.state.rooms[change.room]
    if room.topic is not None:
        send_topic(context, room)
    send_names(context, room)


def _nick_changed(context: Context, change: NickChanged, applied: Applied) -> None:
    _show(context, change, applied)
    context.session.nick = change.nick


def _invited(context: Context, change: Invited, applied: Applied) -> None:
    context.reply(numerics.RPL_INVITING, change.nick, change.name)
    if change.away:
        context.reply(numerics.RPL_AWAY, change.nick, change.away)


def _away_changed(context: Context, change: AwayChanged, applied: Applied) -> None:
    if change.message:
        context.reply(numerics.RPL_NOWAWAY, "You have been marked as being away")
    else:
        context.reply(numerics.RPL_UNAWAY, "You are no longer marked as being away")


def _realname_changed(context: Context, change: RealnameChanged, applied: Applied) -> None:
    if context.has(Capability.SETNAME):
        _show(context, change, applied)


def _capabilities_changed(context: Context, change: CapabilitiesChanged, applied: Applied) -> None:
    context.send("CAP", context.nick, "ACK", *context.targets)


def _monitor_changed(context: Context, change: MonitorChanged, applied: Applied) -> None:
    send_presence(context, change.added)


_views: dict[type[Any], Callable[[Context, Any, Applied], None]] = {
    Said: _said,
    Joined: _joined,
    Parted: _show,
    Kicked: _show,
    NickChanged: _nick_changed,
    TopicChanged: _show,
    RoomModesChanged: _show,
    UserModesChanged: _show,
    Invited: _invited,
    AwayChanged: _away_changed,
    RealnameChanged: _realname_changed,
    CapabilitiesChanged: _capabilities_changed,
    MonitorChanged: _monitor_changed,
}
