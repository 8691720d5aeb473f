"""The follower's part: adopting the leader's log (5.3) or its snapshot (section 7)."""

from roost.raft.core import Core
from roost.raft.log import UNKNOWN_TERM
from roost.raft.messages import (
    AppendRequest,
    AppendResponse,
    Feed,
    Snapshot,
    SnapshotRequest,
    SnapshotResponse,
)
from roost.raft.recovery import Recovery
from roost.raft.role import Role

DOUBT_S = 3.0
"""How long a leader may take to send what can be compared: it takes one round trip, and longer only
while frames wait in a stopped process."""


class Following:
    """Handles what leaders send; the replica may be in any role when it arrives."""

    __slots__ = (
        "_acknowledged",
        "_acknowledged_until",
        "_chunks",
        "_chunks_of",
        "_chunks_size",
        "_core",
        "_doubted_since",
        "_hinted_until",
        "_recovery",
        "installed_count",
    )

    def __init__(self, core: Core, standing: Recovery) -> None:
        self._core = core
        self._recovery = standing
        self._acknowledged = (0, 0)
        """Term and index of the last acknowledgement; not repeated before the time below."""
        self._acknowledged_until = float("-inf")
        self._chunks: list[bytes] = []
        self._chunks_of: tuple[str, int, int, int] | None = None
        """Source of the chunks: leader, its term, and the snapshot's last index and term."""
        self._chunks_size = 0
        self.installed_count = 0
        self._doubted_since: tuple[str, int, float] | None = None
        """The leader and its term that send only what cannot be compared any more, and since when
        in monotonic seconds."""
        self._hinted_until = float("-inf")

    def receive_append(self, sender: str, message: AppendRequest) -> None:
        """Adopt entries, or refuse with a hint where the logs may agree (5.3)."""
        if not self._hear(sender, message.term):
            return
        if self._is_doubtful(message):
            self._doubt(sender)
            return
        if message.previous_index or message.entries:
            self._doubted_since = None
        matched = self.adopt(sender, message)
        if self._core.divergence is not None:
            return
        if matched is None:
            self._refuse(sender, message)
            return
        if not self._core.is_sound:
            self._recovery.check(message.commit)
        self._acknowledge(
            sender, matched, is_heartbeat=not message.entries, is_wanted=message.wants_answer
        )

    def adopt(self, sender: str, message: AppendRequest | Feed) -> int | None:
        """Take entries into the log, and the commit index.

        Returns the index up to which the logs agree; None if they differ before the entries. If
        they differ in what is committed, the replica diverges.
        """
        core = self._core
        log = core.log
        previous = message.previous_index
        entries = message.entries
        matched = previous + len(entries)
        commit = core.commit_index
        if previous <= commit and not self._agrees(sender, message):
            return None
        if previous < commit:
            # Committed entries equal the leader's (leader completeness): skip them.
            entries = entries[commit - previous :]
            matched = max(matched, self._certain)
        elif previous > log.last_index or log.term_at(previous) != message.previous_term:
            return None
        if entries:
            position = log.first_difference(entries)
            if position < len(entries):
                index = entries[position].index
                if index <= log.last_index:
                    core.truncate(index)
                core.append(entries[position:] if position else entries)
        core.commit_to(min(message.commit, matched))
        return matched

    def _agrees(self, sender: str, message: AppendRequest | Feed) -> bool:
        """Compare what is committed here with what is told; diverge if a leader has another entry.

        By log matching, it is enough to compare the last entry that both have. A member that is not
        the leader may be the one that has gone astray.
        """
        core = self._core
        index, term = message.previous_index, message.previous_term
        if message.entries:
            count = min(core.commit_index - index, len(message.entries))
            if count:
                index, term = index + count, message.entries[count - 1].term
        if self._has(index, term):
            return True
        if isinstance(message, AppendRequest) or sender == message.leader:
            core.diverge(index, sender, term)
        return False

    @property
    def _certain(self) -> int:
        """Up to where this log is the leader's without a comparison; 0 if that is not known."""
        core = self._core
        commit = core.commit_index
        # Only the leader of a term makes entries of it, and those before are its own, too.
        return commit if core.log.term_at(commit) == core.term else 0

    def _has(self, index: int, term: int) -> bool:
        """Return whether the entry at `index` can be one of `term`."""
        return self._core.log.term_at(index) in (term, UNKNOWN_TERM)

    def _is_doubtful(self, message: AppendRequest) -> bool:
        """Return whether all that is told lies before what is held here, so nothing is compared.

        A leader begins there if it does not know how far this replica is.
        """
        last = message.previous_index + len(message.entries)
        return not self._certain and 0 < last < self._core.log.previous_index

    def _doubt(self, leader: str) -> None:
        """Have the leader begin where both logs can be compared; diverge if it cannot.

        A leader has all that was ever committed, so it has the entry that it is asked for.
        """
        core = self._core
        now = core.now.monotonic
        known = self._doubted_since
        if known is None or known[:2] != (leader, core.term):
            known = self._doubted_since = (leader, core.term, now)
        if now - known[2] >= DOUBT_S:
            core.diverge(core.commit_index, leader, 0)
        elif now >= self._hinted_until:
            self._hinted_until = now + core.config.heartbeat_s / 2
            commit = core.commit_index
            response = AppendResponse(core.term, False, commit, core.log.term_at(commit))
            core.outbox.send(leader, response)

    def _hear(self, sender: str, term: int) -> bool:
        """Accept a leader; return False if it is deposed or cannot be trusted yet."""
        core = self._core
        if term < core.term:
            core.outbox.send(sender, AppendResponse(core.term, False, 0, 0))
            return False
        if core.leader != sender or term > core.term or core.role is not Role.FOLLOWER:
            core.follow(term, sender)
            self._acknowledged_until = float("-inf")
        core.leader_heard = core.now.monotonic
        core.reset_election_timer()
        return self._recovery.can_listen()

    def _refuse(self, sender: str, message: AppendRequest) -> None:
        """Refuse with the last index where the logs may agree, skipping whole terms."""
        core = self._core
        index = core.log.last_index_at_most(message.previous_index, message.previous_term)
        self._acknowledged_until = float("-inf")
        response = AppendResponse(core.term, False, index, core.log.term_at(index))
        core.outbox.send(sender, response)

    def _acknowledge(
        self, leader: str, index: int, *, is_heartbeat: bool, is_wanted: bool = True
    ) -> None:
        core = self._core
        now = core.now.monotonic
        acknowledged = (core.term, index)
        # Appends that only carry a new commit index are frequent: one answer per half heartbeat is
        # enough.
        is_known = is_heartbeat and acknowledged == self._acknowledged
        if is_known and (now < self._acknowledged_until or not is_wanted):
            return
        self._acknowledged = acknowledged
        self._acknowledged_until = now + core.config.heartbeat_s / 2
        core.outbox.acknowledge(leader, core.term, index)

    def receive_snapshot(self, sender: str, message: SnapshotRequest) -> None:
        """Collect a chunk; install the snapshot once it is complete (Figure 13)."""
        if not self._hear(sender, message.term):
            return
        core = self._core
        offset = self.collect(sender, message)
        if core.divergence is not None:
            return
        if offset is not None:
            core.outbox.send(sender, SnapshotResponse(core.term, message.last_index, offset))
            return
        if not core.is_sound:
            self._recovery.check(message.last_index)
        index = max(self._certain, message.last_index)
        self._acknowledge(sender, index, is_heartbeat=False)

    def collect(self, sender: str, message: SnapshotRequest) -> int | None:
        """Take a chunk of a snapshot, and install it once it is complete.

        Returns how many of its bytes have come; None if it is not needed any more.
        """
        core = self._core
        if message.last_index > core.commit_index:
            if core.log.term_at(message.last_index) == message.last_term:
                # The log already has everything that the snapshot covers (Figure 13, step 6).
                core.commit_to(message.last_index)
            elif not self._collect(sender, message):
                return self._chunks_size
            else:
                self._install(message)
        elif not message.is_feed and not self._has(message.last_index, message.last_term):
            core.diverge(message.last_index, sender, message.last_term)
        self._forget_chunks()
        return None

    def _collect(self, sender: str, message: SnapshotRequest) -> bool:
        """Keep the chunk if it is the next one; return whether the snapshot is complete."""
        source = (sender, message.term, message.last_index, message.last_term)
        if self._chunks_of != source:
            self._forget_chunks()
            self._chunks_of = source
        if message.offset != self._chunks_size:
            return False
        self._chunks.append(message.data)
        self._chunks_size += len(message.data)
        return message.is_last

    def _forget_chunks(self) -> None:
        self._chunks = []
        self._chunks_of = None
        self._chunks_size = 0

    def _install(self, message: SnapshotRequest) -> None:
        core = self._core
        snapshot = Snapshot(
            index=message.last_index,
            term=message.last_term,
            time_ms=message.last_time_ms,
            data=b"".join(self._chunks),
            configuration=message.configuration,
        )
        self.installed_count += 1
        core.install(snapshot)

    def links_changed(self) -> None:
        """Repeat the next acknowledgement: the last one may have been lost with its link."""
        self._acknowledged_until = float("-inf")
