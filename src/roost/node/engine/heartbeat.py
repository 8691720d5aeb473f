"""One link's heartbeats: how long the peer has been silent, and how far away it is.

Silence is counted in heartbeats of this process and not on a clock. After the process itself was
stopped for long, what waits in its sockets is read before a peer is judged.
"""

from typing import NamedTuple

_SMOOTHING = 0.125
"""The weight of a new round-trip time, as in TCP (RFC 6298)."""


class RoundTrip(NamedTuple):
    """A ping that was answered."""

    sent: float
    """When it left, in monotonic seconds."""
    smoothed_ms: float
    """How long round trips take, in milliseconds."""


class Heartbeat:
    """Counts the heartbeats since the peer was last heard, and times its answers."""

    def __init__(self, silent_beats_max: int) -> None:
        self._silent_beats_max = silent_beats_max
        self._silent_beats = 0
        self.unpinged_beats = 0
        """Beats since the last ping of this side."""
        self._nonce = 0
        self._pinged: dict[int, float] = {}
        self._round_trip_ms: float | None = None
        self._unanswered: tuple[int, int, float] | None = None
        """The peer's last ping: its nonce, our wall clock then, and our monotonic one."""

    def note_heard(self) -> None:
        """Note that the peer has sent something."""
        self._silent_beats = 0

    def beat(self) -> bool:
        """Count a heartbeat; return whether the peer has been silent for too many."""
        self._silent_beats += 1
        self.unpinged_beats += 1
        return self._silent_beats > self._silent_beats_max

    def ping(self, now: float) -> int:
        """Return the nonce of a new ping."""
        self.unpinged_beats = 0
        self._nonce += 1
        self._pinged[self._nonce] = now
        return self._nonce

    def hold(self, nonce: int, wall_ms: int, now: float) -> None:
        """Keep a ping to be answered later; the answer settles earlier ones, too."""
        self._unanswered = (nonce, wall_ms, now)

    @property
    def has_held(self) -> bool:
        """Whether a ping is to be answered."""
        return self._unanswered is not None

    def take_held(self, now: float) -> tuple[int, int, float] | None:
        """Return nonce, wall clock and waiting time for the answer to what was held, if any."""
        held, self._unanswered = self._unanswered, None
        return None if held is None else (held[0], held[1], now - held[2])

    def take_pong(self, nonce: int, now: float) -> RoundTrip | None:
        """Return what a ping's answer says; None for an unknown nonce.

        `now` is when it came, less the time for which it was held.
        """
        sent = self._pinged.pop(nonce, None)
        if sent is None or now < sent:
            return None
        for older in [number for number in self._pinged if number < nonce]:
            del self._pinged[older]
        measured = (now - sent) * 1000
        if self._round_trip_ms is None:
            self._round_trip_ms = measured
        else:
            self._round_trip_ms += _SMOOTHING * (measured - self._round_trip_ms)
        return RoundTrip(sent, self._round_trip_ms)
