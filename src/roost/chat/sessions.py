"""How sessions and users come and go, and the balancers that bring them."""

import sys

from roost.chat.admission import (
    address_key,
    count_in,
    count_out,
    forget_account,
    obstacle_to,
)
from roost.chat.attempts import succeed
from roost.chat.bans import find_ban
from roost.chat.changes import (
    Quitted,
    SessionAttached,
    SessionClosed,
    SessionOpened,
    SessionResumed,
    WentOffline,
    WentOnline,
)
from roost.chat.commands import (
    AttachSessions,
    BalancerLost,
    BalancerStarted,
    OpenSession,
    ResumeSession,
    SetAlwaysOn,
)
from roost.chat.hosts import set_account_quietly, stop_operating
from roost.chat.ids import FoldedNick, SessionId, UserId, incarnation_of
from roost.chat.metadata import begin, tell_watchers
from roost.chat.presence import (
    UNATTENDED,
    become_absent,
    begin_to_stay,
    change_away,
    come_back,
    expired,
    forget_presence,
    look_after,
    set_always_on,
    stayer_of,
    stays,
    stop_staying,
)
from roost.chat.refusals import Reason
from roost.chat.reservations import find_account, is_reserved
from roost.chat.rooms import leave
from roost.chat.state import Account, Session, State, User
from roost.chat.step import Step, cut, rooms_of, source_of
from roost.chat.users import remember
from roost.irc.capabilities import Capability
from roost.irc.casemapping import fold_nick
from roost.irc.names import is_valid_nick

CLOSED_SESSIONS_MAX = 4096
"""A command that was lost is asked for again within seconds, in which fewer clients leave."""
REFUSED_OPENINGS_MAX = 4096
"""Likewise: fewer clients are refused in that time."""


def open_session(step: Step, command: OpenSession) -> None:
    """Bring a user online, or join one of the same account who is online already."""
    state = step.state
    settings = state.settings
    folded = FoldedNick(fold_nick(command.nick))
    if not is_valid_nick(command.nick, settings.nick_bytes_max):
        step.refused(Reason.NICK_INVALID, command.nick)
        return
    key = address_key(command.host, settings.address_exempt_networks)
    account = _find_account(state, command, key)
    obstacle = obstacle_to(state, key, account)
    if obstacle is not None:
        step.refused(Reason.TOO_MANY_SESSIONS, obstacle[0], str(obstacle[1]))
        return
    ban = find_ban(state, command.nick, command.username, command.host, account, step.time_ms)
    if ban is not None:
        step.refused(Reason.NETWORK_BAN, detail=ban.reason)
        return
    known = _find_user_to_join(state, folded, account)
    if known is not None:
        _join_user(step, command, known, key)
        return
    if folded in state.nicks:
        step.refused(Reason.NICK_IN_USE, command.nick)
        return
    if is_reserved(state, command.nick, account):
        step.refused(Reason.NICK_RESERVED, command.nick)
        return
    if len(state.users) >= settings.users_max:
        step.refused(Reason.SERVER_FULL)
        return
    username = cut(command.username, settings.username_bytes_max)
    realname = cut(command.realname, settings.realname_bytes_max)
    user = User(
        id=UserId(step.position),
        nick=command.nick,
        # Many clients say one word for all three: it is kept once.
        username=command.nick if username == command.nick else username,
        realname=username if realname == username else realname,
        # Who comes from one address shares the string.
        host=sys.intern(command.host),
        account="",
        modes="",
        away="",
        signed_on_ms=step.time_ms,
        active_ms=step.time_ms,
        sessions=(command.session,),
    )
    state.users[user.id] = user
    state.nicks[folded] = user.id
    set_account_quietly(state, user, account)
    begin_to_stay(state, user)
    session = _add_session(state, command, user, key)
    state.users_max_seen = max(state.users_max_seen, len(state.users))
    source = source_of(user)
    step.changed(SessionOpened(step.part, source, session.id, True))
    step.changed(WentOnline(step.part, source, folded))
    begin(step, user, session, command)
    tell_watchers(step, user)
    if session.is_unattended:
        look_after(step, user)
    elif command.away:
        change_away(step, user, cut(command.away, settings.away_bytes_max))


def _find_account(state: State, command: OpenSession, key: str) -> str:
    """Name the account that a client has proved to own; empty when it is dropped since."""
    account = find_account(state, command.account)
    if account is None:
        return ""
    succeed(state, account.name, key)
    return account.name


