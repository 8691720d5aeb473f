"""How far each member is known to have been: what a disk that was set back has forgotten.

A disk can be replaced by an older copy of itself: a virtual machine's snapshot, a backup. The
replica on it does not know what it acknowledged and voted since; the others do. So every replica
stores the last entry that each member is known to have had on disk, and tells the others,
regularly and first of all on every new link. A replica that hears that it once had more than it
has now treats that like the loss of its disk (see `recovery`), and what it had is its floor.

Entries are compared as in elections (5.4.1): by term, then by index. A log whose uncommitted end
was replaced ends in a higher term than before, so nothing is missing from it.

What nobody left remembers cannot be detected: a majority that is set back together, or a member set
back while the only ones that know how far it was are away.
"""

from collections.abc import Iterable

import msgspec

from roost.raft.core import Core
from roost.raft.messages import Position


class Positions:
    """The last entry that each other member is known to have had."""

    __slots__ = ("_core", "_is_changed", "_known", "_own", "is_due")

    def __init__(self, core: Core, stored: Iterable[Position]) -> None:
        self._core = core
        self._known: dict[str, tuple[int, int]] = {}
        self._own = (0, 0)
        """The last entry that was durable here since the start."""
        self._is_changed = False
        self.is_due = False
        """Whether to store it now; until then it is stored with whatever else is."""
        for position in stored:
            self.note(position.name, position.term, position.index)
        self._is_changed = False

    def note(self, name: str, term: int, index: int) -> None:
        """Note that another member has an entry on disk."""
        core = self._core
        if name == core.name or name not in core.membership.members:
            return
        if (term, index) > self._known.get(name, (0, 0)):
            self._known[name] = (term, index)
            self._is_changed = True

    def report(self) -> tuple[Position, ...]:
        """Return what is known, to be told to the others; what is new in it is to be stored."""
        core = self._core
        index = core.outbox.durable_index
        self._own = max(self._own, (core.log.term_at(index), index))
        self.is_due = self._is_changed
        return (Position(core.name, *self._own), *self._others())

    def take_changed(self) -> tuple[Position, ...] | None:
        """Return what is to be stored; None if it is stored already."""
        self.is_due = False
        if not self._is_changed:
            return None
        self._is_changed = False
        return self._others()

    def _others(self) -> tuple[Position, ...]:
        members = self._core.membership.members
        return tuple(
            Position(name, *known) for name, known in sorted(self._known.items()) if name in members
        )

    def learn(self, reported: Iterable[Position]) -> Position | None:
        """Note what another member knows; return the last entry that this replica forgot."""
        forgotten = None
        for position in reported:
            if position.name == self._core.name and self._is_forgotten(position):
                forgotten = position
            self.note(position.name, position.term, position.index)
        return forgotten

    def _is_forgotten(self, had: Position) -> bool:
        """Take back part in elections if this replica had more; return whether that is news."""
        core = self._core
        hard, log = core.hard, core.log
        known = max(self._own, (log.last_term, log.last_index))
        if (had.term, had.index) <= max(known, (hard.floor_term, hard.floor_index)):
            return False
        core.hard = msgspec.structs.replace(
            hard, floor_term=had.term, floor_index=had.index, is_amnesiac=True
        )
        core.follow(core.term, "")
        return not hard.is_amnesiac
