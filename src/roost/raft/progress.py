"""How far a follower is, as far as its leader knows, and how much may be sent to it now.

PROBE      one append at a time, until an index is known where the logs agree
REPLICATE  appends without waiting for answers, within a window
SNAPSHOT   the log no longer holds what it lacks: chunks of a snapshot, one at a time

  connected, refused          a success
* -----------------> PROBE -----------------> REPLICATE
                       |  lacks dropped entries   |
                       +--------> SNAPSHOT <------+
"""

import enum
from collections import deque

from roost.raft.config import Config
from roost.raft.messages import Snapshot


class ProgressState(enum.Enum):
    PROBE = "probe"
    REPLICATE = "replicate"
    SNAPSHOT = "snapshot"


class Progress:
    __slots__ = (
        "_appends_max",
        "_bytes_max",
        "_inflight",
        "_inflight_bytes",
        "chunk_sent",
        "heard",
        "is_asked",
        "is_connected",
        "is_heartbeat_due",
        "is_probe_sent",
        "is_waiting",
        "match",
        "name",
        "next",
        "offset",
        "sent_commit",
        "snapshot",
        "state",
    )

    def __init__(self, name: str, next_index: int, config: Config, *, is_connected: bool) -> None:
        self.name = name
        self.is_connected = is_connected
        self.state = ProgressState.PROBE
        self.match = 0
        """The last index where the logs are known to agree and the follower's is on disk."""
        self.next = next_index
        """The index of the next entry to send; always above `match`."""
        self.heard = float("-inf")
        """When it last answered in this term, in monotonic seconds."""
        self.sent_commit = 0
        """The commit index that the follower will know if everything sent arrives."""
        self.is_heartbeat_due = False
        self.is_asked = True
        """Whether it is to answer the next heartbeat."""
        self.is_waiting = False
        """A probe or a chunk is unanswered, so nothing more may be sent."""
        self.is_probe_sent = False
        """The probe was sent with entries; repetitions carry none."""
        self.snapshot: Snapshot | None = None
        self.offset = 0
        """The number of bytes of the snapshot that have arrived."""
        self.chunk_sent = 0.0
        """When the chunk under way was sent."""
        self._inflight: deque[tuple[int, int]] = deque()
        self._inflight_bytes = 0
        self._appends_max = config.inflight_appends_max
        self._bytes_max = config.inflight_bytes_max

    # Transitions

    def probe(self, next_index: int) -> None:
        """Find out where the logs agree, starting just before `next_index`."""
        self.state = ProgressState.PROBE
        self.next = max(next_index, self.match + 1)
        self._restart()

    def replicate(self) -> None:
        """Send what follows `match` as fast as the window allows: the logs agree up to it."""
        self.state = ProgressState.REPLICATE
        self.next = self.match + 1
        self._restart()

    def send_snapshot(self, snapshot: Snapshot) -> None:
        """Start to send a snapshot."""
        self.state = ProgressState.SNAPSHOT
        self._restart()
        self.snapshot = snapshot

    def connected(self) -> None:
        """Start over on a new link: what was in flight is lost, and `match` may be wrong.

        A process that lost its disk returns through a new link, so `match` only counts again
        when the follower confirms it. A snapshot transfer continues where it was.
        """
        self.is_connected = True
        self.sent_commit = 0
        if self.state is ProgressState.SNAPSHOT:
            self.match = 0
            self.is_waiting = False
        else:
            guess = self.match + 1 if self.match else self.next
            self.match = 0
            self.probe(guess)

    def disconnected(self) -> None:
        self.is_connected = False

    def _restart(self) -> None:
        self.is_waiting = False
        self.is_probe_sent = False
        self.snapshot = None
        self.offset = 0
        self.sent_commit = 0
        self._inflight.clear()
        self._inflight_bytes = 0

    @property
    def has_snapshot(self) -> bool:
        """Whether it has everything that the snapshot being sent covers."""
        return self.snapshot is not None and self.match >= self.snapshot.index

    # The window

    @property
    def is_window_open(self) -> bool:
        """Whether another append with entries may be sent."""
        return len(self._inflight) < self._appends_max and self._inflight_bytes < self._bytes_max

    def sent(self, last_index: int, size: int) -> None:
        """Note an append of `size` bytes with entries up to `last_index`."""
        self._inflight.append((last_index, size))
        self._inflight_bytes += size
        self.next = last_index + 1

    def acknowledged(self, index: int) -> bool:
        """Note that the follower has all entries up to `index`; return whether that is news."""
        inflight = self._inflight
        while inflight and inflight[0][0] <= index:
            self._inflight_bytes -= inflight.popleft()[1]
        if index <= self.match:
            return False
        self.match = index
        self.next = max(self.next, index + 1)
        return True