def _find_user_to_join(state: State, folded: FoldedNick, account: str) -> User | None:
    """Find the user whose next client this is.

    That is who bears the nickname, when it is of the same account. Else it is the account's user
    that is always on: people set up their clients with some nickname, and come back to be that one.
    """
    if not account:
        return None
    bearer = state.nicks.get(folded)
    if bearer is not None and state.users[bearer].account == account:
        return state.users[bearer]
    stayer = stayer_of(state, account)
    return state.users[stayer] if stayer is not None else None


def _join_user(step: Step, command: OpenSession, user: User, key: str) -> None:
    if len(user.sessions) >= step.state.settings.sessions_per_user_max:
        limit = str(step.state.settings.sessions_per_user_max)
        step.refused(Reason.TOO_MANY_SESSIONS, "user", limit)
        return
    session = _add_session(step.state, command, user, key)
    user.sessions = (*user.sessions, session.id)
    step.changed(SessionOpened(step.part, source_of(user), session.id, False))
    begin(step, user, session, command)
    away = command.away
    if away is not None:
        away = cut(away, step.state.settings.away_bytes_max)
    come_back(step, user, away)


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
    count_in(state, session)
    return session


def resume_session(step: Step, command: ResumeSession) -> None:
    """Put another session in the place of one that can be resumed, unless there is none."""
    state = step.state
    user = state.users.get(command.user)
    former = _find_resumable(state, user, command.previous) if user is not None else None
    if user is None or former is None:
        step.refused(Reason.NOTHING_TO_RESUME)
        return
    if former.is_secure and not command.is_secure:
        # Who listened to a plain connection must not get into one that was never plain.
        step.refused(Reason.RESUME_INSECURE)
        return
    # It takes the former one's place also where sessions are counted.
    session = _add_session(state, command, user, former.address)
    session.monitored = former.monitored
    session.subscribed = former.subscribed
    session.is_unattended = former.is_unattended
    session.previous = former.id
    user.sessions = tuple(session.id if number == former.id else number for number in user.sessions)
    _remove_session(state, former.id)
    step.changed(SessionResumed(step.part, source_of(user), session.id, former.id))


def _find_resumable(state: State, user: User, number: SessionId) -> Session | None:
    for known in user.sessions:
        session = state.sessions[known]
        if number in (session.id, session.previous) and is_resumable(session):
            return session
    return None


def is_resumable(session: Session) -> bool:
    """Whether the session's client was given a token."""
    return bool(session.capabilities & Capability.RESUME)


def _remove_session(state: State, number: SessionId) -> None:
    count_out(state, number)
    del state.sessions[number]
    incarnation = incarnation_of(number)
    state.incarnations[incarnation] -= 1
    if not state.incarnations[incarnation]:
        del state.incarnations[incarnation]
    remember_closed(state, number)


def close_session(step: Step, session: Session, reason: str) -> None:
    """End a session, and with a user's last one the presence of whoever is not always on."""
    state = step.state
    reason = cut(reason, state.settings.reason_bytes_max)
    user = state.users[session.user]
    source = source_of(user)
    _remove_session(state, session.id)
    user.sessions = tuple(number for number in user.sessions if number != session.id)
    is_last = not user.sessions
    if is_last and not stays(state, user):
        remove_user(step, user, reason)
    step.changed(SessionClosed(step.part, source, session.id, reason))
    if not is_last:
        look_after(step, user)
    elif stays(state, user):
        become_absent(step, user)
        stop_operating(user)


def expel(step: Step, user: User, reason: str) -> None:
    """Take a user out of the world with every client, also one who is always on."""
    source = source_of(user)
    reason = cut(reason, step.state.settings.reason_bytes_max)
    sessions = user.sessions
    for session in sessions:
        _remove_session(step.state, session)
    user.sessions = ()
    remove_user(step, user, reason)
    for session in sessions:
        step.changed(SessionClosed(step.part, source, session, reason))


def remember_closed(state: State, session: SessionId) -> None:
    """Note that a session is closed for good, even if the log never saw it open."""
    state.closed_sessions[session] = None
    while len(state.closed_sessions) > CLOSED_SESSIONS_MAX:
        del state.closed_sessions[next(iter(state.closed_sessions))]


