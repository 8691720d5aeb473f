"""The sessions of a balancer: what is unacknowledged, and how far each client has been served.

    lines    ... | acknowledged | sent, kept until acknowledged | not sent, or held back |
                 ^ freed        ^ sent again to the next node if this one dies

A session is a client's connection, from its first byte to its last. It is bound to one node at a
time, under a generation that grows with each binding. What a node sends under an earlier
generation is ignored.
"""

import math
from typing import Protocol

from roost.balancer.engine.client_info import ClientInfo
from roost.balancer.engine.session_values import NOTHING_KNOWN, Known, SessionLimits, Stranding
from roost.balancer.engine.token_bucket import refilled
from roost.chat.ids import SESSION_COUNTER_BITS, SessionId

FRAMING_BYTES = 32
"""More than a line, or a session, takes in a frame beside its content."""


class Client(Protocol):
    """A client's socket with its outbox."""

    pieces: list[bytes]
    """The outbox: what waits to be written, whole lines in each piece."""
    is_dirty: bool
    """Whether the client is in the list of those to write to in this turn."""

    def flush(self) -> int:
        """Write pieces, as many as one write may have; return how many bytes these are.

        `is_dirty` is cleared unless the rest can be written in the next turn.
        """

    def pause_reading(self) -> None:
        """Stop reading the socket; harmless if repeated, or after its end."""

    def resume_reading(self) -> None:
        """Read the socket again; harmless if repeated, or after its end."""

    def finish(self, last: bytes) -> None:
        """Write the outbox and then `last`, and close."""


class AcknowledgementError(Exception):
    """A node acknowledged a line that it was never sent."""


