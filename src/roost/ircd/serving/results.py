"""Shows the one who asked what came of it: the log's verdict on its own line.

Source: modern.ircdocs.horse, "Client Messages"; ircv3.net, echo-message, setname.
"""

from roost.chat.applied import Applied
from roost.chat.changes import (
    AccountChanged,
    AccountRegistered,
    AccountUpdated,
    AlwaysOnChanged,
    AwayChanged,
    CapabilitiesChanged,
    Change,
    HostChanged,
    Invited,
    Joined,
    Kicked,
    MetadataChanged,
    MonitorChanged,
    NickChanged,
    OperatorsTold,
    OwnershipChanged,
    Parted,
    ReadMarked,
    RealnameChanged,
    Redacted,
    Rehashed,
    RoomModesChanged,
    RoomRenamed,
    Said,
    SubscriptionsChanged,
    TopicChanged,
    UserModesChanged,
    VirtualHostSet,
    Wallopped,
)
from roost.chat.refusals import Refusal
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.ircd.accounts import login_reply
from roost.ircd.context import Context, Line
from roost.ircd.delivery.siblings import send_away
from roost.ircd.rendering import host_changes, renaming
from roost.ircd.replies import operator_lines, read_marker_lines
from roost.ircd.replies.metadata_reply import (
    send_changed,
    send_of_monitored,
    send_on_entering,
    send_subscriptions,
)
from roost.ircd.replies.monitor_reply import send_presence
from roost.ircd.replies.refusals import send_refusal
from roost.ircd.replies.room_reply import send_entered
from roost.ircd.services import chanserv_reply, hostserv_reply, nickserv_reply
from roost.ircd.services.always_on import send_always_on
from roost.ircd.services.registry import asked_service
from roost.ircd.serving.resumption import send_token


def send_results(context: Context, applied: Applied) -> None:
    """Answer a line with what its operations did, in their order."""
    service = asked_service(context)
    for result in applied.results:
        if not isinstance(result, Refusal):
            _send_change(context, result, applied)
        elif service is not None:
            service.refused(context, result)
        elif context.command != "NOTICE":
            # "They must not send any error back to the client on receipt of a NOTICE command."
            send_refusal(context, result)


def _send_change(context: Context, change: Change, applied: Applied) -> None:
    if change.source.user != context.session.user:
        # What somebody else did, if only by being made to, is delivered as to everybody. But what
        # a service did for the client has its place in the answer.
        if not change.source.user and getattr(change, "room", 0) in context.user.rooms:
            context.show_change(change, applied.position, applied.time_ms)
        return
    match change:
        case Said():
            if context.has(Capability.ECHO_MESSAGE):
                context.show_change(change, applied.position, applied.time_ms)
            if change.away and change.verb == "PRIVMSG":
                context.reply(numerics.RPL_AWAY, change.target, change.away)
        case Joined():
            context.show_change(change, applied.position, applied.time_ms)
            # A line that is answered late may find the room forgotten.
            room = context.state.rooms.get(change.room)
            if room is not None:
                send_entered(context, room)
                send_on_entering(context, room)
        case NickChanged():
            context.show_change(change, applied.position, applied.time_ms)
            context.session.nick = change.nick
        case UserModesChanged() if context.command == "OPER":
            context.reply(numerics.RPL_YOUREOPER, "You are now an IRC operator")
            if change.changes:
                context.show_change(change, applied.position, applied.time_ms)
        case Parted() | Kicked() | TopicChanged() | RoomModesChanged() | UserModesChanged():
            context.show_change(change, applied.position, applied.time_ms)
        case Invited():
            context.reply(numerics.RPL_INVITING, change.nick, change.name)
            if change.away:
                context.reply(numerics.RPL_AWAY, change.nick, change.away)
        case AwayChanged():
            send_away(context, change.message)
        case AccountChanged():
            login_reply.send_account_changed(context, change, applied)
            if context.targets == (nickserv_reply.NAME,):
                nickserv_reply.send_account(context, change)
        case AccountRegistered() if context.targets == (nickserv_reply.NAME,):
            nickserv_reply.send_registered(context, change.name)
        case AccountRegistered():
            login_reply.send_account_registered(context, change)
        case AccountUpdated():
            nickserv_reply.send_updated(context, change)
        case AlwaysOnChanged():
            send_always_on(context, change)
        case RealnameChanged() if context.has(Capability.SETNAME):
            context.show_change(change, applied.position, applied.time_ms)
        case CapabilitiesChanged() if context.targets:
            context.send("CAP", context.nick, "ACK", *context.targets)
            if change.after & ~change.before & Capability.RESUME:
                send_token(context)
        case MonitorChanged():
            send_presence(context, change.added)
            send_of_monitored(context, change.added)
        case HostChanged():
            session, name = context.session, context.config.server_name
            context.lines.extend(
                Line(*line)
                for line in host_changes.lines_for_self(
                    change, applied.position, applied.time_ms, session.capabilities, name
                )
            )
        case RoomRenamed():
            _send_renamed(context, change, applied)
        case MetadataChanged() if change.cause != "presence":
            send_changed(context, change, applied.time_ms)
        case ReadMarked():
            read_marker_lines.send(context, change.target, change.time_ms)
        case SubscriptionsChanged():
            send_subscriptions(context, change)
        case Redacted():
            context.show_change(change, applied.position, applied.time_ms)
        case OperatorsTold() | Wallopped():
            _send_told(context, change, applied)
        case Rehashed():
            context.reply(numerics.RPL_REHASHING, "roost", "Rehashing")
        case VirtualHostSet():
            hostserv_reply.send_set(context, change)
        case OwnershipChanged():
            chanserv_reply.send_done(context, change)


def _send_told(context: Context, change: OperatorsTold | Wallopped, applied: Applied) -> None:
    """Show an operator what it did, and what it said if it listens itself."""
    if isinstance(change, OperatorsTold) or operator_lines.mode_of(change) in context.user.modes:
        name, capabilities = context.config.server_name, context.session.capabilities
        line = operator_lines.line(name, change, applied.time_ms, capabilities)
        context.lines.append(Line(*line))


def _send_renamed(context: Context, change: RoomRenamed, applied: Applied) -> None:
    session, name = context.session, context.config.server_name
    capabilities, user = session.capabilities, session.user
    for line in renaming.lines_for(
        change, applied.position, applied.time_ms, capabilities, user, name
    ):
        context.lines.append(Line(*line))
