"""Health checks: the state of a node, as this balancer sees it.

    connection   lost: down at once                    back: up at once, but held down if it flaps
    probes       `fall` unanswered in a row: silent    `rise` answered in a row: up again
                 seldom while reports come, which show as much
    reports      "ready", or why not; if not for long, its clients are given to others
    silence      for a second: the link is dropped

A node gets clients only while the first three agree. Several probes may be outstanding, so that a
node that answers none is found in little more than one time-out. Times are monotonic seconds.
"""

from collections import deque
from math import inf

import msgspec

from roost.balancer.engine.limits import check_limits

READY = "ready"
DOWN = "down"
SILENT = "silent"
HELD_DOWN = "held-down"
STARTING = "starting"
DRAINING = "draining"

SILENT_CHECKS_MIN = 7
"""A node is silent only after so many checks without a frame from it: a balancer that is busy, or
was suspended, has not read its frames yet. Checks of a silent node are 50 ms apart."""
QUIET_S = 0.65
"""A node that was silent for longer is looked at often, and probed: it may be hung. A node that is
well reports every 0.6 s."""
SUSPENDED_S = 0.5
"""Time between two checks after which this process is taken to have been suspended."""
CALM_PROBE_S = 1.5
"""Time between two probes of a node that is well, if nothing is sent with which one can leave."""
LATE_S = 0.2
"""A probe that is unanswered for so long is no sign of being well: the next one leaves soon."""
PROBE_EARLY_S = 0.05
"""A probe leaves with the check next to its time: the next one may be a fifth of a second later."""
GRACE_S = 0.0005
"""How much longer a node may be silent for each session that it is given: several times what the
work takes. Otherwise nodes that take over a thousand sessions would be given up one by one."""
GRACE_S_MAX = 3.0
"""The longest total of that."""


class HealthConfig(msgspec.Struct, frozen=True, kw_only=True):
    """When a node is healthy."""

    interval_s: float = 0.4
    """Time between two probes of a node that may be hung. One that reports and answers is probed
    seldom, because each probe wakes it."""
    timeout_s: float = 1.0
    """How long the answer to a probe may take: far more than a busy node needs."""
    rise: int = 2
    """Answers in a row that bring a silent node back."""
    fall: int = 2
    """Unanswered probes in a row that make a node silent: a single one can meet a short pause."""
    hold_s: float = 1.0
    """How long a node is held down after its second loss; doubles with each further one."""
    hold_s_max: float = 30.0
    """The longest hold-down of a flapping node: somebody may have repaired it."""
    flap_decay_s: float = 60.0
    """Time after which one loss is forgotten."""
    silence_s: float = 1.0
    """How long a node may be silent before its link is dropped and its clients go elsewhere: two
    answers and two reports are missing by then, and people notice."""
    silence_alone_s: float = 5.0
    """How long a node may be silent while no other node could take its clients, so that haste gains
    nothing."""
    unready_s: float = 0.5
    """How long a node may report that it is not ready before its clients go elsewhere: an election
    takes a fraction of that, and moving everybody costs more."""

    def __post_init__(self) -> None:
        check_limits(
            self,
            at_least_1=("rise", "fall"),
            positive=("interval_s", "timeout_s", "flap_decay_s", "silence_s", "silence_alone_s"),
            not_negative=("unready_s",),
        )
        if not 0 <= self.hold_s <= self.hold_s_max:
            raise ValueError("hold_s must be from 0 to hold_s_max")


class HealthStatus(msgspec.Struct, frozen=True):
    """The state of a node."""

    state: str
    """`READY`, another of this module's constants, or the node's own word for why it is not."""
    reason: str
    """For people; empty when ready."""

    @property
    def is_ready(self) -> bool:
        """Whether it may be given clients."""
        return self.state == READY


