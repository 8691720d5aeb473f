"""How sessions begin: a client registers, or resumes the session of an earlier connection."""

import functools
import sys
from collections.abc import Callable
from typing import TypeVar

from roost.chat.admission import address_key, count_session, exceeded_limit, is_login_required
from roost.chat.applied import Applied
from roost.chat.attempts import uncount_attempt
from roost.chat.bans import find_ban
from roost.chat.changes import SessionOpened, SessionResumed, WentOnline
from roost.chat.cloaks import SINCE as CLOAKS_SINCE
from roost.chat.commands.sessions import OpenSession, ResumeSession
from roost.chat.directory import account_by_id, find_account
from roost.chat.dispatch import applies_command
from roost.chat.hosts import change_host, set_initial_account
from roost.chat.ids import FoldedNick, SessionId, UserId, incarnation_of
from roost.chat.metadata import add_initial_metadata, show_to_watchers
from roost.chat.presence import (
    UNATTENDED,
    always_on_user,
    change_away,
    come_back,
    make_always_on,
    update_auto_away,
)
from roost.chat.refusals import Reason, Refusal
from roost.chat.reservations import is_reserved
from roost.chat.sessions import is_resumable, remove_session
from roost.chat.state import Session, State, User
from roost.chat.step import Step, cut, source_of
from roost.chat.suspensions import why_suspended
from roost.irc.casemapping import fold_nick
from roost.irc.names import is_valid_nick

REFUSED_OPENINGS_MAX = 4096
"""A lost command is asked for again within seconds; fewer clients are refused in that time."""

ABSENCE_SINCE = 2
"""The cluster's version since which a client's node learns how long its user had none."""

Opening = TypeVar("Opening", OpenSession, ResumeSession)


@applies_command(OpenSession)
def open_session(step: Step, command: OpenSession) -> Applied:
    """Bring a user online, or add a client to a user of the same account who is already online."""
    return _open_once(step, command, _register)


@applies_command(ResumeSession)
def resume_session(step: Step, command: ResumeSession) -> Applied:
    """Put a new session in the place of one that can be resumed."""
    return _open_once(step, command, _resume)


def _open_once(step: Step, command: Opening, attempt: Callable[[Step, Opening], None]) -> Applied:
    state = step.state
    is_fenced = (
        command.session in state.closed_sessions
        or state.balancers.get(command.balancer) != incarnation_of(command.session)
        or _is_refused_before(state, command)
    )
    is_duplicate = not is_fenced and command.session in state.sessions
    if not is_duplicate and not is_fenced:
        attempt(step, command)
        _note_refusal(state, command)
    return Applied(
        step.position,
        step.time_ms,
        command.session,
        command.generation,
        command.line,
        tuple(step.results),
        is_duplicate,
        is_fenced,
    )


def _is_refused_before(state: State, command: OpenSession | ResumeSession) -> bool:
    """Return whether this attempt, or a later one of the same session, was already refused."""
    refused = state.refused_openings.get(command.session)
    return refused is not None and _attempt_number(command) <= refused


def _note_refusal(state: State, command: OpenSession | ResumeSession) -> None:
    """Remember an attempt if it was refused."""
    state.refused_openings.pop(command.session, None)
    if command.session not in state.sessions:
        state.refused_openings[command.session] = _attempt_number(command)
        while len(state.refused_openings) > REFUSED_OPENINGS_MAX:
            del state.refused_openings[next(iter(state.refused_openings))]


def _attempt_number(command: OpenSession | ResumeSession) -> tuple[int, int, bool]:
    # A client that cannot resume may register by the same line.
    return command.generation, command.line, isinstance(command, OpenSession)


# Registration


def _register(step: Step, command: OpenSession) -> None:
    state = step.state
    settings = state.settings
    folded = FoldedNick(fold_nick(command.nick))
    if not is_valid_nick(command.nick, settings.nick_bytes_max):
        step.refused(Reason.NICK_INVALID, command.nick)
        return
    key = address_key(command.host, settings.address_exempt_networks)
    account = _find_account(state, command, key)
    obstacle = exceeded_limit(state, key, account)
    if obstacle is not None:
        step.refused(Reason.TOO_MANY_SESSIONS, obstacle[0], str(obstacle[1]))
        return
    ban = find_ban(state, command.nick, command.username, command.host, account, step.time_ms)
    if ban is not None:
        step.refused(Reason.NETWORK_BAN, detail=ban.reason)
        return
    if not account and is_login_required(settings, command.host):
        step.refused(Reason.LOGIN_REQUIRED)
        return
    suspended = _why_suspended(step, account)
    if suspended is not None:
        step.results.append(suspended)
        return
    known = _find_user_to_join(state, folded, account)
    if known is not None:
        _join_user(step, command, known, key)
    elif folded in state.nicks:
        step.refused(Reason.NICK_IN_USE, command.nick)
    elif is_reserved(state, command.nick, account):
        step.refused(Reason.NICK_RESERVED, command.nick)
    elif len(state.users) >= settings.users_max:
        step.refused(Reason.SERVER_FULL)
    else:
        _add_user(step, command, account, key)


