"""Snapshots in etcd, and the deletion of what is behind them.

    a snapshot --in pieces--> etcd, then its description, and only then batches are deleted

The two newest snapshots are kept, and the batches behind the older one: a node whose history ends
between them goes on from the older one, without a gap. What was deleted is compacted away one
round later, so that no watch is cut off that is less than a snapshot behind.

A round ends with a change of the key `trimmed`, and everything in it needs that key as it was
before. So a request that arrives once more, seconds later, neither brings back what a later round
has deleted nor says that less was deleted.
"""

from hashlib import sha256

from roost.log.etcd.calls import Calls, ignore
from roost.log.etcd.duty import Duty
from roost.log.etcd.fold import Fold
from roost.log.etcd.records import Keys, SnapshotInfo, decode_info, encode_info, end_of
from roost.log.requests import Answer, CompactHistory, Compare, Delete, Get, Put, Range, Txn
from roost.raft.messages import Snapshot

PIECE_BYTES = 256 * 1024
"""Far below etcd's 1.5 MiB, so that no batch waits long behind one."""
KEPT = 2


class Archive:
    """What the holder of the duty does with snapshots; one at a time."""

    def __init__(self, keys: Keys, calls: Calls, duty: Duty) -> None:
        self._keys = keys
        self._calls = calls
        self._duty = duty
        self._info: SnapshotInfo | None = None
        self._data = b""
        self._guard: tuple[Compare, ...] = ()
        """Holds while this node has the duty, and as long as the round lasts."""
        self._trimmed_at = 0
        """The revision of the last deletion; compacted in the next round."""
        self.stored_count = 0

    @property
    def is_busy(self) -> bool:
        """Whether a snapshot is on its way."""
        return self._info is not None

    def store(self, snapshot: Snapshot, fold: Fold, incarnation: int) -> None:
        """Begin to store a snapshot, if this node has the duty and is not busy."""
        pieces = -(-len(snapshot.data) // PIECE_BYTES)
        folder = self._keys.folder(snapshot.index, incarnation)
        digest = sha256(snapshot.data).digest()
        info = fold.describe(snapshot, folder, pieces, digest)
        if self._info is None and self._duty.is_held:
            self._info, self._data = info, snapshot.data
            self._calls.start(Range(self._keys.trimmed), self._begin, self._end)

    def _begin(self, answer: Answer) -> None:
        revision = answer.found[0].mod_revision if answer.found else 0
        trimmed = Compare(self._keys.trimmed, revision, is_creation=False)
        self._guard = (self._duty.compare(), trimmed)
        self._put_piece(0)

    def _put_piece(self, number: int) -> None:
        info = self._info
        assert info is not None
        if not self._duty.creation:
            self._end()
        elif number == info.pieces:
            info_key = self._keys.info(info.index)
            publish = Txn(self._guard, (Put(info_key, encode_info(info)),))
            self._calls.start(publish, self._published, self._end)
        else:
            piece = self._data[number * PIECE_BYTES : (number + 1) * PIECE_BYTES]
            put = Txn(self._guard, (Put(self._keys.piece(info.folder, number), piece),))
            self._calls.start(put, lambda answer: self._did_put(number, answer), self._end)

    def _did_put(self, number: int, answer: Answer) -> None:
        if answer.is_success:
            self._put_piece(number + 1)
        else:
            self._end()

    def _published(self, answer: Answer) -> None:
        if not answer.is_success:
            self._end()
            return
        self.stored_count += 1
        infos = Range(self._keys.infos, end_of(self._keys.infos))
        self._calls.start(infos, self._trim, self._end)

    def _trim(self, answer: Answer) -> None:
        """Delete all snapshots but the newest ones, and the batches before those."""
        known = [info for one in answer.found if (info := decode_info(one.value)) is not None]
        known.sort(key=lambda info: info.index)
        if len(known) < KEPT or not self._duty.creation:
            self._end()
            return
        oldest, keys = known[-KEPT], self._keys
        deletions = [
            Delete(keys.infos, keys.info(oldest.index)),
            Delete(keys.snapshots, keys.piece(oldest.folder, 0)),
        ]
        for node, incarnation, number in oldest.written:
            first = keys.batch(node, 0, 0)
            deletions.append(Delete(first, keys.batch(node, incarnation, number + 1)))
        value = str(oldest.base_revision).encode()
        trimmed = Put(keys.trimmed, value)
        trim = Txn(self._guard, (*deletions, trimmed), (Get(keys.trimmed),))
        self._calls.start(trim, lambda answer: self._did_trim(value, answer), self._end)

    def _did_trim(self, value: bytes, answer: Answer) -> None:
        self._end()
        revision = answer.revision
        if not answer.is_success:
            # An earlier attempt may have done it.
            done = [one for one in answer.found if one.value == value]
            revision = done[0].mod_revision if done else 0
        if revision:
            before, self._trimmed_at = self._trimmed_at, revision
            if before:
                self._calls.start(CompactHistory(before), ignore)

    def _end(self) -> None:
        self._info, self._data, self._guard = None, b"", ()
