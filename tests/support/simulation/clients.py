"""Simulated clients, which record everything that they send and receive.

A client records the lines that it sent and received. The checks decide whether they are right. A
client never closes its connection because of what it received.
"""

from collections.abc import Callable

import msgspec

from roost.balancer.engine.outbox import take_write
from roost.irc.message import Message
from roost.irc.parsing import parse
from support.simulation.balancer import SimulatedBalancer
from support.simulation.world import World

PLAIN = ""
TAGGED = "message-tags server-time batch draft/chathistory"
ECHOING = f"{TAGGED} echo-message away-notify"
LABELLING = f"{ECHOING} labeled-response standard-replies"
LINES_TOLD = 80
"""How many events of a client a failure shows."""
KINDS = (PLAIN, TAGGED, ECHOING, LABELLING, LABELLING)
"""Sets of capabilities that clients negotiate; the last ones show most of the promises."""


class Sent(msgspec.Struct, frozen=True):
    """A line that a client sent."""

    verb: str
    parameters: tuple[str, ...]
    label: str
    at: float

    @property
    def text(self) -> str:
        """The line without its label."""
        return Message(self.verb, self.parameters).encode().decode().removesuffix("\r\n")


class Received(msgspec.Struct, frozen=True):
    """A line that a client received."""

    message: Message
    at: float
    applied: int
    """The last entry that any node had applied at that time."""
    tags: dict[str, str]

    @property
    def line(self) -> tuple[str, str, str, str, tuple[str, ...]]:
        """The line as a `truth.Shown`."""
        message = self.message
        return (
            self.tags.get("msgid", ""),
            self.tags.get("time", ""),
            message.source,
            message.command,
            message.parameters,
        )


class SimulatedClient:
    """A client connection, from its first line to its end."""

    def __init__(
        self,
        world: World,
        balancer: SimulatedBalancer,
        name: str,
        capabilities: str,
        applied: Callable[[], int],
        heard: Callable[["SimulatedClient", Received], None],
    ) -> None:
        self.name = name
        """A unique user name, by which the client recognizes its own lines."""
        self.capabilities = capabilities.split()
        self.nick = ""
        self.sent: list[Sent] = []
        self.received: list[Received] = []
        self.is_open = True
        self.has_left = False
        """Whether it sent QUIT or closed its connection; nothing else may end it."""
        self.has_hung_up = False
        """Whether it closed its connection without QUIT."""
        self.is_registered = False
        self.rooms: list[str] = []
        """The rooms that it is in once all its lines have taken effect."""
        self.pieces: list[bytes] = []
        self.is_dirty = False
        self._world = world
        self._balancer = balancer
        self._applied = applied
        self._heard = heard
        self._is_paused = False
        self._unread: list[bytes | None] = []
        self.session = balancer.open(self)

    def has(self, capability: str) -> bool:
        """Return whether it negotiates a capability."""
        return capability in self.capabilities

    # What the exchange calls

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        self._is_paused = False
        if self._unread:
            self._world.at(0.0, self._pass_on)

    def finish(self, last: bytes) -> None:
        self.pieces.append(last)
        while self.pieces:
            self.flush()
        self.is_open = False
        assert self.has_left, (
            f"seed {self._world.seed} at {self._world.now:.4f}: {self.name} was thrown out: "
            f"{last!r}"
        )

    def flush(self) -> int:
        if not self.is_open:
            self.is_dirty = False
            self.pieces.clear()
            return 0
        # Most of the time everything is one write.
        payload = take_write(self.pieces)
        self.is_dirty = bool(self.pieces)
        assert payload.endswith(b"\r\n") or not payload, "half a line"
        for line in payload.split(b"\r\n")[:-1]:
            message = parse(line)
            received = Received(message, self._world.now, self._applied(), dict(message.tags))
            self.received.append(received)
            if message.command == "001":
                self.is_registered = True
                self.nick = message.parameters[0]
            elif message.command == "NICK" and self.is_own(received):
                self.nick = message.parameters[0]
            self._heard(self, received)
        return len(payload)

    def is_own(self, received: Received) -> bool:
        """Return whether a line is about the client itself."""
        return f"!{self.name}@" in received.message.source

    # What users do

    def send(self, verb: str, *parameters: str, label: str = "") -> None:
        """Send a line."""
        if not self.is_open:
            return
        sent = Sent(verb, parameters, label, self._world.now)
        self.sent.append(sent)
        tags = (("label", label),) if label else ()
        line = Message(verb, parameters, "", tags).encode().removesuffix(b"\r\n")
        self._unread.append(line)
        if not self._is_paused:
            self._pass_on()

    def _pass_on(self) -> None:
        if self.is_open and not self._is_paused:
            lines, self._unread = self._unread, []
            self._balancer.spoke(self.session, lines)

    def quit(self, reason: str) -> None:
        """Leave with QUIT."""
        self.has_left = True
        self.rooms.clear()
        self.send("QUIT", reason)

    def hang_up(self) -> None:
        """Close the connection without QUIT."""
        self.has_left = self.has_hung_up = True
        self.is_open = False
        self._balancer.hung_up(self.session)

    def lose(self) -> None:
        """Note that the connection is gone, because the balancer died."""
        self.has_left = self.has_hung_up = True
        self.is_open = False
        self.rooms.clear()

    def answered_before(self, at: float) -> int:
        """Return the last line that was answered when a node got the session, before a time."""
        attachments = self._balancer.attachments[self.session.id]
        return [line for since, line in attachments if since <= at][-1]

    def was_moved(self, since: float, until: float) -> bool:
        """Return whether another node got the session in a span of time."""
        return any(since <= at <= until for at, _ in self._balancer.attachments[self.session.id])

    @property
    def is_answered(self) -> bool:
        """Return whether every line was answered."""
        session = self.session
        return session.acknowledged == len(self.sent) and session.acknowledged > 0

    def tell(self) -> str:
        """Return a description of everything that the client did, to analyse a failure."""
        lines = [
            (sent.at, f"{number:4} > {sent.label:6} {sent.text}")
            for number, sent in enumerate(self.sent, 1)
        ]
        lines += [
            (received.at, f"     < {received.message.encode().decode().rstrip()}")
            for received in self.received
        ]
        lines.sort(key=lambda line: line[0])
        del lines[:-LINES_TOLD]
        return "\n".join(f"{at:9.4f} {text}" for at, text in lines)
