"""The clients that a balancer holds: what is unanswered, and how far each has been served.

    lines    ... | acknowledged | sent, kept until acknowledged | released | held back |
                 ^ freed        ^ given again to the next node if this one dies

Pure. A session is a client's connection, from its first byte to its last. It is bound to one node
at a time, under a generation that grows with each binding. What comes from a node under another
generation is not for this client any more.
"""

import math
from typing import Protocol

import msgspec

from roost.chat.ids import SESSION_COUNTER_BITS, SessionId

FRAMING_BYTES = 32
"""More than what a line, and a session, take in a frame beside their content."""


class SessionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a session may cost the cluster, and how patient we are with it."""

    lines_max: int = 512
    """Unacknowledged lines: some seconds of what anybody types or pastes, and far below what a
    node queues. Above it the client's socket is not read."""
    bytes_max: int = 128 * 1024
    """Bytes in those; as many full lines as `lines_max` would be 2 MiB for each client."""
    burst_lines: int = 100
    """Lines that may come at once: clients join many rooms when they connect."""
    lines_per_s: float = 25.0
    """Lines a second after that, far above what people type; 0 sets no pace. What comes faster
    waits in the client's socket, nothing is thrown away."""
    registration_s: float = 60.0
    """How long a client may take to introduce itself: people answer password prompts in less."""
    idle_s: float = 120.0
    """After so long without a line the client is asked whether it is there. Home routers forget
    connections that are silent for 5 minutes."""
    ping_timeout_s: float = 60.0
    """How long the answer to that may take: mobile networks have pauses of half a minute."""
    waiting_notice_s: float = 1.0
    """After so long without a node a client is told that it waits; shorter pauses are not news."""

    def __post_init__(self) -> None:
        for name in ("lines_max", "bytes_max", "burst_lines"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        for name in ("registration_s", "idle_s", "ping_timeout_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0")
        for name in ("lines_per_s", "waiting_notice_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")


class Client(Protocol):
    """A client's socket with its outbox, as the sessions see it."""

    pieces: list[bytes]
    """The outbox: whole lines, one or more each, that wait to be written."""
    is_dirty: bool
    """Whether it is in the list of those that are written to in this turn."""

    def flush(self) -> None:
        """Write the pieces and clear `is_dirty`; called once at the end of the turn."""

    def pause_reading(self) -> None:
        """Take nothing more from the socket for now; may be called again and when closed."""

    def resume_reading(self) -> None:
        """Take more from the socket; may be called again and when closed."""

    def finish(self, last: bytes) -> None:
        """Write what waits and then `last`, and close."""


class AcknowledgementError(Exception):
    """A node acknowledged a line that it was never given."""


class Numbering:
    """Gives each session of one run its id."""

    def __init__(self, incarnation: int) -> None:
        self.incarnation = incarnation
        self._counter = 0

    def take(self) -> SessionId:
        """Give the next id."""
        self._counter += 1
        assert self._counter < 1 << SESSION_COUNTER_BITS, "the session ids of this run are used up"
        return SessionId(self.incarnation << SESSION_COUNTER_BITS | self._counter)


class Departure(msgspec.Struct):
    """A client that is gone, until a node confirms that everybody else knows."""

    session: SessionId
    generation: int
    reason: str


class Session:
    """One client."""

    __slots__ = (
        "_given_line",
        "_given_part",
        "_lines",
        "_lines_bytes",
        "_paid",
        "_tokens",
        "_tokens_at",
        "acknowledged",
        "address",
        "certificate",
        "client",
        "generation",
        "groups",
        "heard_at",
        "id",
        "is_open",
        "is_reading_paused",
        "is_secure",
        "is_served",
        "is_talking",
        "is_throttled",
        "is_waiting_told",
        "limits",
        "moved_at",
        "node",
        "parts",
        "pinged_at",
        "position",
        "refusals",
        "refused_by",
        "sent",
        "since",
    )

    def __init__(
        self,
        number: SessionId,
        client: Client,
        address: str,
        limits: SessionLimits,
        now: float,
        *,
        is_secure: bool,
        position: int = 0,
        certificate: str = "",
    ) -> None:
        self.id = number
        self.client = client
        self.address = address
        """The client's IP address, or "localhost"."""
        self.is_secure = is_secure
        self.certificate = certificate
        """The client certificate's fingerprint; empty for none."""
        self.limits = limits
        self.is_open = True
        # The binding.
        self.node = ""
        """The node that serves it; empty while it waits for one."""
        self.generation = 0
        """Of the current binding; 0 before the first."""
        self.since = now
        """When it was bound, or began to wait."""
        self.position = position
        """Up to which entry the client had been served when this binding began; for a new one,
        an entry before its registration."""
        self.is_served = False
        """Whether this binding's node has begun to serve the client. From then on the trunk's
        position counts for it; before that the client was shown nothing under this binding, and
        what names it is left over from an earlier one."""
        self.moved_at = -math.inf
        """When it was moved to make nodes even."""
        self.groups: tuple[int, ...] = ()
        """The node's groups that it is in."""
        self.refusals = 0
        """How many nodes in a row would not take it."""
        self.refused_by = ""
        """The last of them, which is not asked again while there is another."""
        self.is_waiting_told = False
        # Lines up, answers down.
        self.acknowledged = 0
        """The last acknowledged line; lines count from 1."""
        self.sent = 0
        """The last line that this binding's node was given; never below `acknowledged`."""
        self._given_line, self._given_part = 0, -1
        """The last answer that the client was given."""
        self.parts = 0
        """How many parts of answers it was given since the last acknowledgement."""
        self._lines: list[bytes | None] = []
        """The lines after `acknowledged`; None where one was too long. A list, of a few lines at
        most times: an empty deque takes 600 bytes."""
        self._lines_bytes = 0
        # The pace.
        self._paid = 0
        """The last line that a token was paid for; giving it to another node is free."""
        self._tokens = float(limits.burst_lines)
        self._tokens_at = now
        self.is_throttled = False
        """Whether lines wait for tokens."""
        self.is_reading_paused = False
        self.is_talking = False
        """Whether it is in the list of those that have lines for their node in this turn."""
        # The client's signs of life.
        self.heard_at = now
        self.pinged_at = 0.0
        """When it was asked whether it is there; 0 when it need not answer."""

    @property
    def is_registered(self) -> bool:
        """Whether a node has acknowledged anything, and so lets it take part."""
        return self.acknowledged > 0

    @property
    def last_line(self) -> int:
        """The number of the last line that came."""
        return self.acknowledged + len(self._lines)

    @property
    def has_lines(self) -> bool:
        """Whether there are lines that its node was not given."""
        return self.sent < self.acknowledged + len(self._lines)

    @property
    def kept_bytes(self) -> int:
        """What the unacknowledged lines take in a frame, at most."""
        return self._lines_bytes + FRAMING_BYTES * (1 + len(self._lines))

    def bind(self, node: str, now: float) -> None:
        """Give the session to a node, which is then to get everything unacknowledged."""
        self.node = node
        self.generation += 1
        self.sent = self.acknowledged
        self.since = now
        self.is_served = False

    def unbind(self, position: int, now: float) -> None:
        """Take the session from its node, whose output was complete up to `position`."""
        if self.is_served:
            self.position = max(self.position, position)
        self.is_served = self.is_throttled = False
        self.node = ""
        self.groups = ()
        self.since = now

    def receive(self, lines: list[bytes | None], now: float) -> None:
        """Take lines from the client; each gets the next number."""
        self._lines.extend(lines)
        for line in lines:
            if line is not None:
                self._lines_bytes += len(line)
        self.heard_at = now
        self.pinged_at = 0.0

    def take_lines(self, now: float) -> tuple[int, tuple[bytes | None, ...]]:
        """Give the lines that its node should get now, and the number of the first of them.

        They are kept until they are acknowledged. Sets `is_throttled`.
        """
        last = self.acknowledged + len(self._lines)
        last = min(last, self.acknowledged + self.limits.lines_max)
        self.is_throttled = False
        if last > self._paid:
            granted = min(last - self._paid, self._refill(now))
            self._paid += granted
            self._tokens -= granted
            self.is_throttled = self._paid < last
            last = self._paid
        first = self.sent + 1
        if last < first:
            return first, ()
        begin = self.sent - self.acknowledged
        lines = tuple(self._lines[begin : last - self.acknowledged])
        self.sent = last
        return first, lines

    def _refill(self, now: float) -> int:
        """Bring the tokens up to date; gives how many whole ones there are."""
        rate = self.limits.lines_per_s
        if not rate:
            self._tokens = float(self.limits.burst_lines)
            return len(self._lines)
        grown = self._tokens + (now - self._tokens_at) * rate
        self._tokens = min(float(self.limits.burst_lines), grown)
        self._tokens_at = now
        return int(self._tokens)

    def acknowledge(self, line: int) -> None:
        """Forget the lines up to `line`; the next node need not have them.

        Raises:
            AcknowledgementError: the node was not given this line.
        """
        if line > self.sent:
            raise AcknowledgementError(
                f"line {line} of session {self.id} is acknowledged, only {self.sent} were sent"
            )
        if line > self.acknowledged:
            count = line - self.acknowledged
            self._lines_bytes -= sum(len(dropped or b"") for dropped in self._lines[:count])
            del self._lines[:count]
        self.acknowledged = max(self.acknowledged, line)
        self.parts = 0
        self.refusals = 0
        self.refused_by = ""

    def is_new_answer(self, line: int, part: int) -> bool:
        """Note a part of an answer; False when the client has been given it before."""
        if (line, part) <= (self._given_line, self._given_part):
            return False
        self._given_line, self._given_part = line, part
        self.parts += 1
        return True

    def adjust_reading(self) -> None:
        """Read the client's socket, or do not, as the limits have it."""
        is_full = (
            len(self._lines) >= self.limits.lines_max
            or self._lines_bytes >= self.limits.bytes_max
            or self.is_throttled
        )
        if is_full != self.is_reading_paused:
            self.is_reading_paused = is_full
            if is_full:
                self.client.pause_reading()
            else:
                self.client.resume_reading()