def remove_user(step: Step, user: User, reason: str) -> None:
    """Take a user who has no session any more out of the world."""
    state = step.state
    source = source_of(user)
    folded = FoldedNick(fold_nick(user.nick))
    rooms = rooms_of(state, user)
    remember(step, user)
    for room_id, _ in rooms:
        leave(step, state.rooms[room_id], user)
    forget_presence(state, user)
    forget_account(state, user)
    del state.users[user.id]
    del state.nicks[folded]
    step.changed(Quitted(step.part, source, rooms, reason))
    step.changed(WentOffline(step.part, source, folded))


def switch_always_on(step: Step, user: User, operation: SetAlwaysOn) -> None:
    """Do what `presence.set_always_on` says, and let go whom only that kept here."""
    gone = set_always_on(step, user, operation)
    if gone is not None:
        remove_user(step, step.state.users[gone], "Always-on was switched off")


def end_always_on(step: Step, account: Account, reason: str) -> None:
    """Let nobody stay for an account any more; call it before the account is forgotten."""
    gone = stop_staying(step.state, account)
    if gone is not None:
        remove_user(step, step.state.users[gone], reason)


def expire_absent(step: Step) -> None:
    """Let those go who have been without a client for too long."""
    for number in expired(step.state):
        remove_user(step, step.state.users[number], "No client for too long")


def attach_sessions(step: Step, command: AttachSessions) -> tuple[tuple[SessionId, int], ...]:
    """Let another node serve sessions: commands of the generations before are refused.

    Gives those that are closed, or have such a generation already.
    """
    state = step.state
    fenced = []
    for number, generation in command.sessions:
        session = state.sessions.get(number)
        if session is None or generation <= session.generation:
            fenced.append((number, generation))
            continue
        session.generation = generation
        source = source_of(state.users[session.user])
        step.changed(SessionAttached(step.part, source, number, generation))
    return tuple(fenced)


def is_refused_before(state: State, command: OpenSession | ResumeSession) -> bool:
    """Whether this attempt to register, or a later one of the session, was refused already."""
    refused = state.refused_openings.get(command.session)
    return refused is not None and _attempt(command) <= refused


def note_opening(state: State, command: OpenSession | ResumeSession) -> None:
    """Remember an attempt to register if it was refused."""
    state.refused_openings.pop(command.session, None)
    if command.session not in state.sessions:
        state.refused_openings[command.session] = _attempt(command)
        while len(state.refused_openings) > REFUSED_OPENINGS_MAX:
            del state.refused_openings[next(iter(state.refused_openings))]


def _attempt(command: OpenSession | ResumeSession) -> tuple[int, int, bool]:
    # Whoever cannot resume may register by the same line.
    return command.generation, command.line, isinstance(command, OpenSession)


def balancer_started(step: Step, command: BalancerStarted) -> None:
    """Note a balancer's new incarnation; the connections of the ones before are gone.

    Clients that cannot resume would find their own nicknames taken when they come back, so their
    sessions end now. The others' wait for them, as after the death of any balancer.
    """
    state = step.state
    known = state.balancers.get(command.name, 0)
    if command.incarnation <= known:
        return
    if is_taken(state, command.name, command.incarnation):
        # Both would give their clients the same session ids.
        step.refused(Reason.INCARNATION_TAKEN, command.name, str(command.incarnation))
        return
    state.balancers[command.name] = command.incarnation
    for session in _sessions_of(state, known):
        if not is_resumable(session):
            close_session(step, session, "Balancer restarted")


def balancer_lost(step: Step, command: BalancerLost) -> None:
    """End the sessions of an incarnation that nobody sees any more.

    Its balancer may announce itself again.
    """
    state = step.state
    if state.balancers.get(command.name) == command.incarnation:
        del state.balancers[command.name]
    if not is_current(state, command.incarnation):
        for session in _sessions_of(state, command.incarnation):
            close_session(step, session, "Connection lost")


def is_taken(state: State, name: str, incarnation: int) -> bool:
    """Whether the incarnation with which `name` starts anew is another balancer's already."""
    return state.balancers.get(name, 0) < incarnation and (
        incarnation in state.incarnations or is_current(state, incarnation)
    )


def is_current(state: State, incarnation: int) -> bool:
    """Whether this is some balancer's newest incarnation."""
    return incarnation in state.balancers.values()


def _sessions_of(state: State, incarnation: int) -> list[Session]:
    return [
        session for session in state.sessions.values() if incarnation_of(session.id) == incarnation
    ]
