"""The messages between replicas, the entries of the log, and what a replica stores.

Plain, immutable data. A message does not name its sender: `Replica.receive` gets the link's
authenticated name as well, so that no member can impersonate another.
"""

from typing import Final, TypeAlias, get_args

import msgspec

ENTRY_NOOP = 0
"""A new leader appends one to commit what earlier terms left (Raft section 8)."""
ENTRY_COMMAND: Final = 1
"""The entry's data is a command for the state machine."""
ENTRY_CONFIGURATION = 2
"""The entry's data is a `Configuration` (thesis, chapter 4)."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One position of the replicated log."""

    index: int
    term: int
    time_ms: int
    """The leader's wall clock in ms; never less than that of the entry before."""
    kind: int
    data: bytes


class Configuration(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Who is in the group; see `raft.membership`."""

    voters: tuple[str, ...]
    learners: tuple[str, ...] = ()

    @property
    def members(self) -> tuple[str, ...]:
        """Voters and learners."""
        return self.voters + self.learners


class VoteRequest(msgspec.Struct, frozen=True, array_like=True, tag=1, gc=False):
    """Asks for a vote (section 5.2), or whether one would be given (thesis section 9.6)."""

    term: int
    last_index: int
    last_term: int
    is_pre_vote: bool
    is_transfer: bool
    """The leader itself asked for this election, so its lease does not bind."""


class VoteResponse(msgspec.Struct, frozen=True, array_like=True, tag=2, gc=False):
    """Answers a `VoteRequest`."""

    term: int
    is_granted: bool
    is_pre_vote: bool


class AppendRequest(msgspec.Struct, frozen=True, array_like=True, tag=3, gc=False):
    """Replicates entries; without any it is the heartbeat (section 5.3)."""

    term: int
    previous_index: int
    previous_term: int
    commit: int
    entries: tuple[Entry, ...]
    wants_answer: bool = True
    """Whether the leader needs an answer that tells it nothing but that the follower is there.
    Version 1 does not know this, and always answers."""


class AppendResponse(msgspec.Struct, frozen=True, array_like=True, tag=4, gc=False):
    """Answers an `AppendRequest`.

    On success `index` is the last one known to equal the leader's and to be on disk. On refusal it
    is where the leader should try next, and `conflict_term` is the follower's term there.
    """

    term: int
    is_success: bool
    index: int
    conflict_term: int


class SnapshotRequest(msgspec.Struct, frozen=True, array_like=True, tag=5, gc=False):
    """One chunk of a snapshot (section 7); chunks are sent in order, one transfer at a time."""

    term: int
    last_index: int
    last_term: int
    last_time_ms: int
    offset: int
    data: bytes
    is_last: bool
    configuration: Configuration | None = None
    """Who was in the group at `last_index`; None if the sender's log does not say."""
    is_feed: bool = False
    """It answers a `FeedRequest`; the sender need not lead."""


class SnapshotResponse(msgspec.Struct, frozen=True, array_like=True, tag=6, gc=False):
    """Tells how many bytes of the snapshot at `last_index` have arrived."""

    term: int
    last_index: int
    offset: int


class ProposeRequest(msgspec.Struct, frozen=True, array_like=True, tag=7, gc=False):
    """Commands that a follower forwards; dropped by a replica that does not lead.

    Nodes whose log is in etcd forward theirs, too, and get back what is not written.
    """

    commands: tuple[bytes, ...]
    is_returned: bool = False
    """Whether the sender gives them back; only with etcd, and since version 2."""


class TimeoutNow(msgspec.Struct, frozen=True, array_like=True, tag=8, gc=False):
    """The leader tells its successor to start an election at once (thesis section 3.10)."""

    term: int


class FeedRequest(msgspec.Struct, frozen=True, array_like=True, tag=9, gc=False):
    """Asks for committed entries, and tells what has come; see `raft.feeding`."""

    commit: int
    """The last entry that the asker knows to be committed."""
    last_index: int
    last_term: int
    """The end of its log, which may be committed as well."""
    snapshot_index: int = 0
    """The snapshot of which it has the first `offset` bytes; 0 for none."""
    offset: int = 0


class Feed(msgspec.Struct, frozen=True, array_like=True, tag=10, gc=False):
    """Committed entries for one that asked; without any it is a heartbeat."""

    term: int
    leader: str
    """The leader of `term` if the sender is in touch with it; else empty."""
    previous_index: int
    previous_term: int
    commit: int
    """The sender's commit index, which may be beyond these entries."""
    entries: tuple[Entry, ...]


class Report(msgspec.Struct, frozen=True, array_like=True, tag=11, gc=False):
    """Tells the leader how a member is; see `raft.tending`."""

    commit: int
    durable: int
    """The last entry on its disk."""
    is_sound: bool


class Preparation(msgspec.Struct, frozen=True, array_like=True, tag=12, gc=False):
    """Has a learner write everything to its disk, because it is to vote soon."""

    term: int


Message: TypeAlias = (
    VoteRequest
    | VoteResponse
    | AppendRequest
    | AppendResponse
    | SnapshotRequest
    | SnapshotResponse
    | ProposeRequest
    | TimeoutNow
    | FeedRequest
    | Feed
    | Report
    | Preparation
)
MESSAGES: frozenset[type[Message]] = frozenset(get_args(Message))
"""Looked up, they are found sooner than among the union's types one by one."""


class HardState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a replica must remember across a crash, besides its log (section 5.2).

    `floor_term` and `floor_index` describe the last entry that a replica had before corruption cut
    its log. It neither votes nor stands for election until its log is at least as up to date again,
    so that entries it acknowledged cannot be outvoted. Both are 0 on a sound replica.
    `is_amnesiac` means that its disk was lost, with all knowledge of what it had. It votes again
    only after it has caught up with a leader's commit index. See `raft.recovery`.
    """

    term: int = 0
    voted_for: str = ""
    floor_term: int = 0
    floor_index: int = 0
    is_amnesiac: bool = False


class Position(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last entry that a member is known to have had on disk."""

    name: str
    term: int
    index: int


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """The state machine's state after the entry at `index`."""

    index: int
    term: int
    time_ms: int
    data: bytes
    configuration: Configuration | None = None
    """Who was in the group at `index`; None if the log did not say: then the file's members."""


class Stored(msgspec.Struct, frozen=True):
    """What a replica finds on its disk when it starts.

    `entries` are contiguous. The first one's index is at most `snapshot.index + 1`, or 1 if there
    is no snapshot.
    """

    hard_state: HardState
    snapshot: Snapshot | None
    entries: tuple[Entry, ...]
    positions: tuple[Position, ...] = ()
    """How far the members are known to have been."""


class Persist(msgspec.Struct, frozen=True):
    """One batch of writes that must be on disk before `messages` may leave.

    The driver's duties, in order: store `snapshot` in place of the whole log, unless `entries`
    continue it; cut the log from `entries[0].index` on; append `entries`; store `hard_state`; make
    all of it durable with one fsync, which several batches may share; send `messages`; call
    `Replica.persisted(batch.number)`. Batches become durable in order.
    """

    number: int
    hard_state: HardState | None
    snapshot: Snapshot | None
    entries: tuple[Entry, ...]
    messages: tuple[tuple[str, Message], ...]
    positions: tuple[Position, ...] | None = None
    """How far the members are known to have been, if that has changed; to be stored as well."""
    is_lazy: bool = False
    """Nothing is promised with it: it may be lost in a crash, but not out of order."""


class Divergence(msgspec.Struct, frozen=True):
    """Where a replica has committed something else than the leader of a later election."""

    index: int
    term: int
    """Of this replica's entry at `index`; negative if it holds only a snapshot of it."""
    leader: str
    leader_term: int
    """Of the leader's entry there; 0 if its log ends before."""


class Output(msgspec.Struct, frozen=True):
    """What the driver has to do after a step.

    In this order: hand `persist` to the disk, send `messages` (they need no disk), install
    `snapshot` in the state machine, apply `committed`.
    """

    persist: Persist | None
    messages: tuple[tuple[str, Message], ...]
    snapshot: Snapshot | None
    """A snapshot received from the leader that replaces the state machine's whole state."""
    committed: tuple[Entry, ...]
