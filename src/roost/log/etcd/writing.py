"""A node's commands on their way into etcd: as batches, one after the other.

    propose --> queue --one batch at a time--> etcd --the watch--> settled

A batch has a key of its own, which is created only if it is absent and if this run of the node is
still the present one. So it is harmless to repeat it, and nodes never wait for each other. While
one batch is under way, the next one gathers what comes: at high load batches are large. At high
load the next one also waits a few milliseconds after the one before was begun.

A batch with commands of other nodes (see `forwarding`) is written only if this node has the duty
still. So a node that hangs cannot write, long afterwards, what others have written meanwhile.
"""

from collections.abc import Iterable, Sequence
from math import inf

from roost.log.etcd.calls import Calls
from roost.log.etcd.duty import Duty
from roost.log.etcd.forwarding import FORWARD_ABOVE, Forwarding
from roost.log.etcd.records import Batch, Keys, encode_batch
from roost.log.requests import Answer, Compare, Get, Put, Txn

BATCH_BYTES_MAX = 512 * 1024
"""A third of what etcd takes in one request, 1.5 MiB; no command is nearly as large as the rest."""
BATCH_WORK_S = 1.5e-3
"""Processor time of etcd's three members for a batch: measured, with one command to five."""
GATHER_S_MAX = 0.008
"""The longest time between two batches, reached when batches of one command would take a core."""
GATHER_S_MIN = 0.002
"""Shorter waits are skipped: a batch that takes as long gathers as much."""
COMMANDS_MAX = 2_000
"""In one batch: a few milliseconds of work for each node that reads it."""
QUEUED_BYTES_MAX = 64 * 1024 * 1024
"""Above this, nothing more is taken, so that a node without etcd does not fill its memory."""


