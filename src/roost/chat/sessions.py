"""How sessions and users come and go, and the balancers that bring them."""

from roost.chat.changes import (
    Quitted,
    SessionAttached,
    SessionClosed,
    SessionOpened,
    WentOffline,
    WentOnline,
)
from roost.chat.commands import AttachSession, BalancerLost, BalancerStarted, OpenSession
from roost.chat.ids import FoldedNick, SessionId, UserId, incarnation_of
from roost.chat.refusals import Reason
from roost.chat.rooms import leave
from roost.chat.state import Session, State, User
from roost.chat.step import Step, cut, rooms_of, source_of
from roost.chat.users import remember
from roost.irc.casemapping import fold_nick
from roost.irc.names import is_valid_nick

CLOSED_SESSIONS_MAX = 4096
"""A command that was lost is asked for again within seconds, in which fewer clients leave."""


def open_session(step: Step, command: OpenSession) -> None:
    """Bring a user online, unless the nickname is taken."""
    state = step.state
    settings = state.settings
    folded = FoldedNick(fold_nick(command.nick))
    if not is_valid_nick(command.nick, settings.nick_bytes_max):
        step.refused(Reason.NICK_INVALID, command.nick)
        return
    if folded in state.nicks:
        step.refused(Reason.NICK_IN_USE, command.nick)
        return
    if len(state.users) >= settings.users_max:
        step.refused(Reason.SERVER_FULL)
        return
    user = User(
        id=UserId(step.position),
        nick=command.nick,
        username=cut(command.username, settings.username_bytes_max),
        realname=cut(command.realname, settings.realname_bytes_max),
        host=command.host,
        account="",
        modes="",
        away="",
        signed_on_ms=step.time_ms,
        active_ms=step.time_ms,
        sessions=[command.session],
    )
    session = Session(
        command.session,
        user.id,
        command.generation,
        command.line,
        command.capabilities,
        command.is_secure,
    )
    state.users[user.id] = user
    state.nicks[folded] = user.id
    state.sessions[session.id] = session
    state.incarnations.setdefault(incarnation_of(session.id), {})[session.id] = None
    state.users_max_seen = max(state.users_max_seen, len(state.users))
    source = source_of(user)
    step.changed(SessionOpened(step.part, source, session.id, True))
    step.changed(WentOnline(step.part, source, folded))


def close_session(step: Step, session: Session, reason: str) -> None:
    """End a session, and with a user's last one the user's presence."""
    state = step.state
    reason = cut(reason, state.settings.reason_bytes_max)
    user = state.users[session.user]
    source = source_of(user)
    del state.sessions[session.id]
    siblings = state.incarnations[incarnation_of(session.id)]
    del siblings[session.id]
    if not siblings:
        del state.incarnations[incarnation_of(session.id)]
    remember_closed(state, session.id)
    user.sessions.remove(session.id)
    if not user.sessions:
        _remove_user(step, user, reason)
    step.changed(SessionClosed(step.part, source, session.id, reason))


def remember_closed(state: State, session: SessionId) -> None:
    """Note that a session is closed for good, even if the log never saw it open."""
    state.closed_sessions[session] = None
    while len(state.closed_sessions) > CLOSED_SESSIONS_MAX:
        del state.closed_sessions[next(iter(state.closed_sessions))]


def _remove_user(step: Step, user: User, reason: str) -> None:
    state = step.state
    source = source_of(user)
    folded = FoldedNick(fold_nick(user.nick))
    rooms = rooms_of(state, user)
    remember(step, user)
    for room_id, _ in rooms:
        leave(step, state.rooms[room_id], user)
    del state.users[user.id]
    del state.nicks[folded]
    step.changed(Quitted(step.part, source, rooms, reason))
    step.changed(WentOffline(step.part, source, folded))


def attach_session(step: Step, session: Session, command: AttachSession) -> None:
    """Let another node serve a session: commands of the generations before are refused."""
    session.generation = command.generation
    user = step.state.users[session.user]
    step.changed(SessionAttached(step.part, source_of(user), session.id, command.generation))


def balancer_started(step: Step, command: BalancerStarted) -> None:
    """Note a balancer's new incarnation; the connections of the ones before are gone."""
    known = step.state.balancers.get(command.name, 0)
    if command.incarnation > known:
        step.state.balancers[command.name] = command.incarnation
        _close_all(step, known, "Balancer restarted")


def balancer_lost(step: Step, command: BalancerLost) -> None:
    """End the sessions of a balancer that nobody sees any more; it may announce itself again."""
    if step.state.balancers.get(command.name) == command.incarnation:
        del step.state.balancers[command.name]
        _close_all(step, command.incarnation, "Connection lost")


def _close_all(step: Step, incarnation: int, reason: str) -> None:
    sessions: list[SessionId] = list(step.state.incarnations.get(incarnation, ()))
    for session in sessions:
        close_session(step, step.state.sessions[session], reason)
