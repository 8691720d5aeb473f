"""How a node is, as this balancer sees it.

    connection   lost: down at once                    back: up at once, but held down if it flaps
    probes       `fall` unanswered in a row: silent    `rise` answered in a row: up again
    its word     "ready", or why not       for long: its clients are given to others
    silence      for a second: the link is dropped

Pure: time is an argument, in seconds of a clock that never goes back. The first three must agree
before a node gets clients. Several probes may be under way, so that a node that answers none is
found out in little more than one time-out.
"""

from collections import deque

import msgspec

READY = "ready"
DOWN = "down"
SILENT = "silent"
HELD_DOWN = "held-down"
STARTING = "starting"
DRAINING = "draining"

SILENT_LOOKS_MIN = 12
"""A node is silent only if we looked for its words so many times in vain: a balancer that is busy
or was asleep has not read them yet. Ordinary looks are a twentieth of a second apart."""
BURDEN_S = 0.0005
"""What a node's silence is excused for each session that it is given: several times what the work
takes. Nodes that have just taken over a thousand sessions must not be given up for that, one
after the other."""
BURDEN_S_MAX = 3.0
"""And no longer than that at a time."""


class HealthConfig(msgspec.Struct, frozen=True, kw_only=True):
    """When a node counts as healthy."""

    interval_s: float = 0.25
    """Between two probes: four a second cost nothing and find a hung node soon."""
    timeout_s: float = 1.0
    """How long an answer may take: far above what a working node needs, even a busy one."""
    rise: int = 2
    """Answers in a row that bring a silent node back."""
    fall: int = 3
    """Unanswered probes in a row that make a node silent: one may have met a pause."""
    hold_s: float = 1.0
    """How long a node is held down after it was lost twice; doubles with each further loss."""
    hold_s_max: float = 30.0
    """The longest time that a flapping node is held down: somebody may have repaired it."""
    flap_decay_s: float = 60.0
    """After this time one loss is forgotten."""
    silence_s: float = 1.0
    """How long a node may be silent before its link is dropped and its clients go elsewhere: four
    answers and two reports are missing by then, and people have noticed."""
    silence_alone_s: float = 5.0
    """The same while no other node could take its clients: haste would win nothing."""
    unready_s: float = 0.5
    """How long a node may say that it is not ready before its clients go elsewhere: an election
    takes a fraction of that, and moving everybody costs more than such a blip."""

    def __post_init__(self) -> None:
        for name in (
            "interval_s",
            "timeout_s",
            "flap_decay_s",
            "silence_s",
            "silence_alone_s",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0")
        for name in ("rise", "fall"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.unready_s < 0:
            raise ValueError("unready_s must not be negative")
        if not 0 <= self.hold_s <= self.hold_s_max:
            raise ValueError("hold_s must be from 0 to hold_s_max")


class Verdict(msgspec.Struct, frozen=True):
    """What is thought of a node."""

    state: str
    """`READY`, one of this module's other words, or the node's own word for why it is not."""
    reason: str
    """In words for people; empty when ready."""

    @property
    def is_ready(self) -> bool:
        """Whether it may be given clients."""
        return self.state == READY


class NodeHealth:
    """One node's health; outlives its connections, to know a flapping node again."""

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
        """Probes under way: nonce and when it was sent, oldest first."""
        self._nonce = 0
        self._probe_due = 0.0
        self._successes = 0
        self._failures = 0
        self._flaps = 0
        self._flapped_at = 0.0
        self._held_until = 0.0
        self._looks = 0
        """How often we looked since something was heard."""
        self._excused_until = 0.0
        self.heard_at = 0.0
        """When anything at all was heard from the node."""
        self.rtt_ms = 0.0
        """How long the last answered probe took."""

    @property
    def is_connected(self) -> bool:
        """Whether there is a link to the node."""
        return self._is_connected

    def connected(self, now: float) -> None:
        """The node announced itself; it counts as up until probes say otherwise."""
        self._is_connected = True
        self._is_up = True
        self._reported = self._reported_reason = ""
        self._unready_since = self._draining_since = None
        self._outstanding.clear()
        self._successes = self._failures = 0
        self._probe_due = now
        self.heard_at = now
        self._looks = 0
        self._excused_until = 0.0
        self._held_until = now + self._hold_s(now)

    def disconnected(self, reason: str, now: float) -> None:
        """The link is lost; that counts at once. After "draining" it is no surprise."""
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
        """The node said how it is."""
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
        """Something arrived from the node."""
        self.heard_at = now
        self._looks = 0

    def burdened(self, now: float) -> None:
        """The node was given a session."""
        excused_until = max(self._excused_until, now) + BURDEN_S
        self._excused_until = min(excused_until, now + BURDEN_S_MAX)

    def answered(self, nonce: int, now: float) -> None:
        """A probe was answered; those before it are settled by that too, the link is ordered."""
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
        """Give up on late answers; give the nonce of a probe that is to be sent now, if one is.

        Call it several times a second.
        """
        if not self._is_connected:
            return None
        self._looks += 1
        while self._outstanding and now - self._outstanding[0][1] >= self._config.timeout_s:
            self._outstanding.popleft()
            self._successes = 0
            self._failures += 1
            if self._is_up and self._failures >= self._config.fall:
                self._is_up = False
                self._note_flap(now)
        if now < self._probe_due:
            return None
        self._probe_due = now + self._config.interval_s
        self._nonce += 1
        self._outstanding.append((self._nonce, now))
        return self._nonce

    def is_silent(self, now: float) -> bool:
        """Whether nothing was heard for as long as an answer may take."""
        return now - self.heard_at >= self._config.timeout_s

    def is_given_up(self, now: float, *, is_alone: bool) -> bool:
        """Whether the link should be dropped; later if the node is the only one there is."""
        limit_s = self._config.silence_alone_s if is_alone else self._config.silence_s
        silent_s = now - max(self.heard_at, self._excused_until)
        return self._is_connected and self._looks >= SILENT_LOOKS_MIN and silent_s >= limit_s

    def forgive(self, pause_s: float) -> None:
        """We were asleep ourselves: what the node said meanwhile has not been read yet."""
        self.heard_at += pause_s
        self._outstanding = deque((nonce, at + pause_s) for nonce, at in self._outstanding)

    def unready_since(self, now: float) -> float | None:
        """Since when the node cannot serve, by its own word, if that is no blip any more."""
        since = self._unready_since
        return since if since is not None and now - since >= self._config.unready_s else None

    def draining_s(self, now: float) -> float | None:
        """How long the node has been draining by its own word; None when it is not."""
        return now - self._draining_since if self._draining_since is not None else None

    def judge(self, now: float) -> Verdict:
        """Say how the node is, and why."""
        verdict = self._judge_without_hold(now)
        if verdict.is_ready and now < self._held_until:
            return Verdict(
                HELD_DOWN,
                f"lost {self._flaps} times lately, gets clients again in "
                f"{self._held_until - now:.1f} s",
            )
        return verdict

    def is_ready_but_held(self, now: float) -> bool:
        """Whether only the hold-down keeps it from getting clients."""
        return now < self._held_until and self._judge_without_hold(now).is_ready

    def _judge_without_hold(self, now: float) -> Verdict:
        if not self._is_connected:
            since = f"{now - self._lost_at:.0f} s ago: " if self._lost_at else ""
            return Verdict(DOWN, f"connection lost {since}{self._lost_because}")
        if not self._is_up:
            return Verdict(SILENT, f"{self._failures} health probes in a row went unanswered")
        if not self._reported:
            return Verdict(STARTING, "it has just announced itself")
        return Verdict(self._reported, self._reported_reason)

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
