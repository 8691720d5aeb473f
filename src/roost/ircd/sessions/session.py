"""One client as the node that serves it sees it.

Everything here can be made anew from the replicated state and the lines that the balancer still
holds: a session loses nothing when its node dies.
"""

import enum

import msgspec

from roost.chat.ids import AccountId, Position, SessionId, UserId
from roost.irc.capabilities import Capability
from roost.ircd.sessions.handover import Handover
from roost.ircd.sessions.sasl import Exchange


class Phase(enum.Enum):
    """Where a session is in its life."""

    REGISTERING = 1
    """The client introduces itself; its lines are not acknowledged yet."""
    ATTACHING = 2
    """Registered elsewhere; the log has yet to say that this node serves it now."""
    LIVE = 3
    """Registered."""
    ENDING = 4
    """Asked to be closed by the log; nothing more is handled."""


class ResumeRequest(msgspec.Struct, frozen=True):
    """What a client with a good token asked for."""

    previous: SessionId
    user: UserId
    seen: str
    """The message id after which it missed everything; empty when it does not care."""


class Registration(msgspec.Struct):
    """What a client has said of itself so far."""

    nick: str = ""
    username: str = ""
    realname: str = ""
    metadata: dict[str, str] = {}
    subscribed: dict[str, None] = {}
    """By METADATA; part of the opening of the session."""
    away: str | None = None
    """By AWAY, as `OpenSession` has it."""
    account: AccountId = AccountId(0)
    """The account that the client has proved to own; 0 for none."""
    resume: ResumeRequest | None = None
    """Goes before NICK and USER."""
    failed_resumes: int = 0
    is_negotiating: bool = False
    """Capabilities are being negotiated, so that registration has to wait for CAP END."""
    lines: int = 0
    part: int = 0
    """How many parts of answers there have been."""
    skipped_parts: int = 0
    """How many of them the client was given by another node before."""

    @property
    def is_complete(self) -> bool:
        """Whether the session can be opened, or resumed."""
        is_known = self.resume is not None or bool(self.nick and self.username)
        return is_known and not self.is_negotiating


class OpenBatch(msgspec.Struct):
    """A message of several lines that is being sent; see `ircd.serving.serving.multiline`."""

    reference: str
    target: str
    tags: tuple[tuple[str, str], ...]
    """Client-only ones, of the whole message."""
    label: str
    text: str = ""
    """What was said so far."""
    breaks: list[int] = []
    """Where each line but the first begins in it."""
    lines: int = 0
    kept_lines: int = 0
    """Lines of any kind since it began."""
    kept_bytes: int = 0


class LocalSession(msgspec.Struct, eq=False):
    """A client that this node serves; `eq=False` because it is itself and no other."""

    id: SessionId
    generation: int
    balancer: str
    address: str
    is_secure: bool
    next_line: int
    """The number of the next line from the balancer."""
    phase: Phase = Phase.REGISTERING
    user: UserId = UserId(0)
    """0 before registration."""
    nick: str = "*"
    """How numerics address the client; "*" before there is a nickname."""
    capabilities: int = 0
    """Bits of `irc.capabilities.Capability`."""
    introduction: Registration | None = msgspec.field(default_factory=Registration)
    """None once the session takes part; see `registration`."""
    queue: list[tuple[int, bytes | None]] = []
    """Lines that wait for the one before them, with their numbers: none or few, mostly."""
    waiting_line: int = 0
    """The line that waits for the log or for the history store; 0 when there is none."""
    part: int = 0
    """Parts of answers since the last acknowledged line."""
    skipped_parts: int = 0
    """How many of these the client was given by another node before."""
    served: Position = Position(0)
    """Up to which entry the client was served when it was attached here; 0 when it is new."""
    opened_line: int = 0
    """The last line of a registration that was found to be done; 0 when there was none such."""
    handover: Handover | None = None
    """What is held back until the session is live; None once it is, and before it is known."""
    end_reason: str | None = None
    """Why the session ends when its last line is done; None while it goes on."""
    certificate: str = ""
    """The client certificate's SHA-256 fingerprint in lower-case hexadecimal; empty for none."""
    sasl: Exchange | None = None
    """The exchange that is under way."""
    multiline: OpenBatch | None = None
    failed_batch: str = ""
    """The reference of a batch that failed; what still comes of it is ignored."""
    is_detached: bool = False
    """The client's connection is gone; it is told nothing more."""

    @property
    def registration(self) -> Registration:
        """What the client has said of itself until it took part.

        Nothing is kept of it afterwards: an empty one is given, and what is set in it is lost.
        """
        return Registration() if self.introduction is None else self.introduction

    @property
    def has_cap_302(self) -> bool:
        """Whether the client ever said that it knows version 302 of CAP."""
        return bool(self.capabilities & Capability.CAP_302)

    @property
    def is_unfinished(self) -> bool:
        """Whether what was said makes sense only with what follows.

        The lines are acknowledged together then, so that another node hears all of them.
        """
        return self.sasl is not None or self.multiline is not None

    @property
    def handled_line(self) -> int:
        """The last line that was taken from the queue."""
        return self.next_line - len(self.queue) - 1

    @property
    def is_busy(self) -> bool:
        """Whether the next line has to wait."""
        return self.waiting_line > 0 or self.phase in (Phase.ATTACHING, Phase.ENDING)
