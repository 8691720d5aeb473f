"""The state of the connection, and its problems in words for people."""

import enum
from dataclasses import dataclass
from typing import NamedTuple


class Moment(NamedTuple):
    """A reading of both clocks; the model never reads them itself."""

    monotonic_s: float
    """For deadlines."""
    time_ms: int
    """Since the epoch; for people."""


class Phase(enum.Enum):
    """The state of the connection."""

    OFFLINE = "offline"
    """Not started, or ended by the user."""
    CONNECTING = "connecting"
    REGISTERING = "registering"
    """Connected, but not welcomed by the server."""
    ONLINE = "online"
    WAITING = "waiting"
    """Lost; the next attempt is at `Connection.retry_at_s`."""
    STOPPED = "stopped"
    """Retrying would not help: `Connection.problem` says what the user must do."""


class ProblemKind(enum.Enum):
    """What can go wrong."""

    UNREACHABLE = "unreachable"
    """Nobody answers at the address, or its host name is unknown."""
    DROPPED = "dropped"
    SILENT = "silent"
    """Connected, but nothing comes."""
    NOT_IRC = "not-irc"
    CERTIFICATE = "certificate"
    TLS = "tls"
    PASSWORD = "password"  # noqa: S105 - the kind of a problem
    """The server's own password."""
    ACCOUNT = "account"
    """The password of an account is needed, or wrong."""
    NAME = "name"
    """The nickname is taken or not allowed, and the server accepted no other."""
    BANNED = "banned"
    KILLED = "killed"
    CLOSED = "closed"
    """The server closed the connection and said why."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong."""

    kind: ProblemKind
    text: str
    """What happened, in one sentence."""
    advice: str = ""
    """What to do, in a sentence or two; may be empty."""
    is_final: bool = False
    """Retrying would not help until the user has done something."""


@dataclass(slots=True)
class Connection:
    """The connection, as views see it."""

    phase: Phase = Phase.OFFLINE
    address: str = ""
    """host:port, as dialled."""
    is_secure: bool = False
    server_name: str = ""
    network: str = ""
    """The network's name, else the server's, else the address."""
    round_trip_ms: float | None = None
    retry_at_s: float | None = None
    """When the next attempt is (`Moment.monotonic_s`)."""
    attempt: int = 0
    """How many attempts have failed since it was last online."""
    problem: Problem | None = None
    """Why it is not online; None if it is."""
    waiting_text: str = ""
    """What the server says while it cannot serve us; else empty."""
