"""What an engine asks for after each turn: plain values, to be carried out in order.

An effect says what is to be done and which input comes back when it is. A new change of the history
touches two places: this module, where its rank in `Effect` is its place in the order, and `_change`
in `roost.node.store`. The type checker names what is forgotten, there and in the simulated disk.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias, get_args

import msgspec

from roost.archive import Batch
from roost.chat.history import EVERYTHING, Held, Query, Row, Span
from roost.chat.holes import Hole
from roost.chat.ids import AccountId, Position, RoomId
from roost.chat.state import Erasure, State
from roost.ircd.sessions.work import Work
from roost.log import Compact as Compact
from roost.log import LogDiskEffect, Persist, Request, Watch
from roost.protocol.mesh import PeerFrame
from roost.protocol.trunk import FromNode


class HistoryState(msgspec.Struct, frozen=True, kw_only=True):
    """What the history store holds when the node starts."""

    applied: Position
    """The last position whose rows are stored."""
    gaps: tuple[tuple[Position, Position], ...] = ()
    """Ranges of positions, both ends included, whose rows are missing."""
    terms: tuple[tuple[Position, int], ...] = ()
    """The terms of the log's entries that the rows come from: each with the first position that has
    it, in order. 0 is an unknown one, as are those of all positions before the first."""
    held: Held = Held()
    """From where on the store has all rows, except for the gaps and the holes."""
    holes: tuple[Hole, ...] = ()
    """Rows that nobody has any more, in order."""
    erased: tuple[AccountId, ...] = ()
    """Accounts whose words are in no row any more."""


class LogEvent(msgspec.Struct, frozen=True):
    """Write a line to the log that people read."""

    level: str
    event: str
    fields: dict[str, Any]


class SendToPeers(msgspec.Struct, frozen=True):
    """Send frames to neighbours, in order; one for several of them is the same object."""

    frames: tuple[tuple[str, PeerFrame], ...]


class SendToBalancers(msgspec.Struct, frozen=True):
    """Send frames to balancers, in order; one for several of them is the same object."""

    frames: tuple[tuple[str, FromNode], ...]


class ForgetHistory(msgspec.Struct, frozen=True):
    """Drop the rows of all positions after `last`; then give back `HistoryForgotten`.

    They come from entries that the cluster's log does not have.
    """

    last: Position


class AddGap(msgspec.Struct, frozen=True):
    """Remember that the rows of these positions are missing; `applied` moves up to `last`."""

    first: Position
    last: Position
    term: int = 0
    """Of the entry at `last`."""


class EraseHistory(msgspec.Struct, frozen=True):
    """Take some of the words of an erased account out of the rows; give back `HistoryErased`."""

    account: AccountId
    erasure: Erasure


class TrimRoom(msgspec.Struct, frozen=True):
    """Drop some rows of a room before a position; give back `RoomTrimmed`."""

    room: RoomId
    before: Position


class FindKept(msgspec.Struct, frozen=True):
    """Find where the history that a room keeps begins; give back `KeptFound`."""

    room: RoomId
    conversation: str
    older_ms: int
    """What is older is not kept; 0 for no such limit."""
    messages: int
    """How many are kept; 0 for all."""


class HoldFrom(msgspec.Struct, frozen=True):
    """Remember from where on the store has all rows; nothing before is missing any more."""

    held: Held


class NoteHole(msgspec.Struct, frozen=True):
    """Remember that nobody has the rows of these positions, so that they are not missing here."""

    hole: Hole


class TrimHistory(msgspec.Struct, frozen=True):
    """Drop some rows before a position that are older than a time; give back `HistoryTrimmed`."""

    before: Position
    older_ms: int
    bytes_max: int = 0
    """While the rows take more than this, drop the oldest, however old they are; 0 for no limit."""


class WriteHistory(msgspec.Struct, frozen=True):
    """Store rows together with the applied position; then give back `HistoryWritten`.

    With `is_synced` everything stored is durable before that.
    """

    rows: tuple[Row, ...]
    applied: Position
    is_synced: bool
    terms: tuple[tuple[Position, int], ...] = ()
    """The terms that begin in it, each with its first position."""


class MakeSnapshot(msgspec.Struct, frozen=True):
    """Encode the chat state; then give back `SnapshotMade` or `SnapshotFailed`.

    `state` is the engine's own object. What is encoded must be the state as it is now: whoever
    obeys this copies it, in whatever way, before it gives the engine another input.
    """

    position: Position
    state: State
    is_in_place: bool = False
    """Another way has failed too often: encode it at once, however long that takes."""


class AnswerQuery(msgspec.Struct, frozen=True):
    """Answer a client.

    Then give back `Answered`, `AnswerCorrupt`, `AnswerTrimmed` or `AnswerFailed`.
    """

    ticket: int
    query: Query
    span: Span = EVERYTHING
    """The positions that it is about."""


class ExportRows(msgspec.Struct, frozen=True):
    """Read rows for a neighbour; then give back `Exported`."""

    ticket: int
    first: Position
    last: Position


class ImportRows(msgspec.Struct, frozen=True):
    """Replace the rows of these positions by a neighbour's; then give back `Imported`.

    With `is_gap` they fill the beginning of a gap, up to and including `last`.
    """

    ticket: int
    rows: tuple[Row, ...]
    first: Position
    last: Position
    is_gap: bool


class AskArchive(msgspec.Struct, frozen=True):
    """Put a client's question to the archive.

    Then give back `Answered`, `AnswerFailed`, or that and `ArchiveDamaged`.
    """

    ticket: int
    query: Query
    span: Span


class WriteArchive(msgspec.Struct, frozen=True):
    """Write rows to the archive; then give back `ArchiveWrote`, `...Refused` or `...Failed`."""

    batch: Batch


class RepairArchive(msgspec.Struct, frozen=True):
    """Replace all rows of a position in the archive; then give back `ArchiveRepaired`."""

    position: Position
    rows: tuple[Row, ...]


class RetainArchive(msgspec.Struct, frozen=True):
    """Drop rows of the archive that are older than a time; then give back `ArchiveSeen`."""

    older_ms: int


class DoWork(msgspec.Struct, frozen=True):
    """Do slow work off the event loop; then give back `WorkDone`."""

    ticket: int
    work: Work


class RememberDrained(msgspec.Struct, frozen=True):
    """Remember across restarts whether an operator has drained the node."""

    is_drained: bool


class SetAside(msgspec.Struct, frozen=True):
    """Move the node's data aside, without deleting any, and start the node anew."""

    reason: str


