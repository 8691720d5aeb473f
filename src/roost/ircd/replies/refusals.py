"""Turns refusals into replies: the only place that maps a reason to a numeric.

Source: modern.ircdocs.horse, "Numerics"; other specifications are named below.
"""

from roost.chat.commands.payload import Payload
from roost.chat.refusals import Reason, Refusal
from roost.chat.versions import why_too_new
from roost.irc import numerics
from roost.irc.names import RELAYED_NICK_SEPARATOR
from roost.ircd.accounts.login_reply import send_login_refusal
from roost.ircd.context import Context, Request, Result
from roost.ircd.replies import metadata_reply

_SUBJECT_REPLIES: dict[Reason, tuple[str, str]] = {
    Reason.NO_SUCH_NICK: (numerics.ERR_NOSUCHNICK, "No such nick/channel"),
    Reason.NO_SUCH_ROOM: (numerics.ERR_NOSUCHCHANNEL, "No such channel"),
    Reason.TOO_MANY_ROOMS_EXIST: (
        numerics.ERR_TOOMANYCHANNELS,
        "The network has too many channels",
    ),
    Reason.TOO_MANY_ROOMS: (numerics.ERR_TOOMANYCHANNELS, "You have joined too many channels"),
    Reason.NICK_INVALID: (numerics.ERR_ERRONEUSNICKNAME, "Erroneous nickname"),
    Reason.NICK_IN_USE: (numerics.ERR_NICKNAMEINUSE, "Nickname is already in use"),
    Reason.NICK_RESERVED: (
        numerics.ERR_NICKNAMEINUSE,
        "Nickname is reserved for the owner of an account, log in first",
    ),
    Reason.NOT_IN_ROOM: (numerics.ERR_NOTONCHANNEL, "You're not on that channel"),
    Reason.ROOM_FULL: (numerics.ERR_CHANNELISFULL, "Cannot join channel (+l)"),
    Reason.INVITE_ONLY: (numerics.ERR_INVITEONLYCHAN, "Cannot join channel (+i)"),
    Reason.BANNED: (numerics.ERR_BANNEDFROMCHAN, "Cannot join channel (+b)"),
    Reason.BAD_KEY: (numerics.ERR_BADCHANNELKEY, "Cannot join channel (+k)"),
    Reason.NOT_OPERATOR: (numerics.ERR_CHANOPRIVSNEEDED, "You're not channel operator"),
    Reason.BAD_ROOM_NAME: (numerics.ERR_BADCHANMASK, "Bad channel mask"),
    Reason.NEEDS_ACCOUNT: (
        numerics.ERR_NEEDREGGEDNICK,
        "Cannot join channel (+R), log in to an account first",
    ),
    Reason.REGISTERED_ONLY: (
        numerics.ERR_NONONREG,
        "They only accept messages from people who are logged in to an account (+R)",
    ),
    Reason.ACCEPT_FULL: (numerics.ERR_ACCEPTFULL, "Accept list is full"),
    Reason.ALREADY_ACCEPTED: (numerics.ERR_ACCEPTEXIST, "is already on your accept list"),
    Reason.NOT_ACCEPTED: (numerics.ERR_ACCEPTNOT, "is not on your accept list"),
    Reason.BAD_KEY_FORMAT: (numerics.ERR_INVALIDKEY, "Key is not well-formed"),
}
"""Replies of the form `<client> <subject> :<text>`."""

_TWO_SUBJECT_REPLIES: dict[Reason, tuple[str, str]] = {
    Reason.USER_NOT_IN_ROOM: (
        numerics.ERR_USERNOTINCHANNEL,
        "They aren't on that channel",
    ),
    Reason.FORWARDED: (numerics.ERR_LINKCHANNEL, "Forwarding to another channel"),
    Reason.ALREADY_IN_ROOM: (numerics.ERR_USERONCHANNEL, "is already on channel"),
}
"""Replies of the form `<client> <subject> <detail> :<text>`."""

