"""Sends committed entries to whoever asks for them: learners, and members that no leader sends any.

    asker                         this replica, which need not lead
      | --- FeedRequest(commit) ---> |     how far the asker is
      | <-- Feed, or a chunk ------- |     at most every `feed_s` once it has caught up
      | --- FeedRequest(commit) ---> |     asks for what follows

What is committed stays so, whoever tells it. So nothing here counts for a majority, and an asker
may change to another source at any time. A source that is a voter also tells which leader it is in
touch with. A learner would only repeat what it was told, perhaps by the asker.
"""

from collections.abc import Callable

from roost.raft.core import Core
from roost.raft.messages import Feed, FeedRequest, Snapshot, SnapshotRequest


class _Feeding:
    """What one asker has been sent."""

    __slots__ = (
        "heard",
        "is_behind",
        "is_waiting",
        "next",
        "offset",
        "sent",
        "sent_commit",
        "snapshot",
    )

    def __init__(self, now: float) -> None:
        self.heard = now
        self.sent = float("-inf")
        """When it was last sent something, in monotonic seconds."""
        self.sent_commit = 0
        self.next = 1
        self.is_waiting = False
        """It has not answered what was sent last."""
        self.is_behind = True
        """More was committed than fitted into the last message."""
        self.snapshot: Snapshot | None = None
        self.offset = 0


class Feeder:
    """The replica's side as a source."""

    __slots__ = ("_core", "_feedings", "_is_in_touch", "_last")

    def __init__(self, core: Core, is_in_touch: Callable[[], bool]) -> None:
        self._core = core
        self._is_in_touch = is_in_touch
        self._feedings: dict[str, _Feeding] = {}
        self._last: Feed | None = None

    def receive(self, sender: str, message: FeedRequest) -> None:
        """Note how far an asker is; it is sent what follows."""
        core = self._core
        now = core.now.monotonic
        feeding = self._feedings.get(sender)
        if feeding is None:
            feeding = self._feedings[sender] = _Feeding(now)
        feeding.heard = now
        feeding.is_waiting = False
        known = message.commit
        is_equal = core.log.term_at(message.last_index) == message.last_term
        if is_equal and message.last_index <= core.commit_index:
            known = max(known, message.last_index)
        # The asker may know of more than this replica does.
        feeding.next = min(known, core.commit_index) + 1
        snapshot = feeding.snapshot
        if snapshot is not None:
            if known >= snapshot.index:
                feeding.snapshot = None
            elif message.snapshot_index == snapshot.index:
                feeding.offset = min(message.offset, len(snapshot.data))

    def disconnected(self, name: str) -> None:
        self._feedings.pop(name, None)

    def next_deadline(self) -> float:
        """Return when to call `flush` next, in monotonic seconds."""
        if not self._feedings:
            return float("inf")
        return min(map(self._due, self._feedings.values()))

    def _due(self, feeding: _Feeding) -> float:
        config = self._core.config
        if not feeding.is_waiting:
            if feeding.is_behind:
                return float("-inf")
            if self._core.commit_index > feeding.sent_commit:
                return feeding.sent + config.feed_s
        return feeding.sent + config.heartbeat_s

    def flush(self) -> None:
        """Send what is due."""
        if not self._feedings:
            return
        now = self._core.now.monotonic
        self._last = None
        silence_s_max = 2 * self._core.config.election_s_max
        for name, feeding in list(self._feedings.items()):
            if now - feeding.heard > silence_s_max:
                del self._feedings[name]
            elif now >= self._due(feeding):
                self._send(name, feeding)

    def _send(self, name: str, feeding: _Feeding) -> None:
        core = self._core
        is_repeated = feeding.is_waiting
        feeding.sent = core.now.monotonic
        feeding.is_waiting = True
        if feeding.snapshot is None and core.log.term_at(feeding.next - 1) < 0:
            snapshot = core.snapshot
            assert snapshot is not None, "entries are compacted, but there is no snapshot"
            feeding.snapshot, feeding.offset = snapshot, 0
        if feeding.snapshot is not None:
            feeding.is_behind = True
            core.outbox.send(name, self._chunk(feeding.snapshot, feeding.offset))
            return
        feed = self._feed(feeding.next, with_entries=not is_repeated)
        if not is_repeated:
            feeding.sent_commit = feed.commit
            feeding.is_behind = feed.previous_index + len(feed.entries) < feed.commit
        core.outbox.send(name, feed)

    def _feed(self, first: int, *, with_entries: bool) -> Feed:
        """Return a message with what follows; the same one for all that are equally far."""
        core = self._core
        commit = core.commit_index
        with_entries = with_entries and first <= commit
        last = self._last
        if (
            last is not None
            and last.previous_index == first - 1
            and bool(last.entries) == with_entries
        ):
            return last
        entries = core.log.batch(first, core.config.append_bytes_max) if with_entries else ()
        is_voter = core.membership.is_voter
        self._last = Feed(
            core.term,
            core.leader if is_voter and self._is_in_touch() else "",
            first - 1,
            core.log.term_at(first - 1),
            commit,
            entries[: commit - first + 1],
        )
        return self._last

    def _chunk(self, snapshot: Snapshot, offset: int) -> SnapshotRequest:
        core = self._core
        end = offset + core.config.snapshot_chunk_bytes
        return SnapshotRequest(
            term=core.term,
            last_index=snapshot.index,
            last_term=snapshot.term,
            last_time_ms=snapshot.time_ms,
            offset=offset,
            data=snapshot.data[offset:end],
            is_last=end >= len(snapshot.data),
            configuration=snapshot.configuration,
            is_feed=True,
        )
