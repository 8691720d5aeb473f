"""What an engine can be told: plain values, given to `Engine.receive` with the time.

Inputs come from neighbours, from balancers, from the disk, from the threads that hash, and from the
process itself. An input that answers an effect carries that effect's ticket, if it has one.
"""

from typing import TypeAlias

import msgspec

from roost.archive import ArchiveState
from roost.chat.history import Answer, Held, Row
from roost.chat.ids import AccountId, Position, RoomId
from roost.chat.versions import VERSION
from roost.ircd.config import Config as IrcConfig
from roost.ircd.sessions.work import Outcome
from roost.log import EtcdResult
from roost.log import Persisted as Persisted
from roost.protocol.mesh import PeerFrame
from roost.protocol.trunk import FromBalancer, Welcome


class PeerConnected(msgspec.Struct, frozen=True):
    """A link to a neighbour is up: the handshake is done."""

    peer: str
    version: int = VERSION
    """The newest version of the cluster that the neighbour speaks."""


class PeerDisconnected(msgspec.Struct, frozen=True):
    """A link that was up is gone."""

    peer: str


class PeerFrameReceived(msgspec.Struct, frozen=True):
    """A neighbour sent a frame."""

    peer: str
    frame: PeerFrame


class RoundTripMeasured(msgspec.Struct, frozen=True):
    """A neighbour answered a heartbeat; the time is smoothed."""

    peer: str
    milliseconds: float


class ClockMeasured(msgspec.Struct, frozen=True):
    """A neighbour's heartbeat told its wall clock.

    `sent` and `received` are the moments of the heartbeat on this node's monotonic clock.
    """

    peer: str
    wall_ms: int
    sent: float
    received: float


class TrunkConnected(msgspec.Struct, frozen=True):
    """A trunk to a balancer is up: the handshake is done."""

    welcome: Welcome


class TrunkDisconnected(msgspec.Struct, frozen=True):
    """A trunk that was up is gone, and with it the sessions that came over it."""

    balancer: str


class TrunkFrameReceived(msgspec.Struct, frozen=True):
    """A balancer sent a frame. The trunks answer probes and learn neighbours themselves."""

    balancer: str
    frame: FromBalancer


class StorageFailed(msgspec.Struct, frozen=True):
    """The disk accepts no writes at the moment; it keeps trying those it was given."""

    reason: str


class StorageRecovered(msgspec.Struct, frozen=True):
    """The disk works again."""


class SnapshotMade(msgspec.Struct, frozen=True):
    """`MakeSnapshot` is done: `data` is the state at `position`."""

    position: Position
    data: bytes


class SnapshotFailed(msgspec.Struct, frozen=True):
    """`MakeSnapshot` did not work this time."""

    position: Position
    reason: str


class HistoryWritten(msgspec.Struct, frozen=True):
    """`WriteHistory` is done: the rows up to `applied` are stored."""

    applied: Position


class HistoryForgotten(msgspec.Struct, frozen=True):
    """`ForgetHistory` is done; the rows at these positions had been redacted and are missing now.

    What redacted them is among the forgotten rows.
    """

    missing: tuple[Position, ...]


class HistoryTrimmed(msgspec.Struct, frozen=True):
    """`TrimHistory` is done: `held` is what the store holds now."""

    held: Held
    has_more: bool
    """Whether there may be more to drop."""


class HistoryErased(msgspec.Struct, frozen=True):
    """A step of `EraseHistory` is done."""

    account: AccountId
    has_more: bool
    """Whether there may be more to erase."""


class KeptFound(msgspec.Struct, frozen=True):
    """`FindKept` is done: the room has rows before `first` that are not kept; 0 if it has none."""

    room: RoomId
    first: Position


class RoomTrimmed(msgspec.Struct, frozen=True):
    """A step of `TrimRoom` is done."""

    room: RoomId
    before: Position
    has_more: bool
    """Whether there may be more to drop."""


class Answered(msgspec.Struct, frozen=True):
    """`AnswerQuery` is done."""

    ticket: int
    answer: Answer


class AnswerCorrupt(msgspec.Struct, frozen=True):
    """`AnswerQuery` met rows whose checksums are wrong."""

    ticket: int
    positions: tuple[Position, ...]


class AnswerTrimmed(msgspec.Struct, frozen=True):
    """`AnswerQuery` came too late: rows that it is about were dropped before. `held` is left."""

    ticket: int
    held: Held


