"""One client as the node that serves it sees it.

Everything here can be made anew from the replicated state and the lines that the balancer still
holds: a session loses nothing when its node dies.
"""

import enum
from collections import deque

import msgspec

from roost.chat.ids import SessionId, UserId


class Phase(enum.Enum):
    """Where a session is in its life."""

    REGISTERING = 1
    """The client introduces itself; its lines are not acknowledged yet."""
    LIVE = 2
    """Registered."""
    ENDED = 3
    """Closed; nothing more is sent or handled."""


class Registration(msgspec.Struct):
    """What a client has said of itself so far."""

    nick: str = ""
    username: str = ""
    realname: str = ""
    is_negotiating: bool = False
    """Capabilities are being negotiated, so that registration has to wait for CAP END."""
    part: int = 0
    """How many parts of answers there have been."""
    skipped_parts: int = 0
    """How many of them the client was given by another node before."""
    lines: int = 0


class LocalSession(msgspec.Struct, eq=False):
    """A client that this node serves; `eq=False` because it is itself and no other."""

    id: SessionId
    generation: int
    balancer: str
    address: str
    is_secure: bool
    phase: Phase = Phase.REGISTERING
    user: UserId = UserId(0)
    """0 before registration."""
    nick: str = "*"
    """How numerics address the client; "*" before there is a nickname."""
    capabilities: int = 0
    has_cap_302: bool = False
    registration: Registration = msgspec.field(default_factory=Registration)
    queue: deque[tuple[int, bytes | None]] = msgspec.field(default_factory=deque)
    """Lines that wait for the one before them, with their numbers."""
    next_line: int = 1
    """The number of the next line from the balancer."""
    waiting_line: int = 0
    """The line that waits for the log or for the history store; 0 when there is none."""
    is_quitting: bool = False
    """The client's connection is gone or the client said so; nothing more is handled."""

    @property
    def is_busy(self) -> bool:
        """Whether the next line has to wait."""
        return self.waiting_line > 0 or self.is_quitting or self.phase is Phase.ENDED
