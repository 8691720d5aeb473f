"""How long a client may wait, and be waited for.

    no node       told after a second, kept for ever
    silent        asked after a while whether it is there, closed when it is not
    unregistered  closed after a minute in which it could have registered

Pure. Clients are looked at when a deadline of theirs may have passed, not again and again.
"""

from collections.abc import Callable

import msgspec

from roost.balancer.engine.deadlines import Wheel
from roost.balancer.engine.relay import Relay
from roost.balancer.engine.sessions import Session, SessionLimits

GRAIN_S = 1.0
"""How late a deadline of a client may be noticed."""
WAITING_TEXT = (
    "The service is not ready at the moment. You are waiting; what you type is kept and sent as "
    "soon as it is."
)
CONNECTED_TEXT = "The service is ready; what you typed is being sent."


class Expiry(msgspec.Struct, frozen=True):
    """A client that has to be closed."""

    session: Session
    text: str
    """For the client."""
    reason: str
    """For everybody else."""


class WaitingRoom:
    """The sessions that no node serves, in the order in which they began to wait."""

    def __init__(self, relay: Relay, server_name: str, notice_s: float) -> None:
        self._relay = relay
        self._server_name = server_name
        self._notice_s = notice_s
        self._sessions: dict[int, Session] = {}
        self._untold: dict[int, Session] = {}
        """Those that do not know yet that they wait."""

    def __len__(self) -> int:
        return len(self._sessions)

    def enter(self, session: Session, since: float) -> None:
        """Let a session wait, which it does `since` then; it keeps its place if it does already."""
        if session.id in self._sessions:
            return
        session.since = since
        self._sessions[session.id] = session
        if not session.is_waiting_told:
            self._untold[session.id] = session

    def leave(self, session: Session) -> None:
        """The session waits no longer, or is gone."""
        self._sessions.pop(session.id, None)
        self._untold.pop(session.id, None)

    def welcome(self, session: Session) -> None:
        """Tell a session that it is served, if it was told that it waits."""
        if session.is_waiting_told:
            session.is_waiting_told = False
            self._notify(session, CONNECTED_TEXT)

    def queue(self) -> list[Session]:
        """Give all that wait, the longest waiting first."""
        return list(self._sessions.values())

    def tell(self, now: float) -> None:
        """Tell those that have been waiting for a while that they are, once."""
        while self._untold:
            number, session = next(iter(self._untold.items()))
            if now - session.since < self._notice_s:
                return
            del self._untold[number]
            session.is_waiting_told = True
            self._notify(session, WAITING_TEXT)

    def _notify(self, session: Session, text: str) -> None:
        self._relay.write(session, f":{self._server_name} NOTICE * :{text}\r\n".encode())


class Patience:
    """When to ask a client whether it is there, and when to give it up."""

    def __init__(self, relay: Relay, limits: SessionLimits, ping_line: str) -> None:
        self._relay = relay
        self._limits = limits
        self._ping = ping_line.encode() + b"\r\n"
        self._wheel: Wheel[Session] = Wheel(GRAIN_S)

    def watch(self, session: Session, now: float) -> None:
        """Look after a new session."""
        self._wheel.add(session, now + min(self._limits.registration_s, self._limits.idle_s))

    def due(self, now: float, could_register: Callable[[Session], bool]) -> list[Expiry]:
        """Ask the silent whether they are there, and name those whose time is over.

        Only time in which a client could have registered counts against it.
        """
        expired = []
        for session in self._wheel.due(now):
            if session.is_open:
                expiry = (
                    self._check_silence(session, now)
                    if session.is_registered
                    else self._check_registration(session, now, could_register(session))
                )
                if expiry is not None:
                    expired.append(expiry)
        return expired

    def _check_registration(
        self, session: Session, now: float, could_register: bool
    ) -> Expiry | None:
        limit_s = self._limits.registration_s
        if not could_register:
            self._wheel.add(session, now + limit_s)
        elif now - session.since < limit_s:
            self._wheel.add(session, session.since + limit_s)
        else:
            text = f"Closing link: registration took longer than {limit_s:g} s"
            return Expiry(session, text, "Registration timed out")
        return None

    def _check_silence(self, session: Session, now: float) -> Expiry | None:
        silent_s = now - session.heard_at
        if session.is_reading_paused:
            # While we do not read, the client cannot show that it is there.
            session.pinged_at = 0.0
            self._wheel.add(session, now + self._limits.idle_s)
        elif silent_s < self._limits.idle_s:
            self._wheel.add(session, session.heard_at + self._limits.idle_s)
        elif not session.pinged_at:
            session.pinged_at = now
            self._relay.write(session, self._ping)
            self._wheel.add(session, now + self._limits.ping_timeout_s)
        elif now - session.pinged_at < self._limits.ping_timeout_s:
            self._wheel.add(session, session.pinged_at + self._limits.ping_timeout_s)
        else:
            text = f"Ping timeout: {silent_s:.0f} seconds"
            return Expiry(session, text, text)
        return None