class AnswerFailed(msgspec.Struct, frozen=True):
    """`AnswerQuery` could not be done."""

    ticket: int
    reason: str
    """For the client."""


class Exported(msgspec.Struct, frozen=True):
    """`ExportRows` is done, as far as `covered`; the `missing` positions are corrupt."""

    ticket: int
    rows: tuple[Row, ...]
    covered: Position
    missing: tuple[Position, ...]


class Imported(msgspec.Struct, frozen=True):
    """`ImportRows` is done: a neighbour's rows up to `last` are stored."""

    ticket: int
    last: Position


class WorkDone(msgspec.Struct, frozen=True):
    """`DoWork` is done, or failed."""

    ticket: int
    outcome: Outcome


class Tick(msgspec.Struct, frozen=True):
    """Time has passed; due at `Engine.next_deadline` or soon after."""


class LagMeasured(msgspec.Struct, frozen=True):
    """How late the event loop runs: a moving average."""

    milliseconds: float


class Congested(msgspec.Struct, frozen=True):
    """These balancers have not read what they were sent; none if all have."""

    balancers: frozenset[str]


class Reconfigured(msgspec.Struct, frozen=True):
    """The configuration was read again; see `Server.reconfigure` for what may change."""

    irc: IrcConfig


class Leave(msgspec.Struct, frozen=True):
    """The node is about to stop: have the balancers move its clients elsewhere."""


class PeerRefused(msgspec.Struct, frozen=True):
    """A neighbour says that this node was removed, or does not speak the cluster's version."""

    name: str
    version: int = 0
    """The cluster's version, if that is why."""


class Stop(msgspec.Struct, frozen=True):
    """Hand over leadership, until `Engine.is_stopped`."""


class ArchiveSeen(msgspec.Struct, frozen=True):
    """The archive can be used, and holds this."""

    state: ArchiveState


class ArchiveWrote(msgspec.Struct, frozen=True):
    """`WriteArchive` is done; the archive may have refused a batch whose turn it was not."""

    state: ArchiveState


class ArchiveFailed(msgspec.Struct, frozen=True):
    """The archive cannot be used, until `ArchiveSeen`."""

    reason: str
    """What is wrong, and what to do."""
    was_writing: bool = False
    """Whether this is the answer to `WriteArchive`."""


class ArchiveRefused(msgspec.Struct, frozen=True):
    """`WriteArchive` changed nothing, until `ArchiveWrote`. The archive can be asked."""

    reason: str
    """What is wrong, and what to do."""


class ArchiveDamaged(msgspec.Struct, frozen=True):
    """`AskArchive` met rows whose checksums are wrong."""

    positions: tuple[Position, ...]


class ArchiveRepaired(msgspec.Struct, frozen=True):
    """`RepairArchive` is done, or could not be done."""

    position: Position
    is_done: bool


ArchiveResult: TypeAlias = (
    ArchiveSeen | ArchiveWrote | ArchiveFailed | ArchiveRefused | ArchiveDamaged | ArchiveRepaired
)
HistoryResult: TypeAlias = (
    Answered
    | AnswerCorrupt
    | AnswerTrimmed
    | AnswerFailed
    | Exported
    | Imported
    | HistoryForgotten
    | HistoryTrimmed
    | ArchiveResult
)
DiskInput: TypeAlias = (
    Persisted
    | StorageFailed
    | StorageRecovered
    | HistoryWritten
    | HistoryForgotten
    | HistoryTrimmed
    | HistoryErased
    | KeptFound
    | RoomTrimmed
    | Answered
    | AnswerCorrupt
    | AnswerTrimmed
    | AnswerFailed
    | Exported
    | Imported
    | SnapshotMade
    | SnapshotFailed
)

ArchiveInput: TypeAlias = Answered | AnswerFailed | ArchiveResult

Input: TypeAlias = (
    PeerConnected
    | PeerDisconnected
    | PeerRefused
    | PeerFrameReceived
    | RoundTripMeasured
    | ClockMeasured
    | TrunkConnected
    | TrunkDisconnected
    | TrunkFrameReceived
    | DiskInput
    | ArchiveInput
    | EtcdResult
    | WorkDone
    | Tick
    | LagMeasured
    | Congested
    | Reconfigured
    | Leave
    | Stop
)
