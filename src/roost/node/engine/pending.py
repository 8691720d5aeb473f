"""Commands that this node has proposed and not yet seen applied.

A proposal can be lost: its leader may die, its link may break. So every command is kept
until it comes out of the log, and proposed again when there is a new leader, when one that was
proposed after it comes out first, or when it takes too long. That is harmless: the state machine
ignores what it has applied before. The encoded command itself is the key: equal bytes are the same
command.
"""

from collections import deque
from collections.abc import Iterable

from roost.protocol.trunk import Latency

RETRY_S = 1.0
"""The wait before a command is proposed again. A commit takes milliseconds, so a command that takes
this long was probably lost."""
SAMPLES_MAX = 512
"""Committed commands whose latency is remembered: enough for a 99th percentile."""
SAMPLE_S_MAX = 60.0
"""How long it is remembered."""
RETRY_S_MAX = 8.0
"""The longest wait. It doubles each time, because a cluster that is late has too much to do, and
each command that is proposed again is more. It is short again once a command takes less."""


class PendingCommands:
    """The commands that were proposed or are to be, oldest first."""

    def __init__(self) -> None:
        self._proposed: dict[bytes, float] = {}
        self._unproposed: dict[bytes, None] = {}
        self._retry_s = RETRY_S
        self._overtaken_before = float("-inf")
        """Commands that were proposed before this time were lost: a later one came out. Links, the
        leader and the log keep the order."""
        self._since: dict[bytes, float] = {}
        """When commands that were proposed more than once were proposed first."""
        self._latencies: deque[tuple[float, float]] = deque(maxlen=SAMPLES_MAX)
        """When a command was committed, and how long that took."""

    def __len__(self) -> int:
        return len(self._proposed) + len(self._unproposed)

    @property
    def has_unproposed(self) -> bool:
        """Whether commands wait to be proposed."""
        return bool(self._unproposed)

    def add(self, data: bytes) -> None:
        """Keep a new command for the next `take_due`."""
        if data not in self._proposed:
            self._unproposed[data] = None

    def settle(self, data: bytes, now: float) -> None:
        """Forget a command that came out of the log."""
        proposed = self._proposed.pop(data, None)
        if proposed is not None and proposed > self._overtaken_before:
            self._overtaken_before = proposed
        since = self._since.pop(data, proposed) if self._since else proposed
        if since is not None:
            self._latencies.append((now, now - since))
            if now - since < RETRY_S:
                self._retry_s = RETRY_S
        if self._unproposed:
            self._unproposed.pop(data, None)
        if not self._proposed:
            self._retry_s = RETRY_S

    def propose_again(self) -> None:
        """Make every command due again, in the original order."""
        if self._proposed:
            for data in self._proposed:
                self._let_wait(data)
            everything = dict.fromkeys(self._proposed)
            everything.update(self._unproposed)
            self._unproposed = everything
            self._proposed = {}

    def take_due(self, now: float) -> list[bytes]:
        """Return the commands to propose now; they count as proposed."""
        if self._proposed and now - next(iter(self._proposed.values())) >= self._retry_s:
            self.propose_again()
            self._retry_s = min(self._retry_s * 2, RETRY_S_MAX)
        self._propose_overtaken_again()
        due = list(self._unproposed)
        self._proposed.update(dict.fromkeys(due, now))
        self._unproposed = {}
        return due

    def _propose_overtaken_again(self) -> None:
        """Make those due that were proposed before one that came out of the log since."""
        overtaken: dict[bytes, None] = {}
        for data, proposed in self._proposed.items():
            if proposed >= self._overtaken_before:
                break
            overtaken[data] = None
        if overtaken:
            for data in overtaken:
                self._let_wait(data)
                del self._proposed[data]
            overtaken.update(self._unproposed)
            self._unproposed = overtaken

    def put_back(self, commands: Iterable[bytes]) -> None:
        """Undo `take_due`: there is no leader to propose to."""
        returned = dict.fromkeys(commands)
        for data in returned:
            if data in self._proposed:
                self._let_wait(data)
                del self._proposed[data]
        returned.update(self._unproposed)
        self._unproposed = returned

    def _let_wait(self, data: bytes) -> None:
        """Remember when a command was proposed first, because it is to be proposed again."""
        self._since.setdefault(data, self._proposed[data])

    def latency(self, now: float) -> Latency | None:
        """Return how long the commands of the last minute took; None if there were none."""
        samples = self._latencies
        while samples and now - samples[0][0] > SAMPLE_S_MAX:
            samples.popleft()
        if not samples:
            return None
        taken = sorted(seconds for _, seconds in samples)
        at = len(taken) - 1
        return Latency(taken[at // 2] * 1000, taken[at * 99 // 100] * 1000)

    def next_deadline(self) -> float:
        """Return when the oldest command is due again, in monotonic seconds."""
        if not self._proposed:
            return float("inf")
        return next(iter(self._proposed.values())) + self._retry_s
