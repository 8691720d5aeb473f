"""Look-up of the sessions that this node serves."""

from collections.abc import Iterable

from roost.chat.ids import FoldedNick, SessionId, UserId
from roost.ircd.sessions.newcomers import Newcomers
from roost.ircd.sessions.session import LocalSession


class Directory:
    """Local sessions by id, by user and by the nicknames that they watch."""

    def __init__(self) -> None:
        self.by_id: dict[SessionId, LocalSession] = {}
        self.newcomers = Newcomers()
        self._by_user: dict[UserId, tuple[LocalSession, ...]] = {}
        self._watchers: dict[FoldedNick, dict[SessionId, LocalSession]] = {}
        self._watched: dict[SessionId, tuple[FoldedNick, ...]] = {}

    def add(self, session: LocalSession) -> None:
        """Add a session, whose user may not be known yet."""
        self.by_id[session.id] = session
        self.newcomers.here[session.id] = None

    def set_user(self, session: LocalSession, user: UserId) -> None:
        """Note a session's user, once it is registered and live."""
        session.user = user
        self._by_user[user] = (*self.of_user(user), session)

    def forget_newcomer(self, session: LocalSession) -> None:
        """Note that a session is registered, or gone."""
        self.newcomers.here.pop(session.id, None)

    def remove(self, session: LocalSession) -> None:
        """Remove a session, if it is there."""
        if self.by_id.pop(session.id, None) is None:
            return
        self.forget_newcomer(session)
        if session.id in self._watched:
            self.watch(session, ())
        sessions = self._by_user.get(session.user, ())
        if len(sessions) == 1 and sessions[0] is session:
            del self._by_user[session.user]
        elif session in sessions:
            self._by_user[session.user] = tuple([one for one in sessions if one is not session])

    def of_user(self, user: UserId) -> tuple[LocalSession, ...]:
        """Return the local sessions of a user."""
        return self._by_user.get(user, ())

    def of_balancer(self, balancer: str) -> list[LocalSession]:
        """Return the sessions of a balancer."""
        return [session for session in self.by_id.values() if session.balancer == balancer]

    def watch(self, session: LocalSession, nicks: Iterable[FoldedNick]) -> None:
        """Replace the nicknames that a session monitors."""
        for nick in self._watched.pop(session.id, ()):
            watchers = self._watchers[nick]
            del watchers[session.id]
            if not watchers:
                del self._watchers[nick]
        watched = tuple(nicks)
        if watched:
            self._watched[session.id] = watched
        for nick in watched:
            self._watchers.setdefault(nick, {})[session.id] = session

    def watchers(self, nick: FoldedNick) -> list[LocalSession]:
        """Return the local sessions that monitor a nickname."""
        watchers = self._watchers.get(nick)
        return list(watchers.values()) if watchers else []
