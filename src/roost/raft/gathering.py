"""Has proposals that come together under load share one append.

    flush of a balancer --> every node --> proposals, within a millisecond --> one append

A balancer sends what was said to all nodes at the same moment, again and again. So their proposals
reach the leader together, its own first. An append for each would be an fsync on every voter, and
a round of messages, for each. The leader learns who proposes together, and waits for those, but
never for long. A lone message never waits, because nobody else has proposed together with its node.
"""

from collections.abc import Sequence

from roost.raft.config import GATHER_S_MAX
from roost.raft.log import ENTRY_BYTES

ROUND_S = GATHER_S_MAX
"""A proposal belongs to the round that began within this time, unless its node has another one in
it. Balancers' flushes are farther apart, or nearly so."""
EXPECTED_SCORE = 6
"""A node is waited for from this score on: in nearly all of the last rounds it has come in time,
together with another one."""
SCORE_MAX = 10
MISSED_SCORE = 4
"""What a node loses that does not come in time. So one that comes in fewer than four of five rounds
is hardly ever waited for, and after a moment's delay nothing has to be learnt anew."""
FORGOTTEN_S = 0.2
"""After a silence nothing is known: longer than between two flushes."""


class Gathering:
    """The proposals that wait for others, and who is expected to propose."""

    __slots__ = (
        "_began",
        "_commands",
        "_late",
        "_missing",
        "_proposed",
        "_scores",
        "_wait_s",
        "bytes_total",
        "deadline",
    )

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._scores: dict[str, int] = {}
        """How regularly each node proposes together with others."""
        self._began = float("-inf")
        """When the first proposal of this round came, in monotonic seconds."""
        self._proposed: set[str] = set()
        """Who has proposed in this round."""
        self._late: set[str] = set()
        """Those of them that nobody should have waited for."""
        self._missing: set[str] = set()
        """Who is waited for."""
        self._commands: list[bytes] = []
        self.bytes_total = 0
        """What the commands that wait take in the log."""
        self.deadline = float("inf")
        """When the commands must be taken, in monotonic seconds; infinity if there are none."""

    def add(self, proposer: str, commands: Sequence[bytes], now: float) -> None:
        """Keep commands until `is_due`."""
        waited_s = now - self._began
        is_in_time = waited_s <= self._wait_s
        if waited_s > ROUND_S or (proposer in self._proposed and not is_in_time):
            self._begin(now)
            is_in_time = True
        self._proposed.add(proposer)
        if not is_in_time:
            self._late.add(proposer)
        self._missing.discard(proposer)
        self._commands.extend(commands)
        self.bytes_total += sum(map(len, commands)) + ENTRY_BYTES * len(commands)
        self.deadline = self._began + self._wait_s if self._missing else now

    def _begin(self, now: float) -> None:
        """Begin a round; learn from the one before."""
        scores = self._scores
        if now - self._began > FORGOTTEN_S:
            scores.clear()
        else:
            in_time = self._proposed - self._late
            if len(in_time) == 1:
                in_time.clear()
            for name in scores.keys() | in_time:
                score = scores.get(name, 0) + (1 if name in in_time else -MISSED_SCORE)
                if score > 0:
                    scores[name] = min(score, SCORE_MAX)
                else:
                    scores.pop(name, None)
        self._began = now
        self._proposed = set()
        self._late = set()
        self._missing = {name for name, score in scores.items() if score >= EXPECTED_SCORE}

    def is_due(self, now: float) -> bool:
        """Return whether commands are to be taken: all have come, or the time is over."""
        return now >= self.deadline

    def take(self) -> list[bytes]:
        """Return the commands that wait, in the order in which they came."""
        commands, self._commands = self._commands, []
        self.bytes_total = 0
        self.deadline = float("inf")
        self._missing = set()
        return commands


def cut(commands: Sequence[bytes], bytes_max: int) -> list[tuple[bytes, ...]]:
    """Split commands into groups of at most `bytes_max`; a bigger command goes alone."""
    if sum(map(len, commands)) + ENTRY_BYTES * len(commands) <= bytes_max:
        return [tuple(commands)] if commands else []
    parts: list[list[bytes]] = [[]]
    size = 0
    for command in commands:
        size += len(command) + ENTRY_BYTES
        if parts[-1] and size > bytes_max:
            parts.append([])
            size = len(command) + ENTRY_BYTES
        parts[-1].append(command)
    return [tuple(part) for part in parts]
