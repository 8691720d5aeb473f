"""A simulated archive, which can be down, lose its last answer, and be set back to a backup."""

from collections.abc import Callable

import msgspec

from roost.archive import ArchiveState, Batch
from roost.chat.history import Page, Query, Row, Span
from roost.chat.ids import Position
from support.simulation.disk import page
from support.simulation.world import World

BACKUP_S = 0.7
"""Between two backups."""


class ArchiveFaults(msgspec.Struct, frozen=True, kw_only=True):
    """How often things happen, per second."""

    outages: float = 0.0
    set_backs: float = 0.0


class SimulatedArchive:
    """A database with rows by place; the checks read it directly."""

    def __init__(self, world: World, faults: ArchiveFaults) -> None:
        self.world = world
        self.is_up = True
        self.state = ArchiveState()
        self.rows: dict[tuple[str, Position, int], Row] = {}
        self.set_backs = 0
        self._faults = faults
        self._save()
        self._are_faults_on = False

    def start_faults(self) -> None:
        self._are_faults_on = True
        for rate, action in (
            (self._faults.outages, self._go_down),
            (self._faults.set_backs, self._set_back),
        ):
            if rate:
                self._schedule(rate, action)

    def _schedule(self, rate: float, action: Callable[[], None]) -> None:
        def happen() -> None:
            if self._are_faults_on:
                action()
                self.world.at(self.world.random.expovariate(rate), happen)

        self.world.at(self.world.random.expovariate(rate), happen)

    def stop_faults(self) -> None:
        self._are_faults_on = False
        self.is_up = True

    def _go_down(self) -> None:
        self.world.log("the archive is down")
        self.is_up = False
        self.world.at(self.world.random.uniform(0.1, 2.0), self._come_up)

    def _come_up(self) -> None:
        self.is_up = True

    def _set_back(self) -> None:
        """Restore the last backup."""
        self.world.log(f"the archive is set back to {self._saved[0].watermark}")
        self.set_backs += 1
        self.state, self.rows = self._saved[0], dict(self._saved[1])

    def _save(self) -> None:
        self._saved = (self.state, dict(self.rows))
        self.world.at(BACKUP_S, self._save)

    def write(self, batch: Batch) -> None:
        """Store a batch if its turn has come."""
        state = self.state
        if state.watermark != batch.expected:
            return
        for row in batch.rows:
            key = (row.conversation, row.position, row.part)
            assert key not in self.rows, f"{key} is archived twice"
            self.rows[key] = row
        holes = state.holes
        if batch.first > batch.expected + 1:
            holes = (*holes, (Position(batch.expected + 1), Position(batch.first - 1)))
        time_ms = max([state.time_ms, *(row.time_ms for row in batch.rows)])
        self.state = ArchiveState(batch.last, batch.term, time_ms, state.first, holes)

    def answer(self, query: Query, span: Span) -> tuple[Row, ...]:
        assert isinstance(query, Page), "the simulation asks for pages only"
        rows = sorted(self.rows.values(), key=lambda row: (row.position, row.part))
        return page([row for row in rows if span.first <= row.position <= span.last], query)
