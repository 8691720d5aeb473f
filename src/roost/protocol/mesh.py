"""What two neighbouring nodes say to each other over a mesh link.

Both sides open with `PeerHello`; then each sends heartbeats, answers the other's, and passes on
raft's messages as they are. Everything else here is for what raft does not carry: history that a
node lacks, typing notices, and which balancers a node is in touch with.
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from roost.chat.changes import Source
from roost.chat.history import Row
from roost.chat.ids import Position, RoomId, UserId
from roost.protocol.codec import make_decoder
from roost.raft.messages import Message

PROTOCOL_VERSION = 1


class _Frame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    pass


class PeerHello(_Frame, frozen=True, tag=101):
    """The handshake: each side's first frame."""

    protocol: int
    cluster: str
    name: str
    version: str
    position: int
    """The last entry in the sender's log; for people who read logs."""


class PeerPing(_Frame, frozen=True, tag=102):
    """A heartbeat."""

    nonce: int


class PeerPong(_Frame, frozen=True, tag=103):
    """Answers a heartbeat at once."""

    nonce: int


class Whisper(msgspec.Struct, frozen=True, array_like=True):
    """A TAGMSG that every node shows to its own clients without the log.

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
    """Typing notices; they may be lost."""

    whispers: tuple[Whisper, ...]


class TrunkReport(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A balancer that the sender has a trunk to."""

    name: str
    incarnation: int


class Gossip(_Frame, frozen=True, tag=105):
    """Which balancers the sender is in touch with; sent on every change and periodically."""

    trunks: tuple[TrunkReport, ...]


class HistoryWant(_Frame, frozen=True, tag=106):
    """Asks for the history rows of the positions `first` to `last`, both included."""

    ticket: int
    first: Position
    last: Position


class HistoryChunk(_Frame, frozen=True, tag=107):
    """Rows of the positions from the asked `first` to `covered`, which is below it for none.

    `missing` are positions in between whose rows the sender cannot vouch for.
    """

    ticket: int
    covered: Position
    rows: tuple[Row, ...]
    missing: tuple[Position, ...]


PeerFrame: TypeAlias = (
    Message | PeerHello | PeerPing | PeerPong | Whispers | Gossip | HistoryWant | HistoryChunk
)

encode: Callable[[PeerFrame], bytes] = msgspec.msgpack.Encoder().encode
decode: Callable[[bytes], PeerFrame] = make_decoder(PeerFrame)
