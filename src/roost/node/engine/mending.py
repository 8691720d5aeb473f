"""Replaces damaged rows of the archive by those of a node that still holds them.

    a question met wrong checksums --> the rows of these positions, one after the other:
        from this node's store, or from a neighbour --> RepairArchive

A position that no node holds cannot be mended. Its rows are never served; people are told what to
do. Whoever met the damage mends it. If several do, it is the same rows each time.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import TypeAlias

from roost.chat.history import Row
from roost.chat.ids import Position
from roost.node.engine.effects import ExportRows, LogEvent, RepairArchive
from roost.node.engine.holding import Holding
from roost.node.engine.incidents import archive_damaged, archive_mended
from roost.node.engine.inputs import Exported
from roost.protocol.mesh import HistoryChunk, HistoryWant

EXPORT_TICKET = -2
"""The ticket of `ExportRows`; the archivist, backups and neighbours have others."""
FIRST_TICKET = -(2**40)
"""Tickets for neighbours go down from here, those of the archivist from 0."""
CHUNK_S_MAX = 3.0
"""How long a neighbour may take for rows."""
RETRY_S = 30.0
"""After so long it is tried again what no linked node held, or the archive refused."""
POSITIONS_MAX = 1_000
"""Damaged positions that are known at once; further ones are met again."""

MendingEffect: TypeAlias = LogEvent | ExportRows | RepairArchive


class _Stage(Enum):
    READING = auto()
    """This node's store reads the rows."""
    ASKING = auto()
    """A neighbour was asked for them."""
    WRITING = auto()
    """The archive replaces them."""


class Mending:
    """The damaged positions, and what is under way for one of them."""

    def __init__(self, holding: Holding) -> None:
        self._holding = holding
        self._damaged: dict[Position, float] = {}
        """Each with the time from which on it is its turn, in monotonic seconds."""
        self._lost: dict[Position, None] = {}
        """Those of them that no linked node holds."""
        self._position: Position | None = None
        """The one that is being mended."""
        self._stage: _Stage | None = None
        self._unable: list[str] = []
        """Who does not have its rows intact; "" is this node."""
        self._asked = ""
        self._ticket = FIRST_TICKET
        self._deadline = float("inf")
        self._now = 0.0
        self._effects: list[MendingEffect] = []
        self._wants: list[tuple[str, HistoryWant]] = []

    @property
    def problem(self) -> str:
        """What is damaged and cannot be mended, and what to do; empty if there is nothing."""
        if not self._lost:
            return ""
        some = ", ".join(map(str, list(self._lost)[:5]))
        return (
            f"the archive has damaged messages at positions {some}, which no linked node holds:"
            " start the nodes that do, restore the database from a backup, or delete them there"
        )

    def damaged(self, positions: tuple[Position, ...]) -> None:
        """Note positions whose rows in the archive have wrong checksums."""
        room = POSITIONS_MAX - len(self._damaged)
        new = tuple(one for one in positions if one not in self._damaged)[: max(0, room)]
        if new:
            self._effects.append(archive_damaged(new))
        self._damaged |= dict.fromkeys(new, float("-inf"))

    def advance(
        self, peers: list[str], now: float, has: Callable[[Position, Position], bool]
    ) -> None:
        """Begin what is due; `has` tells whether this node's store has a range of positions."""
        self._now = now
        if self._stage is _Stage.ASKING and (now >= self._deadline or self._asked not in peers):
            self._unable.append(self._asked)
            self._stage = None
        if self._stage is not None:
            return
        if self._position is None:
            due = (position for position, at in self._damaged.items() if now >= at)
            self._position, self._unable = next(due, None), []
        if self._position is not None:
            self._begin(self._position, peers, has)

    def _begin(
        self, position: Position, peers: list[str], has: Callable[[Position, Position], bool]
    ) -> None:
        if has(position, position) and "" not in self._unable:
            self._stage = _Stage.READING
            self._effects.append(ExportRows(EXPORT_TICKET, position, position))
            return
        for peer, share in self._holding.holders(peers).items():
            if share.has(position, position) and peer not in self._unable:
                self._stage = _Stage.ASKING
                self._asked, self._deadline = peer, self._now + CHUNK_S_MAX
                self._ticket -= 1
                self._wants.append((peer, HistoryWant(self._ticket, position, position)))
                return
        self._lost[position] = None
        self._put_off(position)

    def _put_off(self, position: Position) -> None:
        del self._damaged[position]
        self._damaged[position] = self._now + RETRY_S
        self._position = self._stage = None

    def exported(self, result: Exported) -> None:
        """Take what this node's store has read."""
        self._receive("", result.rows, result.covered, result.missing)

    def receive_chunk(self, peer: str, chunk: HistoryChunk) -> None:
        """Take what a neighbour has sent."""
        if self._stage is _Stage.ASKING and (peer, chunk.ticket) == (self._asked, self._ticket):
            self._receive(peer, chunk.rows, chunk.covered, chunk.missing)

    def _receive(
        self,
        source: str,
        rows: tuple[Row, ...],
        covered: Position,
        missing: tuple[Position, ...],
    ) -> None:
        assert self._position is not None
        if covered < self._position or missing:
            self._unable.append(source)
            self._stage = None
        else:
            self._stage = _Stage.WRITING
            self._effects.append(RepairArchive(self._position, rows))

    def repaired(self, position: Position, *, is_done: bool) -> None:
        """Note that the archive has replaced the rows, or has not."""
        self._lost.pop(position, None)
        if is_done:
            del self._damaged[position]
            self._position = self._stage = None
            self._effects.append(archive_mended(position))
        else:
            self._put_off(position)

    def next_deadline(self) -> float:
        """Return when `advance` has something to do, in monotonic seconds."""
        if self._stage is not None:
            return self._deadline if self._stage is _Stage.ASKING else float("inf")
        if self._position is not None:
            return float("-inf")
        return min(self._damaged.values(), default=float("inf"))

    def take_output(self) -> tuple[list[MendingEffect], list[tuple[str, HistoryWant]]]:
        """Return effects and frames for neighbours, once."""
        effects, self._effects = self._effects, []
        wants, self._wants = self._wants, []
        return effects, wants