class HealthCheck:
    """One node's health; outlives its connections, to recognise a flapping node."""

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self._is_connected = False
        self._lost_at = 0.0
        self._lost_because = "it has not announced itself"
        self._reported = ""
        self._reported_reason = ""
        self._unready_since: float | None = None
        self._draining_since: float | None = None
        self._is_up = False
        self._outstanding: deque[tuple[int, float]] = deque()
        """Probes without an answer: nonce and when it was sent, oldest first."""
        self._nonce = 0
        self._probed_at = 0.0
        self._successes = 0
        self._failures = 0
        self._flaps = 0
        self._flapped_at = 0.0
        self._held_until = 0.0
        self._checks = 0
        """Calls of `probe` since the last frame."""
        self._grace_until = 0.0
        self.heard_at = 0.0
        """When the last frame came."""
        self.rtt_ms = 0.0
        """Of the last answered probe."""

    def connected(self, now: float) -> None:
        """Note that the node announced itself; it is up until probes say otherwise."""
        self._is_connected = True
        self._is_up = True
        self._reported = self._reported_reason = ""
        self._unready_since = self._draining_since = None
        self._outstanding.clear()
        self._successes = self._failures = 0
        self._probed_at = -inf
        self.heard_at = now
        self._checks = 0
        self._grace_until = 0.0
        self._held_until = now + self._hold_s(now)

    def disconnected(self, reason: str, now: float) -> None:
        """Note that the link is lost, which is no flap if the node was draining."""
        if not self._is_connected:
            return
        if self._reported != DRAINING:
            self._note_flap(now)
        self._is_connected = self._is_up = False
        self._unready_since = self._draining_since = None
        self._outstanding.clear()
        self._lost_at = now
        self._lost_because = reason

    def reported(self, state: str, reason: str, now: float) -> None:
        """Note the state that the node reports."""
        self._reported = state
        self._reported_reason = reason
        if state in (READY, DRAINING):
            self._unready_since = None
        elif self._unready_since is None:
            self._unready_since = now
        if state != DRAINING:
            self._draining_since = None
        elif self._draining_since is None:
            self._draining_since = now

    def heard(self, now: float) -> None:
        """Note that a frame came from the node."""
        self.heard_at = now
        self._checks = 0

    def grant_grace(self, now: float) -> None:
        """Allow the node a longer silence, because it was given a session."""
        grace_until = max(self._grace_until, now) + GRACE_S
        self._grace_until = min(grace_until, now + GRACE_S_MAX)

    def answered(self, nonce: int, now: float) -> None:
        """Note the answer to a probe, which settles earlier ones too: the link keeps the order."""
        while self._outstanding and self._outstanding[0][0] <= nonce:
            number, sent_at = self._outstanding.popleft()
            if number != nonce:
                continue
            self.rtt_ms = (now - sent_at) * 1000
            self._failures = 0
            self._successes += 1
            if not self._is_up and self._is_connected and self._successes >= self._config.rise:
                self._is_up = True
                self._held_until = now + self._hold_s(now)

    def probe(self, now: float) -> int | None:
        """Count late answers as failures; return the nonce of a probe to send now, if one is due.

        Call this several times a second.
        """
        if not self._is_connected:
            return None
        self._checks += 1
        while self._outstanding and now - self._outstanding[0][1] >= self._config.timeout_s:
            self._outstanding.popleft()
            self._successes = 0
            self._failures += 1
            if self._is_up and self._failures >= self._config.fall:
                self._is_up = False
                self._note_flap(now)
        return self._probe(now) if self._is_probe_due(now) else None

    def _is_probe_due(self, now: float) -> bool:
        interval_s = self._config.interval_s
        if self._is_well(now):
            interval_s = max(interval_s, CALM_PROBE_S)
        elif self._is_up and now - self.heard_at >= QUIET_S and len(self._outstanding) == 1:
            # Reports have come until lately, so the first one left late.
            return True
        return now >= self._probed_at + interval_s - PROBE_EARLY_S

    def probe_along(self, now: float) -> int | None:
        """Return the nonce of a probe to send with another frame, if one is of use."""
        is_due = now >= self._probed_at + self._config.interval_s - PROBE_EARLY_S
        return self._probe(now) if self._is_connected and is_due else None

    def _probe(self, now: float) -> int:
        self._probed_at = now
        self._nonce += 1
        self._outstanding.append((self._nonce, now))
        return self._nonce

    def _is_well(self, now: float) -> bool:
        is_answering = not self._outstanding or now - self._outstanding[0][1] < LATE_S
        is_heard = now - self.heard_at < QUIET_S
        return self._is_up and self._reported == READY and is_heard and is_answering

    def needs_care(self, now: float) -> bool:
        """Return whether the node's state may change soon, so that `probe` is to be called often.

        Otherwise it is enough to do so when a probe is due.
        """
        return self._is_connected and not self._is_well(now)

    def is_silent(self, now: float) -> bool:
        """Return whether no frame came for as long as an answer may take."""
        return now - self.heard_at >= self._config.timeout_s

    def is_timed_out(self, now: float, *, is_alone: bool) -> bool:
        """Return whether to drop the link; later if no other node could take over."""
        limit_s = self._config.silence_alone_s if is_alone else self._config.silence_s
        silent_s = now - max(self.heard_at, self._grace_until)
        return self._is_connected and self._checks >= SILENT_CHECKS_MIN and silent_s >= limit_s

    def discount_pause(self, pause_s: float) -> None:
        """Do not count a time in which this process was suspended, and read nothing."""
        self.heard_at += pause_s
        self._outstanding = deque((nonce, at + pause_s) for nonce, at in self._outstanding)

    def unready_since(self, now: float) -> float | None:
        """Return since when the node has not been ready, or None if for less than `unready_s`."""
        since = self._unready_since
        return since if since is not None and now - since >= self._config.unready_s else None

    def draining_s(self, now: float) -> float | None:
        """Return for how long the node has been draining; None if it is not."""
        return now - self._draining_since if self._draining_since is not None else None

    def status(self, now: float) -> HealthStatus:
        """Return the node's state, and the reason for it."""
        status = self._status_without_hold(now)
        if status.is_ready and now < self._held_until:
            return HealthStatus(
                HELD_DOWN,
                f"lost {self._flaps} times lately, gets clients again in "
                f"{self._held_until - now:.1f} s",
            )
        return status

    def is_ready_but_held(self, now: float) -> bool:
        """Return whether only the hold-down keeps clients away."""
        return now < self._held_until and self._status_without_hold(now).is_ready

    def _status_without_hold(self, now: float) -> HealthStatus:
        if not self._is_connected:
            since = f"{now - self._lost_at:.0f} s ago: " if self._lost_at else ""
            return HealthStatus(DOWN, f"connection lost {since}{self._lost_because}")
        if not self._is_up:
            return HealthStatus(SILENT, f"{self._failures} health probes in a row went unanswered")
        if not self._reported:
            return HealthStatus(STARTING, "it has just announced itself")
        return HealthStatus(self._reported, self._reported_reason)

    def _note_flap(self, now: float) -> None:
        self._forget_flaps(now)
        self._flaps += 1
        self._flapped_at = now

    def _forget_flaps(self, now: float) -> None:
        forgotten = int((now - self._flapped_at) / self._config.flap_decay_s)
        self._flaps = max(0, self._flaps - forgotten)
        self._flapped_at += forgotten * self._config.flap_decay_s

    def _hold_s(self, now: float) -> float:
        self._forget_flaps(now)
        if self._flaps < 2:
            return 0.0
        doublings = min(self._flaps - 2, 30)
        return min(self._config.hold_s_max, self._config.hold_s * float(2**doublings))
