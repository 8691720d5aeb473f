"""The frames between two nodes, over a link of the mesh.

Both sides begin with `PeerHello`. Then each sends heartbeats, answers the other's, and passes on
Raft's messages as they are. The other frames carry what Raft does not: history that a node lacks,
clients' questions about it, typing notices, and the balancers that a node has trunks to.
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from roost.chat.changes import Source
from roost.chat.history import Page, Row, Search, Target, Targets
from roost.chat.holes import Hole
from roost.chat.ids import Position, RoomId, UserId
from roost.protocol.codec import make_decoder
from roost.protocol.greeting import SILENT, Range
from roost.raft.messages import Message
from roost.raft.messages import Position as LogPosition

PROTOCOL_VERSION = 2
"""See `roost.protocol.greeting`."""


class _Frame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    pass


class PeerHello(_Frame, frozen=True, tag=101):
    """The greeting: each side's first frame."""

    protocol: int
    cluster: str
    name: str
    version: str
    position: int
    """The last entry in the sender's log, for its neighbour's log file."""
    speaks: Range = SILENT
    """The oldest and the newest version of the cluster that the sender speaks."""


class PeerPing(_Frame, frozen=True, tag=102):
    """A heartbeat."""

    nonce: int


class PeerPong(_Frame, frozen=True, tag=103):
    """The answer to a heartbeat."""

    nonce: int
    wall_ms: int = 0
    """What the sender's wall clock said when the heartbeat came, in milliseconds since the Unix
    epoch; 0 when it tells none."""
    held_s: float = 0.0
    """How long the answer has waited for other frames, in seconds. Only peers that speak version 2
    are sent such a one."""


class Whisper(msgspec.Struct, frozen=True, array_like=True):
    """A TAGMSG that reaches the other nodes' clients without the log.

    Either `room` or `recipient` is 0; `target` and `minimum_status` are as in `changes.Said`.
    """

    source: Source
    room: RoomId
    recipient: UserId
    target: str
    minimum_status: int
    tags: tuple[tuple[str, str], ...]
    time_ms: int


class Whispers(_Frame, frozen=True, tag=104):
    """Typing notices, which may be lost."""

    whispers: tuple[Whisper, ...]


class TrunkReport(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A balancer that the sender has a trunk to."""

    name: str
    incarnation: int


class Gossip(_Frame, frozen=True, tag=105):
    """What the sender knows of others; the first frame on a link, sent periodically and on changes.

    These are the balancers that it has trunks to, how far nodes are known to have been, and how
    many of its connections are not registered yet.
    """

    trunks: tuple[TrunkReport, ...]
    positions: tuple[LogPosition, ...] = ()
    newcomers: int = 0


class PeerRefusal(_Frame, frozen=True, tag=111):
    """Says why the sender does not let the receiver in; it ends the link then."""

    reason: str
    is_removed: bool
    """Because the receiver does not belong to the cluster any more."""
    version: int = 0
    """The cluster's version, if that is why."""


class HistoryWant(_Frame, frozen=True, tag=106):
    """A request for the history rows at positions `first` to `last`, inclusive."""

    ticket: int
    first: Position
    last: Position


class HistoryChunk(_Frame, frozen=True, tag=107):
    """The rows from the requested `first` to `covered`, which is less than `first` for none.

    `missing` are the positions in between whose rows the sender does not have intact.
    """

    ticket: int
    covered: Position
    rows: tuple[Row, ...]
    missing: tuple[Position, ...]
    term_before: int = 0
    """The term of the entry before `first`; 0 if it is not known."""


class HistoryHeld(_Frame, frozen=True, tag=108):
    """From which position on the sender has all history; sent first, and when it changes.

    Sent before any rows that the sender knows to be whole because of it.
    """

    first: Position
    time_ms: int
    """Rows before that are not newer than this, and rows from there on are not older."""
    holes: tuple[Hole, ...] = ()
    """What nobody has any more of what comes later."""
    is_fetching: bool = False
    """Whether the sender lacks history that it fetches from others."""
    unfound: tuple[tuple[Position, Position], ...] = ()
    """What it lacks although all linked neighbours were asked."""
    nodes_changed: int = 0
    """Which nodes belonged to the cluster then: where the registry was changed last; 0 if the
    sender did not know, or was linked to others."""


class HistoryAsk(_Frame, frozen=True, tag=109):
    """A client's question about what the sender does not hold: one of the three kinds of queries.

    It is about the rows at positions `first` to `last`, inclusive.
    """

    ticket: int
    first: Position
    last: Position
    page: Page | None = None
    targets: Targets | None = None
    search: Search | None = None


class HistoryAnswer(_Frame, frozen=True, tag=110):
    """The answer to `HistoryAsk`: rows, or targets."""

    ticket: int
    rows: tuple[Row, ...] = ()
    targets: tuple[Target, ...] = ()
    refusal: str = ""
    """Why there is no answer; empty if there is one."""
    is_final: bool = False
    """A refusal that is for the client: another node would say the same."""


HistoryFrame: TypeAlias = HistoryWant | HistoryChunk | HistoryHeld | HistoryAsk | HistoryAnswer
PeerFrame: TypeAlias = (
    Message | PeerHello | PeerRefusal | PeerPing | PeerPong | Whispers | Gossip | HistoryFrame
)

encode: Callable[[PeerFrame], bytes] = msgspec.msgpack.Encoder().encode
decode: Callable[[bytes], PeerFrame] = make_decoder(PeerFrame)
