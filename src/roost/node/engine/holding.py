"""From where on this node holds history, from where on others do, and what follows from it.

    older than this node keeps   --> drop it
    younger, but not here        --> fetch it, block by block, from the newest on
    a client's question          --> whom to ask for which part

A node that keeps the history of the last days only begins with what follows its first snapshot and
fetches what is before that while it serves clients. Neighbours tell each other where they begin.
"""

from collections.abc import Callable

from roost.archive import ArchiveState
from roost.chat.history import EVERYTHING, POSITION_MAX, Held, Span
from roost.chat.ids import Position
from roost.log import Log
from roost.node.engine.config import EngineConfig
from roost.node.engine.effects import TrimHistory
from roost.node.engine.inquiries import ARCHIVE, HERE, NEIGHBOURS
from roost.node.engine.spread import Segment

DAY_MS = 86_400_000
ALIGNMENT_MS = 3_600_000
"""All nodes that keep as many days drop an hour at once, so that they begin at the same place; of
less than a day, they drop a 24th at once."""
TRIM_INTERVAL_S = 60.0
"""Between two looks at whether there is something to drop, unless it is to be dropped sooner."""
LEARNERS_HOLDERS = 2
"""A node that does not vote drops only what so many neighbours hold."""
BLOCK = 2_000
"""Positions that are fetched at once."""


