"""Answers a client's line with what the log made of it.

Source: modern.ircdocs.horse, "Client Messages"; ircv3.net, echo-message, setname.
"""

from collections.abc import Iterator, Sequence

from roost.chat import pushes
from roost.chat.applied import Applied
from roost.chat.changes import (
    AccountChanged,
    AccountRegistered,
    AccountUpdated,
    AlwaysOnChanged,
    AwayChanged,
    CapabilitiesChanged,
    Change,
    Invited,
    Joined,
    MetadataChanged,
    MonitorChanged,
    NickChanged,
    OwnershipChanged,
    Rehashed,
    RoomRenamed,
    Said,
    SubscriptionsChanged,
    UserModesChanged,
    VirtualHostSet,
)
from roost.chat.refusals import Refusal
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.ircd.accounts import login_reply
from roost.ircd.context import Context, Replay
from roost.ircd.delivery.audience import audience, is_answered, is_in_answer
from roost.ircd.delivery.siblings import list_members, lists_apart
from roost.ircd.rendering.render import away_reply
from roost.ircd.rendering.viewer import viewer_of
from roost.ircd.replies.metadata_reply import send_changed, send_of_monitored, send_subscriptions
from roost.ircd.replies.monitor_reply import send_presence
from roost.ircd.replies.names_reply import is_crowded
from roost.ircd.replies.refusals import send_refusal
from roost.ircd.replies.room_reply import send_entered, send_entered_by_step
from roost.ircd.services import chanserv_reply, hostserv_reply, nickserv_reply
from roost.ircd.services.always_on import send_always_on
from roost.ircd.services.registry import asked_service
from roost.ircd.serving.resumption import send_token


def send_results(
    context: Context, applied: Applied, results: Sequence[Change | Refusal]
) -> Iterator[None] | None:
    """Answer a line with results of its operations, in order.

    If one is answered step by step, return its steps and those of the rest.
    """
    for number, result in enumerate(results):
        # Most results are messages, so these are not tried for anything else.
        if type(result) is Said:
            _send_message(context, result, applied)
            continue
        if type(result) is Joined and is_crowded(context, result.room):
            return _send_by_step(context, applied, result, results[number + 1 :])
        if type(result) is RoomRenamed and lists_apart(result, context):
            return _send_renamed(context, applied, result, results[number + 1 :])
        if type(result) is not Refusal:
            _send_change(context, result, applied)
        elif (service := asked_service(context)) is not None:
            service.refused(context, result)
        elif context.command != "NOTICE":
            # "They must not send any error back to the client on receipt of a NOTICE command."
            send_refusal(context, result)
    return None


def _send_by_step(
    context: Context, applied: Applied, joined: Joined, rest: Sequence[Change | Refusal]
) -> Iterator[None]:
    """Send an entry into a crowded room, then the rest."""
    is_own = _send_change(context, joined, applied, is_described=False)
    if is_own:
        yield from send_entered_by_step(context, joined.room)
    yield from send_results(context, applied, rest) or ()


def _send_message(context: Context, said: Said, applied: Applied) -> None:
    """Echo a message if the client asked for echoes, and tell it if the recipient is away."""
    if said.source.user != context.session.user:
        return
    if is_answered(audience(said), context.session.capabilities):
        context.show_change(said, applied.position, applied.time_ms)
    if said.away and said.verb == "PRIVMSG":
        context.reply(numerics.RPL_AWAY, said.target, said.away)


def _send_renamed(
    context: Context, applied: Applied, renamed: RoomRenamed, rest: Sequence[Change | Refusal]
) -> Iterator[None]:
    """Send the new name of a crowded room to a client that takes it for another room."""
    _send_change(context, renamed, applied)
    yield from list_members(context, renamed.room)
    yield from send_results(context, applied, rest) or ()


def _send_change(
    context: Context, change: Change, applied: Applied, *, is_described: bool = True
) -> bool:
    """Show the client a change that it caused, and what only the answer tells.

    Changes of other users, even if this client's line caused them, are delivered to it as to
    everybody. But what a service did for it is part of the answer. Return whether the client's user
    caused the change; unless it `is_described`, the caller sends what follows it then.
    """
    source = change.source.user
    is_own = source == context.session.user
    if source and not is_own:
        return False
    if is_own:
        _send_before(context, change, applied)
    if _is_shown(context, change):
        context.show_change(change, applied.position, applied.time_ms)
    if is_own and is_described:
        _send_after(context, change)
    return is_own


def _is_shown(context: Context, change: Change) -> bool:
    """Return whether the answer shows the change itself."""
    told, source, session = audience(change), change.source.user, context.session
    if source and told.answer != "like others":
        return is_answered(told, session.capabilities)
    return is_in_answer(told, viewer_of(context.state, session.id), source)


def _send_before(context: Context, change: Change, applied: Applied) -> None:
    """Send what precedes the change."""
    match change:
        case Joined():
            context.replays.append(Replay(change.room, applied.position))
        case UserModesChanged() if context.command == "OPER":
            context.reply(numerics.RPL_YOUREOPER, "You are now an IRC operator")
        case AccountChanged():
            login_reply.send_account_changed(context, change)


def _send_after(context: Context, change: Change) -> None:
    """Send what follows the change, or replaces it."""
    match change:
        case Joined():
            send_entered(context, change.room)
        case NickChanged():
            context.session.nick = change.nick
        case Invited():
            context.reply(numerics.RPL_INVITING, change.nick, change.name)
            if change.away:
                context.reply(numerics.RPL_AWAY, change.nick, change.away)
        case AwayChanged():
            context.send(*away_reply(context.nick, change.message))
        case AccountChanged() if context.targets == (nickserv_reply.NAME,):
            nickserv_reply.send_account(context, change)
        case AccountRegistered() if context.targets == (nickserv_reply.NAME,):
            nickserv_reply.send_registered(context, change.name)
        case AccountRegistered():
            login_reply.send_account_registered(context, change)
        case AccountUpdated(what=pushes.REGISTERED):
            context.send("WEBPUSH", "REGISTER", change.detail)
        case AccountUpdated(what=pushes.REMOVED):
            context.send("WEBPUSH", "UNREGISTER", change.detail)
        case AccountUpdated():
            nickserv_reply.send_updated(context, change)
        case AlwaysOnChanged():
            send_always_on(context, change)
        case CapabilitiesChanged() if context.targets:
            context.send("CAP", context.nick, "ACK", *context.targets)
            if change.after & ~change.before & Capability.RESUME:
                send_token(context)
        case MonitorChanged():
            send_presence(context, change.added)
            send_of_monitored(context, change.added)
        case MetadataChanged() if change.cause == "set":
            send_changed(context, change)
        case SubscriptionsChanged():
            send_subscriptions(context, change)
        case Rehashed():
            context.reply(numerics.RPL_REHASHING, "roost", "Rehashing")
        case VirtualHostSet():
            hostserv_reply.send_set(context, change)
        case OwnershipChanged():
            chanserv_reply.send_done(context, change)