class SessionIds:
    """Gives each session of one run of the balancer its id.

    Before the run has an incarnation, ids are provisional: no node may see them.
    """

    def __init__(self) -> None:
        self.incarnation = 0
        """What the log gave this run; 0 as long as no node has told it."""
        self._counter = 0

    def next(self) -> SessionId:
        """Return the next id."""
        self._counter += 1
        assert self._counter < 1 << SESSION_COUNTER_BITS, "the session ids of this run are used up"
        return self.complete(SessionId(self._counter))

    def complete(self, provisional: SessionId) -> SessionId:
        """Return a provisional id with the incarnation."""
        return SessionId(self.incarnation << SESSION_COUNTER_BITS | provisional)


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
        "client",
        "generation",
        "groups",
        "heard_at",
        "id",
        "info",
        "is_open",
        "is_queued",
        "is_reading_paused",
        "is_served",
        "is_throttled",
        "is_wait_notified",
        "known",
        "limits",
        "moved_at",
        "node",
        "parts",
        "pinged_at",
        "position",
        "sent",
        "since",
        "stranding",
    )

    def __init__(
        self,
        number: SessionId,
        client: Client,
        info: ClientInfo,
        limits: SessionLimits,
        now: float,
        position: int = 0,
    ) -> None:
        self.id = number
        self.client = client
        self.info = info
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
        """The entry up to which the client had been served when this binding began."""
        self.is_served = False
        """Whether this binding's node serves the client yet. Until then its output belongs to an
        earlier binding, and the trunk's position does not count for this client."""
        self.moved_at = -math.inf
        """When it was last moved to make nodes even."""
        self.groups: tuple[int, ...] = ()
        """The node's groups that it is in."""
        self.known = NOTHING_KNOWN
        """What the client knows of itself."""
        self.stranding: Stranding | None = None
        """Since it was last served, no node was able to serve it, or one refused it; else None."""
        self.is_wait_notified = False
        # Lines to the node, answers to the client.
        self.acknowledged = 0
        """The last acknowledged line; lines count from 1."""
        self.sent = 0
        """The last line that this binding's node was sent; never below `acknowledged`."""
        self._given_line, self._given_part = 0, -1
        """The last answer that the client was given."""
        self.parts = 0
        """How many parts of answers it was given since the last acknowledgement."""
        self._lines: tuple[bytes | None, ...] = ()
        """The lines after `acknowledged`; None for one too long. An empty tuple is free."""
        self._lines_bytes = 0
        self._tokens, self._tokens_at = float(limits.burst_lines), now
        """A token bucket (`token_bucket`), without an object for each client."""
        self._paid = 0
        """The last line that a token was paid for; sending it to another node is free."""
        self.is_throttled = False
        """Whether lines wait for tokens."""
        self.is_reading_paused = False
        self.is_queued = False
        """Whether it is among the sessions with lines for the next batch."""
        # The time-outs.
        self.heard_at = now
        self.pinged_at = 0.0
        """When it was pinged; 0 if it owes no answer."""

    @property
    def is_registered(self) -> bool:
        """Whether a node has acknowledged anything; registration is acknowledged first."""
        return self.acknowledged > 0

    @property
    def last_line(self) -> int:
        """The number of the last line that was received."""
        return self.acknowledged + len(self._lines)

    @property
    def has_lines(self) -> bool:
        """Whether there are lines that its node was not sent."""
        return bool(self._lines) and self.sent < self.acknowledged + len(self._lines)

    @property
    def kept_bytes(self) -> int:
        """The most that the unacknowledged lines take in a frame."""
        return self._lines_bytes + FRAMING_BYTES * (1 + len(self._lines))

    def bind(self, node: str, now: float) -> None:
        """Bind the session to a node; it has to be sent everything unacknowledged."""
        self.node = node
        self.generation += 1
        self.sent = self.acknowledged
        self.since = now
        self.is_served = False

    def unbind(self, position: int, now: float, rooms: tuple[str, ...] = ()) -> None:
        """End the binding to a node that has shown everything up to the entry `position`.

        `rooms` are those that the client is in at that moment, as the node knows it.
        """
        if self.is_served:
            self.position = max(self.position, position)
            if rooms != self.known.rooms:
                self.known = Known(self.known.nick, rooms)
        self.is_served = self.is_throttled = False
        self.node = ""
        self.groups = ()
        self.since = now

    def receive(self, lines: list[bytes | None], now: float) -> None:
        """Keep lines from the client; each gets the next number."""
        self._lines = (*self._lines, *lines)
        for line in lines:
            if line is not None:
                self._lines_bytes += len(line)
        self.heard_at = now
        self.pinged_at = 0.0

    def take_lines(self, now: float) -> tuple[int, tuple[bytes | None, ...]]:
        """Return the lines to send to the node now, after the number of the first of them.

        They are kept until they are acknowledged. Sets `is_throttled`.
        """
        last = self.acknowledged + min(len(self._lines), self.limits.lines_max)
        self.is_throttled = False
        if last > self._paid:
            self._paid += self._take_tokens(last - self._paid, now)
            self.is_throttled = self._paid < last
            last = self._paid
        first = self.sent + 1
        if last < first:
            return first, ()
        begin = self.sent - self.acknowledged
        lines = self._lines[begin : last - self.acknowledged]
        self.sent = last
        return first, lines

    def _take_tokens(self, wanted: int, now: float) -> int:
        limits = self.limits
        if not limits.lines_per_s:
            return wanted
        seconds = now - self._tokens_at
        tokens = refilled(self._tokens, limits.burst_lines, limits.lines_per_s, seconds)
        taken = min(wanted, int(tokens))
        self._tokens, self._tokens_at = tokens - taken, now
        return taken

    def acknowledge(self, line: int) -> None:
        """Forget the lines up to `line`.

        Raises:
            AcknowledgementError: The node was not sent this line.
        """
        if line > self.sent:
            raise AcknowledgementError(
                f"line {line} of session {self.id} is acknowledged, only {self.sent} were sent"
            )
        if line > self.acknowledged:
            count = line - self.acknowledged
            for dropped in self._lines[:count]:
                if dropped is not None:
                    self._lines_bytes -= len(dropped)
            self._lines = self._lines[count:]
            self.acknowledged = line
        self.parts = 0

    def served(self) -> None:
        """Note that the binding's node serves the client."""
        self.is_served = True
        self.stranding = None

    def is_new_answer(self, line: int, part: int) -> bool:
        """Note a part of an answer; return False if the client has been given it before."""
        if (line, part) <= (self._given_line, self._given_part):
            return False
        self._given_line, self._given_part = line, part
        self.parts += 1
        return True

    def adjust_reading(self) -> None:
        """Read the client's socket unless a limit is reached."""
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
