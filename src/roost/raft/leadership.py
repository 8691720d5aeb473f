"""The leader's part: one object per term led, dropped with the leadership.

Entries are appended when they are proposed, or once others were too (see `gathering`), and sent
when the step's output is taken. So all proposals of a step share one append per voter. Under load
the window fills, and entries that arrive meanwhile make the next append bigger.
"""

from collections.abc import Iterable, Iterator, Sequence

from roost.raft.core import Core
from roost.raft.gathering import Gathering
from roost.raft.log import ENTRY_BYTES
from roost.raft.membership import encode_configuration, is_single_change
from roost.raft.messages import (
    ENTRY_COMMAND,
    ENTRY_CONFIGURATION,
    ENTRY_NOOP,
    AppendRequest,
    AppendResponse,
    Configuration,
    Entry,
    SnapshotRequest,
    SnapshotResponse,
    TimeoutNow,
)
from roost.raft.progress import Progress, ProgressState
from roost.raft.quorum import committed_index

LATE_BEATS = 2.5
"""A follower that was not heard for so many heartbeats is late: each answers every second one."""


class Leadership:
    """What a leader knows about its followers, and what it has to send them."""

    __slots__ = (
        "_core",
        "_first_asked",
        "_first_index",
        "_gathering",
        "_last_request",
        "_progress",
        "_transfer_deadline",
        "_transfer_target",
        "heartbeat_deadline",
    )

    def __init__(self, core: Core, supporters: Iterable[str]) -> None:
        self._core = core
        now = core.now.monotonic
        self._first_index = core.log.last_index + 1
        """The first entry of this term."""
        self._progress = {
            name: Progress(name, self._first_index, core.config, is_connected=core.is_linked(name))
            for name in core.peers
        }
        for name in supporters:
            if name in self._progress:
                self._progress[name].heard = now
        self._gathering = Gathering(core.config.gather_s)
        self._last_request: AppendRequest | None = None
        self._first_asked = 0
        """The first of the followers that answer the present heartbeat."""
        self._transfer_target = ""
        self._transfer_deadline = 0.0
        self.heartbeat_deadline = now + core.config.heartbeat_s
        # This also commits what earlier terms left (5.4.2, section 8).
        self._append(ENTRY_NOOP, (b"",))
        for progress in self._progress.values():
            progress.is_heartbeat_due = True

    # Proposals

    def propose(self, proposer: str, commands: Sequence[bytes]) -> bool:
        """Append commands, now or with others' in a moment.

        Returns False if the size limit or a transfer forbids it.
        """
        core = self._core
        if self._transfer_target:
            return False
        size = sum(map(len, commands)) + ENTRY_BYTES * len(commands)
        pending = core.log.bytes_between(core.commit_index, core.log.last_index)
        pending += self._gathering.bytes_total
        if pending and pending + size > core.config.uncommitted_bytes_max:
            return False
        if commands:
            self._gathering.add(proposer, commands, core.now.monotonic)
            self._take_gathered()
        return True

    def _take_gathered(self) -> None:
        """Append the commands that need not wait any more."""
        if self._gathering.is_due(self._core.now.monotonic):
            self._append(ENTRY_COMMAND, self._gathering.take())

    def next_deadline(self) -> float:
        """Return when to tick next, in monotonic seconds."""
        return min(self.heartbeat_deadline, self._gathering.deadline)

    def _append(self, kind: int, commands: Sequence[bytes]) -> None:
        core = self._core
        term = core.term
        time_ms = max(core.log.last_time_ms, core.now.wall_ms)
        index = core.log.last_index + 1
        core.append(
            [
                Entry(number, term, time_ms, kind, data)
                for number, data in enumerate(commands, start=index)
            ]
        )

    # Membership

    def change(self, configuration: Configuration) -> bool:
        """Append a configuration, which counts from now on; return False if none is allowed yet.

        The one before must be committed (thesis 4.1), and an entry of this term, too: otherwise
        leaders of two terms could each commit with a majority that the other knows nothing of.
        """
        core = self._core
        needed = max(self._first_index, core.membership.index)
        if self._transfer_target or core.commit_index < needed:
            return False
        assert is_single_change(core.membership.latest, configuration), "one voter at a time (4.1)"
        self._append(ENTRY_CONFIGURATION, (encode_configuration(configuration),))
        self._follow_configuration()
        return True

    def _follow_configuration(self) -> None:
        """Replicate to exactly the other voters."""
        core = self._core
        old, self._progress = self._progress, {}
        for name in core.peers:
            if name not in old:
                # It has caught up as a learner; what it acknowledges now is on its disk.
                linked = core.is_linked(name)
                old[name] = Progress(name, core.log.last_index, core.config, is_connected=linked)
                old[name].heard = core.now.monotonic
                old[name].is_heartbeat_due = True
            self._progress[name] = old[name]
        if self._transfer_target not in self._progress:
            self._transfer_target = ""
        self.advance_commit()

    @property
    def is_removed(self) -> bool:
        """Whether a committed configuration leaves this leader out (thesis 4.2.2)."""
        membership = self._core.membership
        return not membership.is_voter and membership.index <= self._core.commit_index

    def resign(self) -> None:
        """Step down, and have the most up-to-date voter stand at once."""
        core = self._core
        linked = [p for p in self._progress.values() if p.is_connected]
        if linked:
            successor = max(linked, key=lambda progress: progress.match)
            core.outbox.send(successor.name, TimeoutNow(core.term))
        core.follow(core.term, "")

    # Answers

    def receive_response(self, sender: str, message: AppendResponse) -> None:
        """Handle a follower's answer to an append."""
        progress = self._progress.get(sender)
        if progress is None:
            return
        progress.heard = self._core.now.monotonic
        if not message.is_success:
            self._back_off(progress, message)
            return
        if message.index > self._core.log.last_index:
            return
        is_news = progress.acknowledged(message.index)
        is_snapshot = progress.state is ProgressState.SNAPSHOT
        if progress.state is ProgressState.PROBE or (
            is_snapshot and self._can_append(progress.match + 1)
        ):
            progress.replicate()
        elif is_snapshot and progress.has_snapshot:
            # The log was compacted past this snapshot while it was sent: start the newer one.
            self._start_snapshot(progress)
        if is_news:
            self.advance_commit()
            if sender == self._transfer_target:
                self._try_transfer()

    def _back_off(self, progress: Progress, message: AppendResponse) -> None:
        """Probe an earlier index where the logs may agree, skipping whole terms (5.3)."""
        if progress.state is ProgressState.SNAPSHOT:
            return
        index = message.index
        if message.conflict_term > 0:
            index = self._core.log.last_index_at_most(index, message.conflict_term)
        progress.probe(min(index, self._core.log.last_index) + 1)

    def receive_snapshot_response(self, sender: str, message: SnapshotResponse) -> None:
        """Note how much of the snapshot a follower has."""
        progress = self._progress.get(sender)
        if progress is None:
            return
        progress.heard = self._core.now.monotonic
        snapshot = progress.snapshot
        if snapshot is not None and snapshot.index == message.last_index:
            progress.offset = max(0, min(message.offset, len(snapshot.data)))
            progress.is_waiting = False

    def advance_commit(self) -> None:
        """Commit what a majority has on disk, up to an entry of this term (5.3, 5.4.2)."""
        core = self._core
        matches = [progress.match for progress in self._progress.values()]
        if core.membership.is_voter:
            matches.append(core.outbox.durable_index)
        index = committed_index(matches)
        # Entries of earlier terms are never committed by counting (Figure 8).
        if index >= self._first_index:
            core.commit_to(index)

    def matches(self) -> Iterator[tuple[str, int]]:
        """Yield how far each follower is known to have the same log on disk."""
        for name, progress in self._progress.items():
            yield name, progress.match

    # Links and time

    def connected(self, name: str) -> None:
        if name in self._progress:
            self._progress[name].connected()

    def disconnected(self, name: str) -> None:
        if name in self._progress:
            self._progress[name].disconnected()
        if name == self._transfer_target:
            self._transfer_target = ""

    def tick(self) -> bool:
        """Make heartbeats due in time; return False if contact with a majority is lost."""
        core = self._core
        now = core.now.monotonic
        self._take_gathered()
        if self._transfer_target and now >= self._transfer_deadline:
            self._transfer_target = ""
        if now < self.heartbeat_deadline:
            return True
        self.heartbeat_deadline = now + core.config.heartbeat_s
        for progress in self._progress.values():
            progress.is_heartbeat_due = True
        self._ask_some()
        return self._count_heard(core.config.election_s_max) >= core.quorum

    def _ask_some(self) -> None:
        """Have only as many followers answer as a majority takes, in turn.

        Each answer wakes this process, and tells nothing new while nothing is replicated. If any is
        late, all are asked.
        """
        core = self._core
        since = core.now.monotonic - LATE_BEATS * core.config.heartbeat_s
        linked = [progress for progress in self._progress.values() if progress.is_connected]
        count = core.quorum - core.membership.is_voter
        if count >= len(linked) or any(progress.heard < since for progress in linked):
            return
        self._first_asked = (self._first_asked + count) % len(linked)
        for number, progress in enumerate(linked):
            is_idle = (
                progress.state is ProgressState.REPLICATE and progress.match >= core.log.last_index
            )
            turn = (number - self._first_asked) % len(linked)
            progress.is_asked = turn < count or not is_idle

    def _count_heard(self, seconds: float) -> int:
        """Return how many voters, itself included, were heard within the last `seconds`."""
        since = self._core.now.monotonic - seconds
        own = self._core.membership.is_voter
        return own + sum(progress.heard >= since for progress in self._progress.values())

    def is_in_touch(self) -> bool:
        """Return whether a majority is linked and was heard within `election_s_min`."""
        core = self._core
        since = core.now.monotonic - core.config.election_s_min
        in_touch = sum(
            progress.is_connected and progress.heard > since for progress in self._progress.values()
        )
        return core.membership.is_voter + in_touch >= core.quorum

    # Transfer

    def transfer(self, target: str | None) -> None:
        """Hand leadership to `target`, or to the most up-to-date follower (thesis 3.10).

        Proposals are refused until the successor takes over or an election time-out passes.
        """
        core = self._core
        if target is None:
            linked = [p for p in self._progress.values() if p.is_connected]
            if not linked:
                return
            target = max(linked, key=lambda progress: progress.match).name
        if target not in self._progress or not self._progress[target].is_connected:
            return
        if commands := self._gathering.take():
            self._append(ENTRY_COMMAND, commands)
        self._transfer_target = target
        self._transfer_deadline = core.now.monotonic + core.config.election_s_max
        self._try_transfer()

    def _try_transfer(self) -> None:
        core = self._core
        if self._progress[self._transfer_target].match == core.log.last_index:
            core.outbox.send(self._transfer_target, TimeoutNow(core.term))

    # Sending

    def flush(self) -> None:
        """Send each follower what its state allows; call this before taking the output."""
        self._take_gathered()
        self._last_request = None
        for progress in self._progress.values():
            if not progress.is_connected:
                continue
            if progress.state is ProgressState.REPLICATE:
                self._replicate(progress)
            elif progress.state is ProgressState.PROBE:
                self._probe(progress)
            if progress.state is ProgressState.SNAPSHOT:
                self._send_chunk(progress)
            if progress.is_heartbeat_due or self._has_commit_news(progress):
                self._beat(progress)

    @property
    def has_work(self) -> bool:
        """Whether `flush` may have to send anything."""
        core = self._core
        last_index = core.log.last_index
        if self.is_removed or self._gathering.is_due(core.now.monotonic):
            return True
        return any(
            progress.is_connected
            and (
                progress.state is not ProgressState.REPLICATE
                or progress.is_heartbeat_due
                or (progress.next <= last_index and progress.is_window_open)
                or self._has_commit_news(progress)
            )
            for progress in self._progress.values()
        )

    def _has_commit_news(self, progress: Progress) -> bool:
        return (
            progress.state is ProgressState.REPLICATE
            and progress.sent_commit < self._core.commit_index
            and progress.sent_commit < progress.next - 1
        )

    def _can_append(self, next_index: int) -> bool:
        """Return whether the log reaches back far enough to continue at `next_index`."""
        return self._core.log.term_at(next_index - 1) >= 0

    def _replicate(self, progress: Progress) -> None:
        core = self._core
        if not self._can_append(progress.next):
            self._start_snapshot(progress)
            return
        while progress.next <= core.log.last_index and progress.is_window_open:
            request = self._request(progress.next, with_entries=True)
            last = request.entries[-1].index
            progress.sent(last, core.log.bytes_between(request.previous_index, last))
            self._send(progress, request)

    def _probe(self, progress: Progress) -> None:
        if not self._can_append(progress.next):
            self._start_snapshot(progress)
            return
        if progress.is_waiting and not progress.is_heartbeat_due:
            return
        # Only the first probe carries entries: repeating them does not help a slow follower.
        request = self._request(progress.next, with_entries=not progress.is_probe_sent)
        progress.is_probe_sent = True
        progress.is_waiting = True
        self._send(progress, request)

    def _beat(self, progress: Progress) -> None:
        """Send an empty append: a heartbeat, or a new commit index."""
        if progress.state is ProgressState.SNAPSHOT:
            # Index 0 is the one place where all logs are certain to agree.
            request = AppendRequest(self._core.term, 0, 0, self._core.commit_index, ())
        else:
            wants_answer = progress.is_asked or not progress.is_heartbeat_due
            request = self._request(progress.next, with_entries=False, wants_answer=wants_answer)
        self._send(progress, request)

    def _request(
        self, next_index: int, *, with_entries: bool, wants_answer: bool = True
    ) -> AppendRequest:
        """Return an append, reusing the last one if it is the same."""
        core = self._core
        last = self._last_request
        wants_entries = with_entries and next_index <= core.log.last_index
        if (
            last is not None
            and last.previous_index == next_index - 1
            and bool(last.entries) == wants_entries
            and last.wants_answer == wants_answer
        ):
            return last
        entries: tuple[Entry, ...] = ()
        if wants_entries:
            entries = core.log.batch(next_index, core.config.append_bytes_max)
        self._last_request = AppendRequest(
            core.term,
            next_index - 1,
            core.log.term_at(next_index - 1),
            core.commit_index,
            entries,
            wants_answer,
        )
        return self._last_request

    def _send(self, progress: Progress, request: AppendRequest) -> None:
        last = request.previous_index + len(request.entries)
        progress.sent_commit = min(request.commit, last)
        progress.is_heartbeat_due = False
        progress.is_asked = True
        self._core.outbox.send(progress.name, request)

    def _start_snapshot(self, progress: Progress) -> None:
        core = self._core
        snapshot = core.snapshot
        assert snapshot is not None, "entries are compacted, but there is no snapshot"
        assert self._can_append(snapshot.index + 1), "the log does not continue the snapshot"
        progress.send_snapshot(snapshot)

    def _send_chunk(self, progress: Progress) -> None:
        core = self._core
        snapshot = progress.snapshot
        assert snapshot is not None, "sending a snapshot that does not exist"
        now = core.now.monotonic
        if progress.is_waiting and now - progress.chunk_sent < core.config.election_s_min:
            return
        progress.is_waiting = True
        progress.chunk_sent = now
        end = progress.offset + core.config.snapshot_chunk_bytes
        core.outbox.send(
            progress.name,
            SnapshotRequest(
                term=core.term,
                last_index=snapshot.index,
                last_term=snapshot.term,
                last_time_ms=snapshot.time_ms,
                offset=progress.offset,
                data=snapshot.data[progress.offset : end],
                is_last=end >= len(snapshot.data),
                configuration=snapshot.configuration,
            ),
        )
