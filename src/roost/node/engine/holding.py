"""From where on this node holds history, from where on others do, and what follows from it.

    older than this node keeps   --> drop it
    younger, but not here        --> fetch it, block by block, from the newest on
    a client's question          --> whom to ask for which part

A node that keeps the history of the last days only begins with what follows its first snapshot and
fetches what is before that while it serves clients. Neighbours tell each other where they begin.
"""

from collections.abc import Callable, Sequence

from roost.archive import ArchiveState
from roost.chat.history import EVERYTHING, POSITION_MAX, Held, Span
from roost.chat.holes import Hole, holes_from, holes_until, holes_without, with_hole
from roost.chat.ids import Position
from roost.log import Log
from roost.node.engine.backfill import Backfill
from roost.node.engine.config import EngineConfig
from roost.node.engine.effects import HistoryState, TrimHistory
from roost.node.engine.elsewhere import Elsewhere, Share
from roost.node.engine.inquiries import ARCHIVE, HERE, NEIGHBOURS
from roost.node.engine.spread import GONE, Segment

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
        holes: tuple[Hole, ...] = (),
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
        self.holes = holes
        """What nobody has any more of what comes later, as the store has been told."""
        self._own_days = days
        self._network_days = 0.0
        self._bytes_max = 0
        """What all nodes keep at most; 0 is all."""
        self._cut = Position(0)
        """Where the rows begin of which there would be too many."""
        self._learner_days = learner_days
        self._is_learner = is_learner
        self._elsewhere = Elsewhere(others)
        self._told: dict[str, Share] = {}
        self._has_told: tuple[list[str], Share] | None = None
        """The neighbours that all know what this node holds, since they were told last."""
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
        if self._network_days:
            days = min(days or self._network_days, self._network_days)
        if self._learner_days and self._is_learner():
            days = min(days or self._learner_days, self._learner_days)
        return days

    @property
    def keeps_all(self) -> bool:
        """Whether a node that lacks history has to fetch it before it is complete."""
        return not self._days

    # Neighbours

    def follow(self, others: tuple[str, ...], nodes_changed: int) -> None:
        """Note which other nodes may hold history from now on, as the registry there says."""
        self._elsewhere.others = others
        self._elsewhere.nodes_changed = nodes_changed

    def learn(self, peer: str, share: Share) -> None:
        """Note what a neighbour holds."""
        self._elsewhere.learn(peer, share)

    def link(self, peers: list[str]) -> None:
        """Note which nodes are linked, members or not; the list may change later."""
        self._elsewhere.linked = peers

    def connected(self, peer: str) -> None:
        """Forget what a neighbour said before; it begins with what it lacks, if that is any."""
        self._elsewhere.connected(peer)
        self._told.pop(peer, None)
        self._has_told = None

    def holders(self, peers: list[str]) -> dict[str, Share]:
        """Return what linked neighbours hold."""
        return {peer: self._elsewhere.share(peer) for peer in peers}

    def whole_first(self, peers: list[str]) -> list[str]:
        """Return linked neighbours in the order to ask them: first those without holes."""
        return sorted(peers, key=lambda peer: bool(self._elsewhere.share(peer).holes))

    def holes_at(self, peer: str, first: Position, last: Position) -> list[Hole]:
        """Return what a neighbour's rows of a range do not have although it sent the range."""
        return Share(Held(), self._elsewhere.share(peer).holes).lacks(first, last)

    def is_held_elsewhere(self, peers: list[str]) -> bool:
        """Return whether linked neighbours, or the archive, hold all that this node holds."""
        first = self.start.position
        if self.archive is not None:
            first = max(first, Position(self.archive.watermark + 1))
        return any(
            share.start.position <= first and set(share.holes) <= set(self.holes)
            for share in self.holders(peers).values()
        )

    def share(self, peers: list[str], missing: Backfill) -> Share:
        """Return what this node holds, and what it misses and has asked these neighbours for."""
        if missing.is_idle:
            return Share(self.start, self.holes)
        elsewhere, unfound = self._elsewhere, tuple(sorted(missing.unfound))
        is_among_members = bool(unfound) and set(peers) <= set(elsewhere.others)
        since = elsewhere.nodes_changed if is_among_members else 0
        return Share(self.start, self.holes, missing.is_fetching, unfound, since)

    def to_tell(self, peers: list[str], share: Share) -> list[str]:
        """Return the linked neighbours that do not know what this node holds, once."""
        if self._has_told == (peers, share):
            return []
        self._has_told = (list(peers), share)
        found = [peer for peer in peers if self._told.get(peer, Share()).differs(share)]
        self._told |= dict.fromkeys(found, share)
        return found

    def first_elsewhere(self) -> Held:
        """Return from where on some other node may hold history."""
        return self._elsewhere.first()

    # What nobody holds

    def gone(self, span: Span, *, was_sought: bool = False) -> list[Hole]:
        """Return what no other node has of a gap, in which all linked ones were asked or not."""
        elsewhere = self._elsewhere
        return elsewhere.lost(span, self.time_ms) if was_sought else elsewhere.gone(*span)

    def hold_from(self, held: Held) -> None:
        """Note from where on the store has rows."""
        self.start = held
        self.holes = holes_from(self.holes, held.position)

    def note_hole(self, hole: Hole) -> None:
        """Note that nobody has these rows."""
        self.holes = with_hole(self.holes, hole)

    def fill(self, first: Position, last: Position) -> None:
        """Note that the store has these rows."""
        self.holes = holes_without(self.holes, first, last)

    def forget(self, last: Position) -> None:
        """Note that the rows after a position are dropped, and made anew."""
        self.holes = holes_until(self.holes, last)

    # Questions

    def segments(self) -> list[Segment]:
        """Return whom to ask for which part of history, and what nobody has, the oldest first."""
        found: list[Segment] = []
        for segment in self._segments():
            holes: Sequence[Hole] = ()
            if segment.source == HERE:
                holes = self.holes
            elif segment.source == NEIGHBOURS:
                holes = self.gone(segment.span)
            elif self.archive is not None:
                # When its lost rows were written is not known.
                known = [Hole(*hole, self.archive.time_ms, 0) for hole in self.archive.holes]
                holes = Share(Held(), tuple(known)).lacks(*segment.span)
            found += _around(segment, holes)
        return found

    def _segments(self) -> list[Segment]:
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

    def retain(self, days: float, bytes_max: int) -> None:
        """Note how much history the cluster keeps; 0 is all."""
        if (days, bytes_max) != (self._network_days, self._bytes_max):
            self._network_days, self._bytes_max = days, bytes_max
            self._trim_due = float("-inf")

    def pass_time(self, time_ms: int) -> None:
        """Note the time of an applied entry."""
        if time_ms > self.time_ms:
            self.time_ms = time_ms

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
        interval_s = self._alignment_ms / 1000 if self._days else TRIM_INTERVAL_S
        self._trim_due = now + min(TRIM_INTERVAL_S, max(1.0, interval_s))
        if self._limit_ms <= self.start.time_ms and not self._bytes_max:
            # Nothing that is held is as old.
            return None
        before = POSITION_MAX
        if not (self._own_days or self._network_days or self._bytes_max):
            # Nobody has said that anything may be lost.
            starts = [share.start.position for share in self.holders(peers).values()]
            if sum(first <= self.start.position for first in starts) < LEARNERS_HOLDERS:
                return None
        if self.has_archive:
            before = self.archive.watermark + 1 if self.archive is not None else 0
        self._is_trimming = True
        return TrimHistory(Position(before), self._limit_ms, self._bytes_max)

    def trimmed(self, start: Held, *, has_more: bool) -> None:
        """Note what the store holds now."""
        self._is_trimming = False
        if self._bytes_max and start.position > self.start.position:
            self._cut = start.position
        self.hold_from(start)
        if has_more:
            self._trim_due = float("-inf")

    def missing_block(self, peers: list[str]) -> Span | None:
        """Return the next positions to fetch, which end where this node begins."""
        start = self.start
        if start.position <= max(1, self._cut) or start.time_ms < self._limit_ms or not peers:
            return None
        linked = [share.start.position for share in self.holders(peers).values()]
        first = max(min(linked), Position(start.position - BLOCK), Position(1))
        if self.has_archive:
            # What the archive has can be asked there.
            known = start.position if self.archive is None else self.archive.watermark
            first = max(first, Position(known + 1))
        if first >= start.position:
            return None
        return Span(first, Position(start.position - 1))

    def next_deadline(self) -> float:
        """Return when there may be something to drop, in monotonic seconds."""
        has_limit = self._days or self._bytes_max
        return self._trim_due if has_limit and not self._is_trimming else float("inf")


def _around(segment: Segment, holes: Sequence[Hole]) -> list[Segment]:
    """Return a segment without the holes in it, and these as segments of their own."""
    found = []
    for hole in holes:
        first, last = segment.span
        if first < hole.first:
            found.append(segment._replace(span=Span(first, Position(hole.first - 1))))
        found.append(Segment(GONE, Span(hole.first, hole.last), hole.until_ms))
        rest = Span(Position(hole.last + 1), last)
        segment = Segment(segment.source, rest, hole.since_ms)
    return [*found, segment] if segment.span.first <= segment.span.last else found


def make_holding(config: EngineConfig, history: HistoryState, log: Log) -> Holding:
    """Make it for a node with such a store."""
    name = config.raft.name
    return Holding(
        history.held,
        config.history_days,
        tuple(member for member in config.raft.members if member != name),
        holes=history.holes,
        has_archive=config.has_archive,
        archive_days=config.archive_days,
        learner_days=config.learner_days,
        is_learner=lambda: bool(log.voters) and name not in log.voters,
    )