class Holding:
    """What this node and its neighbours hold."""

    def __init__(
        self,
        start: Held,
        days: float,
        others: tuple[str, ...],
        *,
        has_archive: bool = False,
        archive_days: float = 0,
        learner_days: float = 0,
        is_learner: Callable[[], bool] = lambda: False,
    ) -> None:
        """Keep so many days (0: everything), or less while this node does not vote.

        `others` are all the nodes that may hold history.

        With an archive, keep also what it does not have yet.
        """
        self.start = start
        """What this node's store has been told."""
        self._own_days = days
        self._learner_days = learner_days
        self._is_learner = is_learner
        self._others = others
        self._starts: dict[str, Held] = {}
        """Where neighbours begin, also those that are not linked now. Others hold everything."""
        self._told: dict[str, Position] = {}
        """What linked neighbours know of this node."""
        self.has_archive = has_archive
        self.archive_days = archive_days
        """How many days the archive keeps; 0 is all."""
        self.archive: ArchiveState | None = None
        """What the archive has told; None if it has not been reached yet."""
        self.time_ms = 0
        """The time of the last entry that was applied."""
        self._trim_due = float("-inf")
        self._is_trimming = False

    @property
    def _days(self) -> float:
        days = self._own_days
        if self._learner_days and self._is_learner():
            days = min(days or self._learner_days, self._learner_days)
        return days

    @property
    def keeps_all(self) -> bool:
        """Whether a node that lacks history has to fetch it before it is complete."""
        return not self._days

    # Neighbours

    def follow(self, others: tuple[str, ...]) -> None:
        """Note which other nodes may hold history from now on."""
        self._others = others

    def learn(self, peer: str, start: Held) -> None:
        """Note from where on a neighbour holds history."""
        self._starts[peer] = start

    def connected(self, peer: str) -> None:
        """Forget what a neighbour said before; it begins with where it begins, if not at 1."""
        self._starts.pop(peer, None)
        self._told.pop(peer, None)

    def holders(self, peers: list[str]) -> dict[str, Position]:
        """Return where linked neighbours begin."""
        return {peer: self._starts.get(peer, Held()).position for peer in peers}

    def to_tell(self, peers: list[str]) -> list[str]:
        """Return the linked neighbours that do not know where this node begins, once."""
        start = self.start.position
        found = [peer for peer in peers if self._told.get(peer, Position(1)) != start]
        self._told |= dict.fromkeys(found, start)
        return found

    def first_elsewhere(self) -> Held:
        """Return from where on some other node may hold history."""
        starts = [self._starts.get(peer, Held()) for peer in self._others]
        return min(starts, default=Held(Position(POSITION_MAX)))

    # Questions

    def segments(self) -> list[Segment]:
        """Return whom to ask for which part of history, the oldest first."""
        start = self.start
        if start.position <= 1:
            return [Segment(HERE, EVERYTHING, 0)]
        here = Segment(HERE, Span(start.position, EVERYTHING.last), start.time_ms)
        first, last = self.first_elsewhere().position, Position(start.position - 1)
        if not self.has_archive:
            return [Segment(NEIGHBOURS, Span(first, last), 0), here] if first <= last else [here]
        archive = self.archive
        if archive is None:
            return [Segment(ARCHIVE, Span(Position(1), last), 0), here]
        segments = [here]
        if archive.watermark < last:
            between = Span(Position(archive.watermark + 1), last)
            segments.append(Segment(NEIGHBOURS, between, archive.time_ms))
        until = min(archive.watermark, last)
        if archive.first <= until:
            segments.append(Segment(ARCHIVE, Span(archive.first, until), 0))
        return segments[::-1]

    # Dropping and fetching

    def pass_time(self, time_ms: int) -> None:
        """Note the time of an applied entry."""
        self.time_ms = max(self.time_ms, time_ms)

    @property
    def _limit_ms(self) -> int:
        """What is older than this is not kept."""
        if not self._days:
            return 0
        limit_ms = self.time_ms - round(self._days * DAY_MS)
        return max(0, limit_ms - limit_ms % self._alignment_ms)

    @property
    def _alignment_ms(self) -> int:
        return max(1, min(ALIGNMENT_MS, round(self._days * DAY_MS / 24)))

    def take_trim(self, peers: list[str], now: float) -> TrimHistory | None:
        """Return what to drop, if it is time."""
        if self._is_trimming or now < self._trim_due:
            return None
        self._trim_due = now + min(TRIM_INTERVAL_S, max(1.0, self._alignment_ms / 1000))
        if self._limit_ms <= self.start.time_ms:
            # Nothing that is held is as old.
            return None
        before = POSITION_MAX
        if not self._own_days:
            # Nobody has said that anything may be lost.
            holders = self.holders(peers).values()
            if sum(first <= self.start.position for first in holders) < LEARNERS_HOLDERS:
                return None
        if self.has_archive:
            before = self.archive.watermark + 1 if self.archive is not None else 0
        self._is_trimming = True
        return TrimHistory(Position(before), self._limit_ms)

    def trimmed(self, start: Held, *, has_more: bool) -> None:
        """Note what the store holds now."""
        self._is_trimming = False
        self.start = start
        if has_more:
            self._trim_due = float("-inf")

    def missing_block(self, peers: list[str]) -> Span | None:
        """Return the next positions to fetch, which end where this node begins."""
        start = self.start
        linked = self.holders(peers).values()
        if start.position <= 1 or not linked:
            return None
        first = max(min(linked), Position(start.position - BLOCK), Position(1))
        if self.has_archive:
            # What the archive has can be asked there.
            known = start.position if self.archive is None else self.archive.watermark
            first = max(first, Position(known + 1))
        if first >= start.position or start.time_ms < self._limit_ms:
            return None
        return Span(first, Position(start.position - 1))

    def next_deadline(self) -> float:
        """Return when there may be something to drop, in monotonic seconds."""
        return self._trim_due if self._days and not self._is_trimming else float("inf")


def make_holding(config: EngineConfig, held: Held, log: Log) -> Holding:
    """Make it for a node whose store begins at `held`."""
    name = config.raft.name
    return Holding(
        held,
        config.history_days,
        tuple(member for member in config.raft.members if member != name),
        has_archive=config.has_archive,
        archive_days=config.archive_days,
        learner_days=config.learner_days,
        is_learner=lambda: bool(log.voters) and name not in log.voters,
    )