class FollowNodes(msgspec.Struct, frozen=True):
    """Be linked to these nodes, apart from this one, and to no others."""

    nodes: tuple[str, ...]
    """Empty for every node that the cluster's authority certified."""
    keys: tuple[tuple[str, str], ...] = ()
    """Nodes that must have a certain key, and its SHA-256 hash in hexadecimal."""
    version: int = 1
    """The cluster's version, which each must speak."""


class RememberVersion(msgspec.Struct, frozen=True):
    """Let no program use this node's data any more that does not speak the cluster's version."""

    version: int


class ReloadConfiguration(msgspec.Struct, frozen=True):
    """Read the configuration again; if it is valid, give back `Reconfigured`."""


HistoryChange: TypeAlias = (
    ForgetHistory
    | AddGap
    | HoldFrom
    | NoteHole
    | WriteHistory
    | ImportRows
    | TrimHistory
    | EraseHistory
    | TrimRoom
)
HistoryQuestion: TypeAlias = AnswerQuery | ExportRows | FindKept
ArchiveEffect: TypeAlias = AskArchive | WriteArchive | RepairArchive | RetainArchive
DiskEffect: TypeAlias = LogDiskEffect | HistoryChange | HistoryQuestion

Effect: TypeAlias = (
    LogEvent
    | RememberVersion
    | Persist
    | Request
    | Watch
    | SendToPeers
    | SendToBalancers
    | ForgetHistory
    | AddGap
    | WriteHistory
    | Compact
    | AnswerQuery
    | ExportRows
    | FindKept
    | ImportRows
    | HoldFrom
    | NoteHole
    | TrimHistory
    | EraseHistory
    | TrimRoom
    | AskArchive
    | WriteArchive
    | RepairArchive
    | RetainArchive
    | DoWork
    | RememberDrained
    | ReloadConfiguration
    | FollowNodes
    | MakeSnapshot
    | SetAside
)
"""In the order of duties: the log is handed to the disk before anything is sent, and history is
changed before it is read. What must not be sent before it is durable waits in `Persist.messages`.
A snapshot comes last, when nothing waits for the turn any more.
"""

_RANKS: dict[type[Effect], int] = {kind: rank for rank, kind in enumerate(get_args(Effect))}


def sending(
    to_peers: list[tuple[str, PeerFrame]], to_balancers: list[tuple[str, FromNode]]
) -> Iterator[SendToPeers | SendToBalancers]:
    """Yield how to send frames, and forget them."""
    if to_peers:
        yield SendToPeers(tuple(to_peers))
        to_peers.clear()
    if to_balancers:
        yield SendToBalancers(tuple(to_balancers))
        to_balancers.clear()


def in_order(effects: list[Effect]) -> list[Effect]:
    """Sort effects by their duty; those of one kind keep their order."""
    return sorted(effects, key=lambda effect: _RANKS[type(effect)])
