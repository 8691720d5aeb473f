"""Sessions: attaching them to other nodes, closing them, and removing their users.

`roost.chat.openings` opens them.
"""

from roost.chat.admission import forget_account, uncount_session
from roost.chat.applied import Applied
from roost.chat.changes import Quitted, SessionAttached, SessionClosed, WentOffline
from roost.chat.commands.sessions import AttachSessions, CloseSession, ExpireAbsent
from roost.chat.commands.users import Quit, SetAlwaysOn
from roost.chat.dispatch import applies, applies_command
from roost.chat.hosts import drop_operator
from roost.chat.ids import FoldedNick, SessionId, incarnation_of
from roost.chat.presence import (
    become_absent,
    expired_users,
    forget_presence,
    is_always_on,
    set_always_on,
    stop_always_on,
    update_auto_away,
)
from roost.chat.rooms import remove_member
from roost.chat.state import Account, Session, State, User
from roost.chat.step import Step, cut, rooms_of, source_of
from roost.chat.users import remember
from roost.irc.capabilities import Capability
from roost.irc.casemapping import fold_nick

CLOSED_SESSIONS_MAX = 4096
"""A lost command is asked for again within seconds; fewer clients leave in that time."""


def is_resumable(session: Session) -> bool:
    """Return whether the session's client was given a token."""
    return bool(session.capabilities & Capability.RESUME)


def remove_session(state: State, number: SessionId) -> None:
    """Forget a session; the caller has to remove its id from the user."""
    uncount_session(state, number)
    del state.sessions[number]
    incarnation = incarnation_of(number)
    state.incarnations[incarnation] -= 1
    if not state.incarnations[incarnation]:
        del state.incarnations[incarnation]
    _remember_closed(state, number)


@applies_command(CloseSession)
def close_lost_session(step: Step, command: CloseSession) -> Applied:
    """End the session of a client whose connection is gone; it stays closed for good."""
    session = step.state.sessions.get(command.session)
    if session is None:
        _remember_closed(step.state, command.session)
    else:
        close_session(step, session, command.reason)
    results = tuple(step.results)
    return Applied(step.position, step.time_ms, results=results, closed=command.session)


@applies(Quit)
def quit_session(step: Step, _user: User, operation: Quit) -> None:
    """End the session at its client's wish."""
    close_session(step, step.session, operation.reason)


def close_session(step: Step, session: Session, reason: str) -> None:
    """End a session; with the last one, remove the user unless they are always-on."""
    state = step.state
    reason = cut(reason, state.settings.reason_bytes_max)
    user = state.users[session.user]
    source = source_of(user)
    remove_session(state, session.id)
    user.sessions = tuple(number for number in user.sessions if number != session.id)
    is_last = not user.sessions
    if is_last and not is_always_on(state, user):
        remove_user(step, user, reason)
    step.changed(SessionClosed(step.part, source, session.id, reason))
    if not is_last:
        update_auto_away(step, user)
    elif is_always_on(state, user):
        become_absent(step, user)
        drop_operator(user)


def expel(step: Step, user: User, reason: str) -> None:
    """Remove a user and all their sessions, even if they are always-on."""
    source = source_of(user)
    reason = cut(reason, step.state.settings.reason_bytes_max)
    sessions = user.sessions
    for session in sessions:
        remove_session(step.state, session)
    user.sessions = ()
    remove_user(step, user, reason)
    for session in sessions:
        step.changed(SessionClosed(step.part, source, session, reason))


def _remember_closed(state: State, session: SessionId) -> None:
    """Note that a session is closed for good, even if the log never saw it open."""
    state.closed_sessions[session] = None
    while len(state.closed_sessions) > CLOSED_SESSIONS_MAX:
        del state.closed_sessions[next(iter(state.closed_sessions))]


def remove_user(step: Step, user: User, reason: str) -> None:
    """Remove a user who has no session left."""
    state = step.state
    source = source_of(user)
    folded = FoldedNick(fold_nick(user.nick))
    rooms = rooms_of(state, user)
    remember(step, user)
    for room_id, _ in rooms:
        remove_member(step, state.rooms[room_id], user)
    forget_presence(state, user)
    forget_account(state, user)
    del state.users[user.id]
    del state.nicks[folded]
    step.changed(Quitted(step.part, source, rooms, reason))
    step.changed(WentOffline(step.part, source, folded))


@applies(SetAlwaysOn)
def switch_always_on(step: Step, user: User, operation: SetAlwaysOn) -> None:
    """Switch always-on on or off; remove the user if nothing else kept them online."""
    gone = set_always_on(step, user, operation)
    if gone is not None:
        remove_user(step, step.state.users[gone], "Always-on was switched off")


def end_always_on(step: Step, account: Account, reason: str) -> None:
    """Switch always-on off for an account; call it before the account is forgotten."""
    gone = stop_always_on(step.state, account)
    if gone is not None:
        remove_user(step, step.state.users[gone], reason)


@applies_command(ExpireAbsent)
def expire_absent(step: Step, _command: ExpireAbsent) -> Applied:
    """Remove users who have been without a client for too long."""
    for number in expired_users(step.state):
        remove_user(step, step.state.users[number], "No client for too long")
    return step.applied()


@applies_command(AttachSessions)
def attach_sessions(step: Step, command: AttachSessions) -> Applied:
    """Let another node serve sessions: commands of earlier generations are refused.

    `Applied.fenced` lists the sessions that are closed or already have such a generation.
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
    results = tuple(step.results)
    return Applied(step.position, step.time_ms, results=results, fenced=tuple(fenced))