_PLAIN_REPLIES: dict[Reason, tuple[str, str]] = {
    Reason.OTHER_USERS_MODES: (
        numerics.ERR_USERSDONTMATCH,
        "Can't view or change modes of other users",
    ),
    Reason.UNKNOWN_USER_MODE: (numerics.ERR_UMODEUNKNOWNFLAG, "Unknown MODE flag"),
    Reason.NOT_NETWORK_OPERATOR: (
        numerics.ERR_NOPRIVILEGES,
        "Permission Denied- You're not an IRC operator",
    ),
}
"""Replies of the form `<client> :<text>`."""

_FAILURES: dict[Reason, tuple[str, str]] = {
    Reason.ALWAYS_ON_NEEDS_ACCOUNT: ("ACCOUNT_REQUIRED", "Log in to an account first"),
    Reason.SERVER_FULL: ("SERVER_FULL", "The network is full, try again later"),
}
"""Standard replies without a subject: code and text."""

_SUBJECT_FAILURES: dict[Reason, tuple[str, str]] = {
    Reason.BAN_INVALID: (
        "INVALID_MASK",
        "This cannot be banned: give an address, ~a:account, or a more specific mask",
    ),
    Reason.RELAYED_NICK_INVALID: (
        "INVALID_NICK",
        f"Use name{RELAYED_NICK_SEPARATOR}network, no reserved characters, up to 64 bytes",
    ),
    Reason.NO_SUCH_BAN: ("NO_SUCH_BAN", "There is no such ban"),
}
"""Standard replies with the subject: code and text."""

_CANNOT_SEND = {
    "n": "Cannot send to channel: you are not in it (+n)",
    "m": "Cannot send to channel: it is moderated (+m)",
    "M": "Cannot send to channel: log in to an account first (+M)",
    "b": "Cannot send to channel: you are banned (+b)",
    "C": "Cannot send to channel: CTCP is not allowed here (+C)",
}

_CANNOT_RENAME = "The channel cannot be renamed: the name is invalid, or it was renamed just now"


TOO_NEW = "Not possible before all nodes of this network have been upgraded"

_MANY_SESSIONS = {
    "address": "from your address",
    "account": "logged in to your account",
    "user": "under your nickname",
}


def send_refusal(context: Context, refusal: Refusal) -> None:
    """Tell the client why its command was refused."""
    subject = _shown(refusal.subject)
    if refusal.reason in _SUBJECT_REPLIES:
        numeric, text = _SUBJECT_REPLIES[refusal.reason]
        context.reply(numeric, subject, text)
    elif refusal.reason in _TWO_SUBJECT_REPLIES:
        numeric, text = _TWO_SUBJECT_REPLIES[refusal.reason]
        context.reply(numeric, subject, _shown(refusal.detail), text)
    elif refusal.reason in _PLAIN_REPLIES:
        context.reply(*_PLAIN_REPLIES[refusal.reason])
    elif refusal.reason in _FAILURES:
        code, text = _FAILURES[refusal.reason]
        context.fail(code, text=text)
    elif refusal.reason in _SUBJECT_FAILURES:
        code, text = _SUBJECT_FAILURES[refusal.reason]
        context.fail(code, subject, text=text)
    else:
        _send_other(context, refusal, subject)


