"""When a client is closed because of what it does not do.

    silent        pinged after a while, closed if it does not answer
    unregistered  closed after a minute in which it could have registered

A client that waits for a node is never closed for that. A client is looked at when a deadline of
its own may have passed, and not in between.
"""

from collections.abc import Callable

import msgspec

from roost.balancer.engine.relay import Relay
from roost.balancer.engine.session_values import SessionLimits
from roost.balancer.engine.sessions import Session
from roost.balancer.engine.timer_wheel import TimerWheel

GRAIN_S = 1.0
"""How late a client's deadline may be noticed."""


class TimedOut(msgspec.Struct, frozen=True):
    """A client that has to be closed."""

    session: Session
    text: str
    """For the client."""
    reason: str
    """For everybody else."""


class ClientTimeouts:
    """Pings silent clients, and finds those whose time is over."""

    def __init__(self, relay: Relay, limits: SessionLimits, ping_line: str) -> None:
        self._relay = relay
        self._limits = limits
        self._ping = ping_line.encode() + b"\r\n"
        self._wheel: TimerWheel[Session] = TimerWheel(GRAIN_S)

    def watch(self, session: Session, now: float) -> None:
        """Look after a new session."""
        self._wheel.add(session, now + min(self._limits.registration_s, self._limits.idle_s))

    def due(self, now: float, can_register: Callable[[Session], bool]) -> list[TimedOut]:
        """Ping the silent clients, and return those that have timed out.

        Only time in which a client could register counts against its registration.
        """
        timed_out = []
        for session in self._wheel.due(now):
            if session.is_open:
                found = (
                    self._check_silence(session, now)
                    if session.is_registered
                    else self._check_registration(session, now, can_register(session))
                )
                if found is not None:
                    timed_out.append(found)
        return timed_out

    def _check_registration(
        self, session: Session, now: float, can_register: bool
    ) -> TimedOut | None:
        limit_s = self._limits.registration_s
        if not can_register:
            self._wheel.add(session, now + limit_s)
        elif now - session.since < limit_s:
            self._wheel.add(session, session.since + limit_s)
        else:
            text = f"Closing link: registration took longer than {limit_s:g} s"
            return TimedOut(session, text, "Registration timed out")
        return None

    def _check_silence(self, session: Session, now: float) -> TimedOut | None:
        silent_s = now - session.heard_at
        if session.is_reading_paused:
            # While its socket is not read, a client cannot show that it is there.
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
            return TimedOut(session, text, text)
        return None
