"""What an engine asks of its driver: plain values, obeyed in the order of `EngineOutput`."""

from typing import Any

import msgspec

from roost.chat.history import Query, Row
from roost.chat.ids import Position
from roost.ircd.sessions.work import Work
from roost.protocol.mesh import PeerFrame
from roost.protocol.trunk import FromNode
from roost.raft.messages import Persist, Snapshot


class HistoryState(msgspec.Struct, frozen=True, kw_only=True):
    """What the history store knows of itself when the node starts."""

    applied: Position
    """The last position whose rows are stored."""
    gaps: tuple[tuple[Position, Position], ...] = ()
    """Ranges of positions, both ends included, that are still lacking."""


class HistoryWrite(msgspec.Struct, frozen=True):
    """Store these rows together with the applied position, then call `history_written`.

    With `is_synced` the store is made durable before the call.
    """

    rows: tuple[Row, ...]
    applied: Position
    is_synced: bool


class GapAdd(msgspec.Struct, frozen=True):
    """Remember that the rows of these positions are lacking, and that `applied` is after them."""

    first: Position
    last: Position


class Compaction(msgspec.Struct, frozen=True):
    """Store the snapshot, then drop the log's entries before `first_index`."""

    snapshot: Snapshot
    first_index: int


class Export(msgspec.Struct, frozen=True):
    """Read rows for a neighbour, then call `exported`."""

    ticket: int
    first: Position
    last: Position


class Import(msgspec.Struct, frozen=True):
    """Replace the rows of these positions by a neighbour's, then call `imported`.

    `is_gap` says that a gap's beginning is filled by it, up to and including `last`.
    """

    ticket: int
    rows: tuple[Row, ...]
    first: Position
    last: Position
    is_gap: bool


class Note(msgspec.Struct, frozen=True):
    """Something for the log of events that people read."""

    level: str
    event: str
    fields: dict[str, Any]


class EngineOutput(msgspec.Struct, frozen=True):
    """What a driver owes an engine after a turn, in the order of duties."""

    persist: tuple[Persist, ...]
    to_peers: tuple[tuple[str, PeerFrame], ...]
    to_balancers: tuple[tuple[str, FromNode], ...]
    gaps: tuple[GapAdd, ...]
    history: tuple[HistoryWrite, ...]
    compactions: tuple[Compaction, ...]
    queries: tuple[tuple[int, Query], ...]
    exports: tuple[Export, ...]
    imports: tuple[Import, ...]
    notes: tuple[Note, ...]
    jobs: tuple[tuple[int, Work], ...] = ()
    """Slow work to be done off the event loop, then `job_done` is to be called."""
    drained: bool | None = None
    """What to remember, beyond a restart, of whether an operator has drained the node; None for
    nothing new."""
    is_rehash_due: bool = False
    """Whether the configuration is to be read again."""
