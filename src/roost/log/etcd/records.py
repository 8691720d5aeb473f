"""The keys and values that Roost keeps in etcd.

    PREFIX cluster                    whose keys these are, and the cluster's version
    PREFIX epoch                      raised by an operator who accepts an older backup
    PREFIX duty                       who has the singular duties; gone with its lease
    PREFIX log/NODE                   a node's present run: the revision is the incarnation
    PREFIX log/NODE/INCARNATION/NUMBER   a batch of commands; its revision is its place in the order
    PREFIX snapshot/INDEX-INCARNATION/PIECE
    PREFIX info/INDEX                 a snapshot that is complete
    PREFIX trimmed                    up to which revision batches may have been deleted

Numbers are hexadecimal and of equal length, so that keys sort as they do.
"""

import msgspec

FIRST_EPOCH = 1


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """Whose keys these are, as JSON, for people too."""

    cluster: str
    format: int = 1
    """The cluster's version: a node that does not speak it keeps away."""


class Batch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The commands that a node writes at once; none make an entry without a command."""

    time_ms: int
    """The cluster's time, as its node knows it."""
    epoch: int
    commands: tuple[bytes, ...]


class SnapshotInfo(msgspec.Struct, frozen=True, array_like=True):
    """A snapshot, and where the log goes on behind it."""

    index: int
    term: int
    time_ms: int
    """Of the entry at `index`."""
    base_index: int
    """At most `index`: the last position before the batch that the snapshot may cut in two."""
    base_term: int
    base_time_ms: int
    base_revision: int
    """Batches after this revision follow `base_index`."""
    written: tuple[tuple[str, int, int], ...]
    """Each node's last batch up to there: node, incarnation, number."""
    folder: str
    pieces: int
    digest: bytes
    """SHA-256 of the whole."""


class Keys:
    """The keys under a prefix."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix.encode()
        self.cluster = self._prefix + b"cluster"
        self.epoch = self._prefix + b"epoch"
        self.duty = self._prefix + b"duty"
        self.trimmed = self._prefix + b"trimmed"
        self.log = self._prefix + b"log/"
        self.infos = self._prefix + b"info/"
        self.snapshots = self._prefix + b"snapshot/"

    def run(self, node: str) -> bytes:
        """Return the key of a node's present run."""
        return self.log + node.encode()

    def batch(self, node: str, incarnation: int, number: int) -> bytes:
        return self.log + f"{node}/{incarnation:016x}/{number:016x}".encode()

    def parse_batch(self, key: bytes) -> tuple[str, int, int] | None:
        """Return a batch's node, incarnation and number; None for another key."""
        parts = key.removeprefix(self.log).split(b"/")
        try:
            node, incarnation, number = parts
            return node.decode(), int(incarnation, 16), int(number, 16)
        except ValueError:
            return None

    def info(self, index: int) -> bytes:
        return self.infos + f"{index:016x}".encode()

    def folder(self, index: int, incarnation: int) -> str:
        """Return the name of a snapshot's folder."""
        return f"{index:016x}-{incarnation:016x}"

    def piece(self, folder: str, number: int) -> bytes:
        return self.snapshots + f"{folder}/{number:08x}".encode()


def end_of(prefix: bytes) -> bytes:
    """Return the end of the range of all keys that begin with a prefix."""
    return prefix[:-1] + bytes((prefix[-1] + 1,))


encode_batch = msgspec.msgpack.Encoder().encode
_decode_batch = msgspec.msgpack.Decoder(Batch).decode
encode_info = msgspec.msgpack.Encoder().encode
_decode_info = msgspec.msgpack.Decoder(SnapshotInfo).decode


def decode_batch(value: bytes) -> Batch | None:
    """Return a batch; None if it is none, which is the same on all nodes."""
    try:
        return _decode_batch(value)
    except msgspec.MsgspecError:
        return None


def decode_info(value: bytes) -> SnapshotInfo | None:
    try:
        return _decode_info(value)
    except msgspec.MsgspecError:
        return None
