"""A client, as the node that serves it sees it.

Everything here can be made again from the replicated state and the lines that the balancer still
holds, so a session loses nothing when its node dies.
"""

import enum

import msgspec

from roost.chat.ids import AccountId, Position, SessionId, UserId
from roost.irc.capabilities import Capability
from roost.ircd.sessions.handover import Handover
from roost.ircd.sessions.sasl import Exchange


class Phase(enum.Enum):
    """The phase of a session's life."""

    REGISTERING = 1
    """The client is registering; its lines are not acknowledged yet."""
    ATTACHING = 2
    """Registered elsewhere; the log has not given it to this node yet."""
    GRANTED = 5
    """The log has given it to this node, which begins to serve it when its turn comes."""
    LIVE = 3
    """Registered, and served here."""
    ENDING = 4
    """The log was asked to close it; no more lines are handled."""


_BUSY = (Phase.ATTACHING, Phase.GRANTED, Phase.ENDING)


class ResumeRequest(msgspec.Struct, frozen=True):
    """The request of a client with a valid token."""

    previous: SessionId
    user: UserId
    seen: str
    """The id of the last message that it saw; empty if it does not want what it missed."""


class Picture(msgspec.Struct, frozen=True):
    """What a client knows of itself, as its balancer remembers it."""

    nick: str = ""
    """Empty if unknown."""
    rooms: tuple[str, ...] = ()


class Registration(msgspec.Struct):
    """What a client has said about itself while it registers."""

    nick: str = ""
    username: str = ""
    realname: str = ""
    metadata: dict[str, str] = {}
    subscribed: dict[str, None] = {}
    """Keys of METADATA SUB, which `OpenSession` carries."""
    away: str | None = None
    """The message of AWAY, as in `OpenSession`."""
    account: AccountId = AccountId(0)
    """The account that the client has proven to own; 0 for none."""
    resume: ResumeRequest | None = None
    """Takes precedence over NICK and USER."""
    failed_resumes: int = 0
    is_vouched: bool = False
    """Whether the last PASS had the server's password."""
    passwords: int = 0
    """The number of passwords that the client has tried with PASS."""
    is_negotiating: bool = False
    """Whether capabilities are being negotiated, so that registration waits for CAP END."""
    lines: int = 0
    part: int = 0
    """The number of answer parts so far."""
    skipped_parts: int = 0
    """The number of those that the client got from an earlier node."""

    @property
    def is_complete(self) -> bool:
        """Whether the session can be opened, or resumed."""
        is_known = self.resume is not None or bool(self.nick and self.username)
        return is_known and not self.is_negotiating


class OpenBatch(msgspec.Struct):
    """A message of several lines that is being sent; see `ircd.serving.multiline`."""

    reference: str
    target: str
    tags: tuple[tuple[str, str], ...]
    """The client-only tags of the whole message."""
    label: str
    text: str = ""
    """The text so far."""
    verb: str = ""
    """The command of its lines; empty before the first one."""
    breaks: list[int] = []
    """The positions in the text where each line but the first begins."""
    lines: int = 0
    kept_lines: int = 0
    """Lines of any kind since it began."""
    kept_bytes: int = 0


class LocalSession(msgspec.Struct, eq=False):
    """A client that this node serves; compared by identity."""

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
    """The nickname that numerics address; "*" before there is one."""
    capabilities: int = 0
    """Bits of `irc.capabilities.Capability`."""
    introduction: Registration | None = msgspec.field(default_factory=Registration)
    """None once the session is live; see `registration`."""
    queue: tuple[tuple[int, bytes | None], ...] = ()
    """Lines that wait, with their numbers; mostly none."""
    waiting_line: int = 0
    """The line that waits for the log, the history store or slow work; 0 for none."""
    part: int = 0
    """The number of answer parts since the last acknowledged line."""
    skipped_parts: int = 0
    """The number of those that the client got from an earlier node."""
    served: Position = Position(0)
    """The entry up to which the client had been served when it was attached; 0 if it is new."""
    is_being_told: bool = False
    """Whether it is being told unasked, in steps, what its lines must wait for."""
    picture: Picture | None = None
    """If what the client missed may be left out: what it knows of itself. None otherwise."""
    opened_line: int = 0
    """The last line of a registration that an earlier node completed; 0 for none."""
    handover: Handover | None = None
    """What is held back until the session is live; None before and after."""
    end_reason: str | None = None
    """Why the session ends after its queued lines; None while it goes on."""
    certificate: str = ""
    """The client certificate's SHA-256 fingerprint in lower-case hexadecimal; empty for none."""
    sasl: Exchange | None = None
    """The SASL exchange that is under way."""
    multiline: OpenBatch | None = None
    failed_batch: str = ""
    """The reference of a batch that failed; the rest of it is ignored."""
    is_detached: bool = False
    """Whether the client's connection is gone, so that it is sent nothing more."""

    @property
    def registration(self) -> Registration:
        """What the client has said about itself while it registers.

        A live session has none: this is empty then, and forgets what is set in it.
        """
        return Registration() if self.introduction is None else self.introduction

    @property
    def has_cap_302(self) -> bool:
        """Whether the client has asked for version 302 of CAP."""
        return bool(self.capabilities & Capability.CAP_302)

    @property
    def is_unfinished(self) -> bool:
        """Whether the lines so far make sense only with those that follow.

        They are acknowledged together, so that another node gets all of them again.
        """
        return self.sasl is not None or self.multiline is not None

    @property
    def handled_line(self) -> int:
        """The last line that was taken from the queue."""
        return self.next_line - len(self.queue) - 1

    @property
    def is_busy(self) -> bool:
        """Whether the next line must wait."""
        return self.waiting_line > 0 or self.phase in _BUSY or self.is_being_told
