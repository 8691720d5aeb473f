"""Registration: how a connection becomes a client.

A client sends a nickname (NICK), its names (USER) and, if it negotiates capabilities, CAP END. Then
the log is asked to open the session. Only the log knows whether the nickname is free; if not, the
client gets a refusal and tries another one. A returning client may resume its session (RESUME).

Source: modern.ircdocs.horse, "Connection Registration".
"""

from roost.chat.applied import Applied
from roost.chat.commands.sessions import OpenSession, ResumeSession
from roost.chat.ids import incarnation_of
from roost.chat.modes import USER_MODES
from roost.chat.refusals import Reason, Refusal
from roost.chat.state import State
from roost.irc import numerics
from roost.ircd.accounts.denial import words_of
from roost.ircd.accounts.suspended import suspension_words
from roost.ircd.context import Context
from roost.ircd.queries.moments import human_time
from roost.ircd.replies import isupport
from roost.ircd.replies.metadata_reply import send_own
from roost.ircd.replies.refusals import send_refusal, too_many_sessions
from roost.ircd.serving import dispatch, resumption
from roost.ircd.sessions.session import LocalSession


def open_session(session: LocalSession, line: int) -> OpenSession | ResumeSession:
    """Return the command that registers a client; `line` is the last line of its registration."""
    given = session.registration
    if given.resume is not None:
        return ResumeSession(
            session=session.id,
            generation=session.generation,
            line=line,
            previous=given.resume.previous,
            user=given.resume.user,
            capabilities=session.capabilities,
            is_secure=session.is_secure,
            balancer=session.balancer,
        )
    return OpenSession(
        session=session.id,
        generation=session.generation,
        line=line,
        nick=given.nick,
        username=given.username,
        realname=given.realname,
        host=host_of(session.address),
        capabilities=session.capabilities,
        is_secure=session.is_secure,
        balancer=session.balancer,
        account=given.account,
        certificate=session.certificate,
        metadata=tuple(given.metadata.items()),
        subscribed=tuple(given.subscribed),
        away=given.away,
    )


def host_of(address: str) -> str:
    """Return an address as a host, which must not begin with a colon as IPv6 addresses may."""
    return f"0{address}" if address.startswith(":") else address


def is_turned_away(context: Context) -> bool:
    """Turn away a client that did not give the server's password; return whether it is.

    Whoever resumes a session has given it before.
    """
    given = context.session.registration
    if not context.config.password or given.is_vouched or given.resume is not None:
        return False
    context.reply(numerics.ERR_PASSWDMISMATCH, "Password incorrect")
    context.session.queue = ()
    context.session.end_reason = "The server password is missing or wrong"
    return True


def is_balancer_known(session: LocalSession, state: State) -> bool:
    """Return whether the log already knows the balancer's current run."""
    return state.balancers.get(session.balancer, 0) >= incarnation_of(session.id)


def can_begin_again(session: LocalSession, state: State) -> bool:
    """Return whether the log could still open a session after it did not do so."""
    is_current = state.balancers.get(session.balancer) == incarnation_of(session.id)
    return is_current and session.id not in state.closed_sessions


def send_refusals(context: Context, applied: Applied) -> None:
    """Tell the client why it is not registered, so that it can try again."""
    session = context.session
    if applied.failure:
        session.end_reason = "Registration failed"
        return
    for result in applied.results:
        if isinstance(result, Refusal):
            if result.reason is Reason.SERVER_FULL:
                session.end_reason = "The network is full, try again later"
                return
            if result.reason is Reason.NETWORK_BAN:
                send_refusal(context, result)
                session.end_reason = f"Banned ({result.detail})"
                return
            if result.reason is Reason.LOGIN_REQUIRED:
                # It is not about the command that happened to complete the registration.
                context.command = ""
                send_refusal(context, result)
                session.end_reason = words_of(result)
                return
            if result.reason is Reason.ACCOUNT_SUSPENDED:
                session.end_reason = suspension_words(result)
                return
            if result.reason is Reason.TOO_MANY_SESSIONS:
                session.end_reason = too_many_sessions(result)
                return
            if context.session.registration.resume is not None:
                resumption.refuse(context, result.reason)
            else:
                _refuse(context, result)


def refuse_again(context: Context) -> None:
    """Repeat another node's refusal of the session or the nickname."""
    given = context.session.registration
    if given.resume is not None:
        resumption.refuse(context, Reason.NOTHING_TO_RESUME)
    else:
        _refuse(context, Refusal(Reason.NICK_IN_USE, given.nick))


def _refuse(context: Context, refusal: Refusal) -> None:
    context.session.nick = "*"
    context.session.registration.nick = ""
    send_refusal(context, refusal)


def send_welcome(context: Context) -> None:
    """Send what a server MUST and SHOULD send on registration, in this order.

    "[...] RPL_WELCOME, RPL_YOURHOST, RPL_CREATED, RPL_MYINFO, and at least one RPL_ISUPPORT [...]
    The server SHOULD then respond as though the client sent the LUSERS command [...] The server
    MUST then respond as though the client sent it the MOTD command."
    """
    config, user = context.config, context.user
    if context.session.registration.resume is not None:
        context.send("RESUME", "SUCCESS", user.nick)
    network = context.state.settings.network
    mask = f"{user.nick}!{user.username}@{user.host}"
    context.reply(numerics.RPL_WELCOME, f"Welcome to the {network} Network, {mask}")
    context.reply(
        numerics.RPL_YOURHOST,
        f"Your host is {config.server_name}, running version {config.version}",
    )
    created = human_time(context.state.created_ms)
    context.reply(numerics.RPL_CREATED, f"This server was created {created}")
    context.reply(
        numerics.RPL_MYINFO,
        config.server_name,
        config.version,
        USER_MODES,
        isupport.ROOM_MODES,
        isupport.ROOM_MODES_WITH_PARAMETER,
    )
    isupport.send(context)
    dispatch.run(context, "LUSERS")
    if user.modes:
        context.reply(numerics.RPL_UMODEIS, f"+{user.modes}")
    send_own(context)
    dispatch.run(context, "MOTD")
    resumption.send_token(context)
