"""A node's commands on their way into etcd: as batches, one after the other.

    propose --> queue --one batch at a time--> etcd --the watch--> settled

A batch has a key of its own, which is created only if it is absent and if this run of the node is
still the present one. So it is harmless to repeat it, and nodes never wait for each other. While
one batch is under way, the next one gathers what comes: at high load batches are large.
"""

from collections.abc import Iterable, Sequence

from roost.log.etcd.calls import Calls
from roost.log.etcd.records import Batch, Keys, encode_batch
from roost.log.requests import Answer, Compare, Get, Put, Txn

BATCH_BYTES_MAX = 512 * 1024
"""A third of what etcd takes in one request, 1.5 MiB; no command is nearly as large as the rest."""
COMMANDS_MAX = 2_000
"""In one batch: a few milliseconds of work for each node that reads it."""
QUEUED_BYTES_MAX = 64 * 1024 * 1024
"""Above this, nothing more is taken, so that a node without etcd does not fill its memory."""


class Writing:
    """What this run of the node writes."""

    def __init__(self, keys: Keys, node: str, calls: Calls) -> None:
        self._keys = keys
        self._node = node
        self._calls = calls
        self.incarnation = 0
        """The revision at which this run registered; 0 before."""
        self._number = 0
        self._queue: dict[bytes, None] = {}
        self._queued_bytes = 0
        self._sent: dict[bytes, None] = {}
        """Commands that are under way or written, and did not come out of the log yet."""
        self._is_busy = False
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
        return len(self._queue) + len(self._sent)

    def propose(self, commands: Sequence[bytes]) -> bool:
        """Queue commands; those that are on their way already count once."""
        if not self.incarnation or self._queued_bytes > QUEUED_BYTES_MAX:
            return False
        for command in commands:
            if command not in self._sent and command not in self._queue:
                self._queue[command] = None
                self._queued_bytes += len(command)
        return True

    def flush(self, epoch: int, time_ms: int) -> None:
        """Write the next batch if none is under way."""
        if self._queue and not self._is_busy:
            self._write(Batch(time_ms, epoch, self._take()))

    def mark(self, epoch: int, time_ms: int) -> None:
        """Write an entry without a command, once, so that a new epoch begins."""
        if not self._is_busy and self._marked < epoch:
            self._marked = epoch
            self._write(Batch(time_ms, epoch, ()))

    def settle(self, commands: Iterable[bytes]) -> None:
        """Forget commands of this node that came out of the log."""
        for command in commands:
            self._sent.pop(command, None)

    def _take(self) -> tuple[bytes, ...]:
        taken: list[bytes] = []
        size = 0
        for command in self._queue:
            size += len(command)
            if taken and (size > BATCH_BYTES_MAX or len(taken) >= COMMANDS_MAX):
                break
            taken.append(command)
        for command in taken:
            del self._queue[command]
            self._queued_bytes -= len(command)
            self._sent[command] = None
        return tuple(taken)

    def _write(self, batch: Batch) -> None:
        self._is_busy = True
        self._number += 1
        key = self._keys.batch(self._node, self.incarnation, self._number)
        run = self._keys.run(self._node)
        operation = Txn(
            (Compare(run, self.incarnation, is_creation=False), Compare(key, 0, is_creation=True)),
            (Put(key, encode_batch(batch)),),
            (Get(key), Get(run)),
        )
        self._calls.start(operation, lambda answer: self._wrote(key, answer))

    def _wrote(self, key: bytes, answer: Answer) -> None:
        self._is_busy = False
        if answer.is_success:
            self.written_revision = answer.revision
            return
        found = {one.key: one for one in answer.found}
        if key in found:
            # An earlier attempt has written it.
            self.written_revision = found[key].create_revision
            return
        self._is_busy = True
        run = found.get(self._keys.run(self._node))
        if run is not None and run.mod_revision > self.incarnation:
            self.is_superseded = True
        else:
            self.is_gone = True
