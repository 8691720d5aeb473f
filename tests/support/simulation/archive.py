"""A simulated archive: it can be down, refuse changes, rot, and be set back to a backup."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from roost.archive import ArchiveState, Batch, DamagedError
from roost.chat.history import Page, Query, Row, Span
from roost.chat.ids import Position
from roost.node.archive import UNREACHABLE
from roost.node.engine import inputs
from roost.node.engine.effects import ArchiveEffect, AskArchive, RepairArchive, WriteArchive
from support.simulation.disk import page
from support.simulation.world import World

Later: TypeAlias = Callable[[float, Callable[[], inputs.Input | None]], None]
"""Lets a node take an input after so many seconds, if it lives."""
QUESTION_S = 0.004
CHANGE_S = 0.003

BACKUP_S = 0.7
"""Between two backups."""


class ArchiveFaults(msgspec.Struct, frozen=True, kw_only=True):
    """How often things happen, per second."""

    outages: float = 0.0
    set_backs: float = 0.0
    refusals: float = 0.0
    """Times in which it takes nothing, as with a full disk, but answers."""
    damages: float = 0.0
    """Positions whose rows get wrong checksums."""


class SimulatedArchive:
    """A database with rows by place; the checks read it directly."""

    def __init__(self, world: World, faults: ArchiveFaults) -> None:
        self.world = world
        self.is_up = True
        self.state = ArchiveState()
        self.rows: dict[tuple[str, Position, int], Row] = {}
        self.set_backs = 0
        self.refuses = False
        self.damaged: dict[Position, bool] = {}
        """Positions with wrong checksums, and whether a question has met them."""
        self.mended = 0
        self._faults = faults
        self._save()
        self._are_faults_on = False

    def start_faults(self) -> None:
        self._are_faults_on = True
        for rate, action in (
            (self._faults.outages, self._go_down),
            (self._faults.set_backs, self._set_back),
            (self._faults.refusals, self._refuse),
            (self._faults.damages, self._damage),
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
        self.refuses = False

    def _refuse(self) -> None:
        self.world.log("the archive refuses to be changed")
        self.refuses = True
        self.world.at(self.world.random.uniform(0.1, 3.0), self._accept)

    def _accept(self) -> None:
        self.refuses = False

    def _damage(self) -> None:
        if self.rows:
            position = self.world.random.choice(list(self.rows))[1]
            self.damaged.setdefault(position, False)

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
        is_behind = batch.last <= state.watermark
        if state.watermark != batch.expected or (is_behind and not batch.fills(state.holes)):
            return
        for row in batch.rows:
            key = (row.conversation, row.position, row.part)
            assert key not in self.rows, f"{key} is archived twice"
            self.rows[key] = row
        holes = batch.holes_after(state.holes)
        if is_behind:
            self.state = replace(state, holes=holes)
            return
        time_ms = max([state.time_ms, *(row.time_ms for row in batch.rows)])
        self.state = ArchiveState(batch.last, batch.term, time_ms, state.first, holes)

    def repair(self, position: Position, rows: tuple[Row, ...]) -> None:
        """Replace the rows of a position."""
        known = {key: row for key, row in self.rows.items() if row.position == position}
        assert {(row.conversation, row.position, row.part): row for row in rows} == known
        if self.damaged.pop(position, False):
            self.mended += 1

    def answer(self, query: Query, span: Span) -> tuple[Row, ...] | DamagedError:
        assert isinstance(query, Page), "the simulation asks for pages only"
        rows = sorted(self.rows.values(), key=lambda row: (row.position, row.part))
        found = page([row for row in rows if span.first <= row.position <= span.last], query)
        met = [row.position for row in found if row.position in self.damaged]
        self.damaged |= dict.fromkeys(met, True)
        return DamagedError(tuple(dict.fromkeys(met))) if met else found

    # For nodes

    def obey(self, effect: ArchiveEffect, later: Later) -> None:
        """Do what a node asks for; the node gets the result later, if it lives."""
        match effect:
            case AskArchive():
                later(QUESTION_S, lambda: self._look_up(effect, later))
            case WriteArchive(batch):
                # It may arrive although this node dies, and its answer may be lost.
                wait_s = self.world.random.choice((0.005, 0.02, 1.0))
                self.world.at(wait_s, lambda: self.write(batch) if self._can_change else None)
                later(
                    wait_s + self.world.random.uniform(0.0, 0.02),
                    lambda: (
                        inputs.ArchiveFailed("it is down", was_writing=True)
                        if not self.is_up
                        else inputs.ArchiveRefused("it is full")
                        if self.refuses
                        else inputs.ArchiveWrote(self.state)
                    ),
                )
            case RepairArchive(position, rows):
                is_done = self._can_change
                if is_done:
                    self.repair(position, rows)
                later(CHANGE_S, lambda: inputs.ArchiveRepaired(position, is_done))

    @property
    def _can_change(self) -> bool:
        return self.is_up and not self.refuses

    def _look_up(self, ask: AskArchive, later: Later) -> inputs.Input:
        """Answer; whoever meets damage is told that there is no answer, and of the damage."""
        if self.is_up and self.state.watermark >= ask.span.last:
            answer = self.answer(ask.query, ask.span)
            if not isinstance(answer, DamagedError):
                return inputs.Answered(ask.ticket, answer)
            damaged = inputs.ArchiveDamaged(answer.positions)
            later(0.0, lambda: damaged)
        return inputs.AnswerFailed(ask.ticket, UNREACHABLE)