def _send_other(context: Context, refusal: Refusal, subject: str) -> None:
    match refusal.reason:
        case Reason.CANNOT_SEND:
            text = _CANNOT_SEND.get(refusal.detail, "Cannot send to channel")
            context.reply(numerics.ERR_CANNOTSENDTOCHAN, subject, text)
        case Reason.LIST_FULL:
            text = "Channel list is full"
            context.reply(numerics.ERR_BANLISTFULL, subject, refusal.detail, text)
        case Reason.FORWARD_INVALID:
            text = "You can forward only to another channel that you are an operator of"
            target = _shown(refusal.detail)
            context.reply(numerics.ERR_INVALIDMODEPARAM, subject, "f", target, text)
        case Reason.MONITOR_FULL:
            limit = str(context.state.settings.monitor_max)
            text = "Monitor list is full"
            context.reply(numerics.ERR_MONLISTFULL, limit, refusal.detail, text)
        case Reason.REALNAME_INVALID:
            # ircv3.net/specs/extensions/setname
            text = "Realname is not valid"
            context.fail("INVALID_REALNAME", text=text, is_specified=True)
        case Reason.CANNOT_RENAME | Reason.NAME_IN_USE:
            # ircv3.net/specs/extensions/channel-rename
            is_taken = refusal.reason is Reason.NAME_IN_USE
            code = "CHANNEL_NAME_IN_USE" if is_taken else "CANNOT_RENAME"
            text = "The channel name is already taken" if is_taken else _CANNOT_RENAME
            context.fail(code, subject, _shown(refusal.detail), text=text, is_specified=True)
        case Reason.METADATA:
            metadata_reply.send_refusal(context, refusal)
        case Reason.READ_MARKER:
            # ircv3.net/specs/extensions/read-marker
            context.fail("INVALID_PARAMS", subject, text="Invalid parameters", is_specified=True)
        case Reason.TOO_MANY_SESSIONS:
            context.fail("TOO_MANY_SESSIONS", text=too_many_sessions(refusal))
        case Reason.TOO_MANY_ALWAYS_ON:
            limit = str(context.state.settings.always_on_users_max)
            text = f"The network already has {limit} always-on users"
            context.fail("TOO_MANY_ALWAYS_ON", text=text)
        case Reason.REDACT_TARGET | Reason.REDACT_FORBIDDEN | Reason.REDACT_WINDOW:
            _send_not_redacted(context, refusal, subject)
        case Reason.TOO_MANY_BANS:
            text = f"There are already {refusal.detail} bans"
            context.fail("TOO_MANY_BANS", subject, text=text)
        case Reason.NETWORK_BAN:
            text = f"You are banned from this network: {refusal.detail}"
            context.reply(numerics.ERR_YOUREBANNEDCREEP, text)
        case _:
            send_login_refusal(context, refusal)


def _send_not_redacted(context: Context, refusal: Refusal, subject: str) -> None:
    """Refuse REDACT (ircv3.net/specs/extensions/message-redaction, "Errors")."""
    code, text = {
        Reason.REDACT_TARGET: ("INVALID_TARGET", f"You cannot delete messages from {subject}"),
        Reason.REDACT_FORBIDDEN: (
            "REDACT_FORBIDDEN",
            "You are not authorised to delete this message",
        ),
        Reason.REDACT_WINDOW: ("REDACT_WINDOW_EXPIRED", "You can no longer delete this message"),
    }[refusal.reason]
    context.fail(code, subject, *refusal.detail.split(), text=text, is_specified=True)


def _shown(subject: str) -> str:
    """Return what was typed if it can be a middle parameter of a reply, else "*"."""
    if not subject or " " in subject or subject.startswith(":"):
        return "*"
    return subject


def too_many_sessions(refusal: Refusal) -> str:
    """Return a text that names the limit on clients."""
    of = _MANY_SESSIONS[refusal.subject]
    return f"Too many clients {of}, the limit is {refusal.detail}"


def refuse_too_new(context: Context, result: Result) -> bool:
    """Refuse what the cluster's version does not have yet; return whether it does not."""
    asked: tuple[Payload, ...] = ()
    if isinstance(result, tuple):
        asked = result
    elif isinstance(result, Request):
        asked = (result.command,)
    if not any(why_too_new(one, context.state.version) for one in asked):
        return False
    context.fail("TEMPORARILY_UNAVAILABLE", text=TOO_NEW)
    return True
