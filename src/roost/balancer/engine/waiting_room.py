"""The queue of sessions that no node serves."""

from roost.balancer.engine.relay import Relay
from roost.balancer.engine.sessions import Session

WAITING_TEXT = (
    "The service is not ready. Stay connected: what you type is kept, and sent when it is ready."
)
CONNECTED_TEXT = "The service is ready. What you typed is being sent."

SEARCHES_MAX = 2000
"""Sessions for which a node is sought in one turn, in some 5 ms; the next tick goes on."""

NOTICES_MAX = 2000
"""Clients that are told in one turn that they wait, in some 5 ms."""


class WaitingRoom:
    """Sessions without a node, the longest waiting first; tells their clients that they wait."""

    def __init__(self, relay: Relay, server_name: str, notice_s: float) -> None:
        self._relay = relay
        self._server_name = server_name
        self._notice_s = notice_s
        self._sessions: dict[int, Session] = {}
        self._unnotified: dict[int, Session] = {}
        """Those whose clients do not know yet that they wait."""

    def __len__(self) -> int:
        return len(self._sessions)

    def add(self, session: Session, since: float) -> None:
        """Let a session wait, counted from `since`; one that waits already keeps its place."""
        if session.id in self._sessions:
            return
        session.since = since
        self._sessions[session.id] = session
        if not session.is_wait_notified:
            self._unnotified[session.id] = session

    def remove(self, session: Session) -> None:
        """Take out a session that has a node, or is closed."""
        self._sessions.pop(session.id, None)
        self._unnotified.pop(session.id, None)

    def renumber(self) -> None:
        """Take note that the ids of all sessions have changed."""
        self._sessions = {session.id: session for session in self._sessions.values()}
        self._unnotified = {session.id: session for session in self._unnotified.values()}

    def due(self, places: int, now: float) -> list[Session]:
        """Return the sessions that may look for a node now, the longest waiting first.

        At most `places` of them had a node before, and they are few enough for a turn.
        """
        due = []
        for session in self._sessions.values():
            if session.stranding is not None and session.stranding.search_at > now:
                continue
            if session.generation:
                if places <= 0:
                    continue
                places -= 1
            due.append(session)
            if len(due) >= SEARCHES_MAX:
                break
        return due

    def notify_waiting(self, now: float) -> None:
        """Tell each client once that it waits, as soon as it has done so for a while.

        If there are too many for a turn, the next tick goes on.
        """
        for _ in range(min(len(self._unnotified), NOTICES_MAX)):
            number, session = next(iter(self._unnotified.items()))
            if now - session.since < self._notice_s:
                return
            del self._unnotified[number]
            session.is_wait_notified = True
            self._notify(session, WAITING_TEXT)

    def notify_served(self, session: Session) -> None:
        """Tell a client that it is served, if it was told that it waits."""
        if session.is_wait_notified:
            session.is_wait_notified = False
            self._notify(session, CONNECTED_TEXT)

    def _notify(self, session: Session, text: str) -> None:
        self._relay.write(session, f":{self._server_name} NOTICE * :{text}\r\n".encode())
