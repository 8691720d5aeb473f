"""How the connection is, and what went wrong with it, in words for people."""

import enum
from dataclasses import dataclass
from typing import NamedTuple


class Moment(NamedTuple):
    """A reading of both clocks, which the model is given and never reads itself."""

    monotonic_s: float
    """What deadlines are counted on."""
    time_ms: int
    """Milliseconds since the epoch: what people read."""


class Phase(enum.Enum):
    """Where the connection is."""

    OFFLINE = "offline"
    """Not begun, or ended by the user."""
    CONNECTING = "connecting"
    REGISTERING = "registering"
    """Connected; the server has not said welcome."""
    ONLINE = "online"
    WAITING = "waiting"
    """Lost; the next try is at `Connection.retry_at_s`."""
    STOPPED = "stopped"
    """Trying again would not help: `Connection.problem` says what the user must do."""


class ProblemKind(enum.Enum):
    """What can go wrong."""

    UNREACHABLE = "unreachable"
    """Nobody answers at the address, or its name is not known."""
    DROPPED = "dropped"
    SILENT = "silent"
    """The connection stands but nothing comes."""
    NOT_IRC = "not-irc"
    CERTIFICATE = "certificate"
    TLS = "tls"
    PASSWORD = "password"  # noqa: S105 - the kind of a problem
    NAME = "name"
    """The nickname is taken or not allowed, and the server let us use no other."""
    BANNED = "banned"
    KILLED = "killed"
    CLOSED = "closed"
    """The server closed the connection and said why."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong."""

    kind: ProblemKind
    text: str
    """What happened: one sentence."""
    advice: str = ""
    """What to do: a sentence or two; may be empty."""
    is_final: bool = False
    """Trying again would not help before the user has done something."""


@dataclass(slots=True)
class Connection:
    """How the connection is."""

    phase: Phase = Phase.OFFLINE
    address: str = ""
    """host:port, as dialled."""
    is_secure: bool = False
    server_name: str = ""
    network: str = ""
    """The network's name, else the server's, else the address."""
    round_trip_ms: float | None = None
    retry_at_s: float | None = None
    """When the next try is (clock of `Moment.monotonic_s`)."""
    attempt: int = 0
    """How many tries failed since it was last online."""
    problem: Problem | None = None
    """Why it is not online; None once it is."""
    waiting_text: str = ""
    """What the server said, if it accepted us but cannot serve now; empty when it can."""
