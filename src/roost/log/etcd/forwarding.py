"""Commands that another node writes: under load one node writes for all, so that batches are few.

    propose --> under load? --no--> this node's next batch
                   | yes
                   v
     the holder of the duty, by the mesh --> its next batch --> the log --> settled
                   |
                   +--> returned; or the holder is gone, silent or another --> this node's batch

A batch costs etcd's members more than a millisecond of processor time, nearly the same for one
command as for fifty; a frame between nodes costs a tenth of that. A command that was forwarded may
be written twice, as any that is proposed again.
"""

from collections.abc import Iterable, Sequence
from math import exp, inf

from roost.log.etcd.calls import Calls
from roost.raft.messages import Message, ProposeRequest

FORWARD_ABOVE = 150.0
"""Commands a second of the whole cluster from which on they are forwarded. With fewer, a batch is
mostly written before the next command comes, and going through another node only takes time."""
FORWARD_VERSION = 2
"""Nodes of older versions write nothing for others."""
DECAY_S = 0.2
"""Time constant of the average rate: a crowd that talks counts, a single pasted page does not."""
PART_BYTES = 256 * 1024
"""Commands in one frame, about."""
SILENT_S_MIN = 0.5
"""How long a forwarded command may take to come out before this node writes it itself."""
SILENT_LATENCIES = 8
"""... or so many times what etcd's answers take on average, so that a slow disk gets no more,"""
SILENT_S_MAX = 1.5
"""... but no longer: that average says little after this node was cut off, and nobody is to wait
longer because another node hangs."""
SILENT_REST_S = 10.0
"""How long nothing is forwarded after that: the other node may hang."""
RETURNED_REST_S = 0.5
"""... after something was returned: who has the duty is known anew by then."""


class Forwarding:
    """What this node has others write, and what it tells them."""

    def __init__(self, calls: Calls, above: float) -> None:
        """`above` is the rate from which on commands are forwarded, in commands a second."""
        self._calls = calls
        self._above = above
        self._linked: dict[str, None] = {}
        self.given: dict[bytes, tuple[float, str]] = {}
        """Commands that did not come out yet, oldest first: when they were given, and to whom."""
        self._holder = ""
        """Who has the duty, as was last said."""
        self._rest_until = -inf
        self._recent = 0.0
        """Recent commands, decaying."""
        self._counted_at = -inf
        self._messages: list[tuple[str, Message]] = []

    @property
    def has_messages(self) -> bool:
        """Whether neighbours are to be told something."""
        return bool(self._messages)

    def take_messages(self) -> tuple[tuple[str, Message], ...]:
        """Return what to tell neighbours, once."""
        messages, self._messages = tuple(self._messages), []
        return messages

    def connected(self, peer: str) -> None:
        """Note that a link to a neighbour is up."""
        self._linked[peer] = None

    def disconnected(self, peer: str) -> list[bytes]:
        """Return what this node must write itself, because the link to a neighbour is gone."""
        self._linked.pop(peer, None)
        return self._take_back(command for command, (_, to) in self.given.items() if to == peer)

    def held_by(self, holder: str) -> list[bytes]:
        """Note who has the duty; return what others were given, who cannot write it any more."""
        if holder == self._holder:
            return []
        self._holder = holder
        return self._take_back(command for command, (_, to) in self.given.items() if to != holder)

    def came(self, commands: Sequence[bytes]) -> None:
        """Take in what came out of the log, whoever wrote it."""
        self._recent = self._decayed() + len(commands)
        self._counted_at = self._calls.now
        if self.given:
            for command in commands:
                self.given.pop(command, None)

    @property
    def rate(self) -> float:
        """How many commands have come out of the log lately, a second."""
        return self._decayed() / DECAY_S

    def is_wanted(self, holder: str) -> bool:
        """Return whether the holder of the duty, another node, is to write what comes now."""
        return (
            holder in self._linked
            and self._calls.now >= self._rest_until
            and self.rate >= self._above
        )

    def give(self, holder: str, commands: Sequence[bytes]) -> None:
        """Have the holder write commands."""
        self.given.update(dict.fromkeys(commands, (self._calls.now, holder)))
        self._send(holder, commands, is_returned=False)

    def give_back(self, peer: str, commands: Sequence[bytes]) -> None:
        """Tell a neighbour that this node does not write what it was given."""
        if peer in self._linked:
            self._send(peer, commands, is_returned=True)

    def returned(self, commands: Iterable[bytes]) -> list[bytes]:
        """Return those commands that this node must write itself, because they came back."""
        self._rest_until = max(self._rest_until, self._calls.now + RETURNED_REST_S)
        return self._take_back(command for command in commands if command in self.given)

    def overdue(self) -> list[bytes]:
        """Return what this node must write itself, because it did not come out in time."""
        if self._calls.now < self.next_deadline():
            return []
        self._rest_until = self._calls.now + SILENT_REST_S
        return self._take_back(self.given)

    def next_deadline(self) -> float:
        """Return when the oldest forwarded command is overdue, in monotonic seconds."""
        if not self.given:
            return inf
        usual_s = SILENT_LATENCIES * self._calls.latency_ms / 1000
        wait_s = max(SILENT_S_MIN, min(usual_s, SILENT_S_MAX))
        return next(iter(self.given.values()))[0] + wait_s

    def _take_back(self, commands: Iterable[bytes]) -> list[bytes]:
        taken = list(commands)
        for command in taken:
            del self.given[command]
        return taken

    def _decayed(self) -> float:
        return self._recent * exp(min(0.0, (self._counted_at - self._calls.now) / DECAY_S))

    def _send(self, peer: str, commands: Sequence[bytes], *, is_returned: bool) -> None:
        part: list[bytes] = []
        size = 0
        for command in commands:
            if part and size + len(command) > PART_BYTES:
                self._messages.append((peer, ProposeRequest(tuple(part), is_returned)))
                part, size = [], 0
            part.append(command)
            size += len(command)
        if part:
            self._messages.append((peer, ProposeRequest(tuple(part), is_returned)))