class Writing:
    """What this run of the node writes."""

    def __init__(
        self,
        keys: Keys,
        node: str,
        calls: Calls,
        duty: Duty,
        forward_above: float = FORWARD_ABOVE,
    ) -> None:
        self._duty = duty
        self.forwarding = Forwarding(calls, forward_above)
        self._keys = keys
        self._node = node
        self._calls = calls
        self.incarnation = 0
        """The revision at which this run registered; 0 before."""
        self._number = 0
        self._queue: dict[bytes, str] = {}
        """Commands, and who gave them to this node; empty for its own."""
        self._queued_bytes = 0
        self._has_others = False
        """Whether others may have given this node what is in the queue."""
        self._sent: dict[bytes, str] = {}
        """Commands that are under way or written, and did not come out of the log yet."""
        self._is_busy = False
        self._due_at = -inf
        """When the next batch may be written."""
        self._marked = 0
        self.is_superseded = False
        """Whether another run of this node has registered since."""
        self.is_gone = False
        """Whether etcd does not have this run any more."""
        self.written_revision = 0
        """That of the last batch that is known to be written."""

    @property
    def waiting(self) -> int:
        """How many commands did not come out of the log yet."""
        return len(self._queue) + len(self._sent) + len(self.forwarding.given)

    @property
    def is_batch_next(self) -> bool:
        """Whether there is a batch to write, now or at the next deadline."""
        return bool(self._queue) and not self._is_busy

    def next_deadline(self) -> float:
        """Return when to call `flush` next, in monotonic seconds."""
        return self._due_at if self.is_batch_next else inf

    def propose(self, commands: Sequence[bytes], holder: str = "") -> bool:
        """Queue commands, or have the `holder` of the duty write them if one is named.

        Those that are on their way already count once.
        """
        if not self.incarnation or self._queued_bytes > QUEUED_BYTES_MAX:
            return False
        given = self.forwarding.given
        new = [one for one in commands if not (one in self._sent or one in given)]
        if holder:
            self.forwarding.give(holder, [one for one in new if one not in self._queue])
        else:
            self._add(new, "")
        return True

    def propose_for(self, peer: str, commands: Sequence[bytes]) -> bool:
        """Queue what a neighbour has this node write."""
        if not self.incarnation or self._queued_bytes > QUEUED_BYTES_MAX:
            return False
        self._has_others = True
        self._add([one for one in commands if one not in self._sent], peer)
        return True

    def take_back(self, commands: Sequence[bytes]) -> None:
        """Queue what nobody else writes."""
        self._add(commands, "")

    def _add(self, commands: Sequence[bytes], origin: str) -> None:
        for command in commands:
            if command not in self._queue:
                self._queue[command] = origin
                self._queued_bytes += len(command)

    def flush(self, epoch: int, time_ms: int) -> None:
        """Write the next batch if none is under way, and if it is time."""
        if self._has_others and not self._duty.is_held:
            self._give_back_queued()
        if self._calls.now < self.next_deadline():
            return
        if commands := self._take():
            self._due_at = self._calls.now + self._gather_s()
            is_guarded = any(self._sent[command] for command in commands)
            self._write(Batch(time_ms, epoch, commands), is_guarded=is_guarded)

    def mark(self, epoch: int, time_ms: int) -> None:
        """Write an entry without a command, once, so that a new epoch begins."""
        if not self._is_busy and self._marked < epoch:
            self._marked = epoch
            self._write(Batch(time_ms, epoch, ()), is_guarded=False)

    def settle(self, commands: Iterable[bytes]) -> None:
        """Forget commands that this node has written and that came out of the log."""
        for command in commands:
            self._sent.pop(command, None)

    def _gather_s(self) -> float:
        """Return how long to gather commands; with the cube of the load, so seldom at all."""
        load = min(1.0, self.forwarding.rate * BATCH_WORK_S)
        wait_s = load * load * load * GATHER_S_MAX
        return wait_s if wait_s >= GATHER_S_MIN else 0.0

    def _take(self) -> tuple[bytes, ...]:
        taken: list[bytes] = []
        size = 0
        for command in self._queue:
            size += len(command)
            if taken and (size > BATCH_BYTES_MAX or len(taken) >= COMMANDS_MAX):
                break
            taken.append(command)
        for command in taken:
            self._sent[command] = self._queue.pop(command)
            self._queued_bytes -= len(command)
        return tuple(taken)

    def _give_back_queued(self) -> None:
        self._has_others = False
        others: dict[str, list[bytes]] = {}
        for command, origin in self._queue.items():
            if origin:
                others.setdefault(origin, []).append(command)
        for origin, commands in others.items():
            for command in commands:
                del self._queue[command]
                self._queued_bytes -= len(command)
            self.forwarding.give_back(origin, commands)

    def _write(self, batch: Batch, *, is_guarded: bool) -> None:
        self._is_busy = True
        self._number += 1
        key = self._keys.batch(self._node, self.incarnation, self._number)
        run = self._keys.run(self._node)
        compares = [
            Compare(run, self.incarnation, is_creation=False),
            Compare(key, 0, is_creation=True),
        ]
        if is_guarded:
            compares.append(self._duty.compare())
        operation = Txn(tuple(compares), (Put(key, encode_batch(batch)),), (Get(key), Get(run)))
        guarded, creation = batch.commands if is_guarded else (), self._duty.creation
        self._calls.start(operation, lambda answer: self._wrote(key, guarded, creation, answer))

    def _wrote(self, key: bytes, guarded: tuple[bytes, ...], creation: int, answer: Answer) -> None:
        """Take in what became of a batch; `guarded` are its commands if it needed the duty.

        `creation` says which time that this node had it.
        """
        self._is_busy = False
        if answer.is_success:
            self.written_revision = answer.revision
            return
        found = {one.key: one for one in answer.found}
        if key in found:
            # An earlier attempt has written it.
            self.written_revision = found[key].create_revision
            return
        run = found.get(self._keys.run(self._node))
        if guarded and run is not None and run.mod_revision == self.incarnation:
            if self._duty.creation == creation:
                self._duty.lose()
            self._undo(guarded)
            return
        self._is_busy = True
        if run is not None and run.mod_revision > self.incarnation:
            self.is_superseded = True
        else:
            self.is_gone = True

    def _undo(self, commands: tuple[bytes, ...]) -> None:
        """Queue what was not written, because the duty was lost; others get theirs back."""
        later, self._queue, self._queued_bytes = self._queue, {}, 0
        self._has_others = True
        for command in commands:
            self._add((command,), self._sent.pop(command, ""))
        for command, origin in later.items():
            self._add((command,), origin)
