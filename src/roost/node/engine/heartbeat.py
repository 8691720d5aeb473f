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

    def take_pong(self, nonce: int, now: float) -> RoundTrip | None:
        """Return what a ping's answer says; None for an unknown nonce."""
        sent = self._pinged.pop(nonce, None)
        if sent is None:
            return None
        for older in [number for number in self._pinged if number < nonce]:
            del self._pinged[older]
        measured = (now - sent) * 1000
        if self._round_trip_ms is None:
            self._round_trip_ms = measured
        else:
            self._round_trip_ms += _SMOOTHING * (measured - self._round_trip_ms)
        return RoundTrip(sent, self._round_trip_ms)