def _find_account(state: State, command: OpenSession, key: str) -> str:
    """Return the account that a client has proved to own; empty if it was dropped since."""
    account = account_by_id(state, command.account)
    if account is None:
        return ""
    uncount_attempt(state, account.name, key)
    return account.name


def _why_suspended(step: Step, name: str) -> Refusal | None:
    """Return why nobody can use the account; it was suspended after its owner had logged in."""
    account = find_account(step.state, name) if name else None
    return None if account is None else why_suspended(account, step.time_ms)


def _find_user_to_join(state: State, folded: FoldedNick, account: str) -> User | None:
    """Return the user that the new client belongs to, if any.

    It is the user with that nickname if they have the same account. Otherwise it is the account's
    always-on user: people configure some nickname in their clients and expect to be that user.
    """
    if not account:
        return None
    bearer = state.nicks.get(folded)
    if bearer is not None and state.users[bearer].account == account:
        return state.users[bearer]
    stayer = always_on_user(state, account)
    return state.users[stayer] if stayer is not None else None


def _join_user(step: Step, command: OpenSession, user: User, key: str) -> None:
    if len(user.sessions) >= step.state.settings.sessions_per_user_max:
        limit = str(step.state.settings.sessions_per_user_max)
        step.refused(Reason.TOO_MANY_SESSIONS, "user", limit)
        return
    session = _add_session(step.state, command, user, key)
    user.sessions = (*user.sessions, session.id)
    is_told_since = step.state.version >= ABSENCE_SINCE
    absent_ms = step.state.absent.get(user.id, 0) if is_told_since else 0
    step.changed(SessionOpened(step.part, source_of(user), session.id, absent_ms))
    if step.state.version >= CLOAKS_SINCE:
        # An always-on user may have come before there were cloaks.
        change_host(step, user)
    add_initial_metadata(step, user, session, command)
    away = command.away
    if away is not None:
        away = cut(away, step.state.settings.away_bytes_max)
    come_back(step, user, away)


@functools.lru_cache(maxsize=1024)
def _shared(word: str) -> str:
    """Return the object that a word had lately: many clients send the same default."""
    return word


def _add_user(step: Step, command: OpenSession, account: str, key: str) -> None:
    state, settings = step.state, step.state.settings
    username = _shared(cut(command.username, settings.username_bytes_max))
    realname = _shared(cut(command.realname, settings.realname_bytes_max))
    time_ms = step.time_ms
    user = User(
        id=UserId(step.position),
        nick=command.nick,
        # Many clients send one word for all three: equal strings share their memory.
        username=command.nick if username == command.nick else username,
        realname=username if realname == username else realname,
        host=sys.intern(command.host),
        account="",
        modes="",
        away="",
        signed_on_ms=time_ms,
        active_ms=time_ms,
        sessions=(command.session,),
    )
    folded = FoldedNick(fold_nick(command.nick))
    state.users[user.id] = user
    state.nicks[folded] = user.id
    set_initial_account(state, user, account)
    make_always_on(state, user)
    session = _add_session(state, command, user, key)
    state.users_max_seen = max(state.users_max_seen, len(state.users))
    source = source_of(user)
    step.changed(SessionOpened(step.part, source, session.id))
    step.changed(WentOnline(step.part, source, folded))
    add_initial_metadata(step, user, session, command)
    show_to_watchers(step, user)
    if session.is_unattended:
        update_auto_away(step, user)
    elif command.away:
        change_away(step, user, cut(command.away, settings.away_bytes_max))


def _add_session(
    state: State, command: OpenSession | ResumeSession, user: User, key: str
) -> Session:
    session = Session(
        command.session,
        user.id,
        command.generation,
        command.line,
        command.capabilities,
        command.is_secure,
        address=key,
        is_unattended=isinstance(command, OpenSession) and command.away == UNATTENDED,
    )
    state.sessions[session.id] = session
    incarnation = incarnation_of(session.id)
    state.incarnations[incarnation] = state.incarnations.get(incarnation, 0) + 1
    count_session(state, session)
    return session


# Resumption


def _resume(step: Step, command: ResumeSession) -> None:
    state = step.state
    user = state.users.get(command.user)
    former = _find_resumable(state, user, command.previous) if user is not None else None
    if user is None or former is None:
        step.refused(Reason.NOTHING_TO_RESUME)
        return
    if former.is_secure and not command.is_secure:
        # Whoever sniffs a plain connection must not get into a session that was never plain.
        step.refused(Reason.RESUME_INSECURE)
        return
    # The new session also takes the former one's place in the count of its address.
    session = _add_session(state, command, user, former.address)
    session.monitored = former.monitored
    session.subscribed = former.subscribed
    session.is_unattended = former.is_unattended
    session.autoreplay = former.autoreplay
    session.previous = former.id
    user.sessions = tuple(session.id if number == former.id else number for number in user.sessions)
    remove_session(state, former.id)
    step.changed(SessionResumed(step.part, source_of(user), session.id, former.id))


def _find_resumable(state: State, user: User, number: SessionId) -> Session | None:
    for known in user.sessions:
        session = state.sessions[known]
        if number in (session.id, session.previous) and is_resumable(session):
            return session
    return None
