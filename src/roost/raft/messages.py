"""What replicas say to each other, and what a log is made of.

Plain, immutable data. The sender is not in a message: it is the link's authenticated name and is
given to `Replica.receive` beside the message, so that nobody can speak for another.
"""

from typing import TypeAlias

import msgspec

ENTRY_NOOP = 0
"""The entry a new leader appends to commit what earlier terms left (Raft section 8)."""
ENTRY_COMMAND = 1
"""An entry whose data is a command for the state machine above."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One position of the replicated log."""

    index: int
    term: int
    time_ms: int
    """The leader's wall clock in ms; never less than the entry's before it."""
    kind: int
    data: bytes


class VoteRequest(msgspec.Struct, frozen=True, array_like=True, tag=1, gc=False):
    """Asks for a vote (section 5.2), or whether one would be given (thesis section 9.6)."""

    term: int
    last_index: int
    last_term: int
    is_pre_vote: bool
    is_transfer: bool
    """The leader itself asked for this election, so its lease does not count."""


class VoteResponse(msgspec.Struct, frozen=True, array_like=True, tag=2, gc=False):
    """Answers a `VoteRequest`."""

    term: int
    is_granted: bool
    is_pre_vote: bool


class AppendRequest(msgspec.Struct, frozen=True, array_like=True, tag=3, gc=False):
    """Replicates entries, and is the heartbeat when it carries none (section 5.3)."""

    term: int
    previous_index: int
    previous_term: int
    commit: int
    entries: tuple[Entry, ...]


class AppendResponse(msgspec.Struct, frozen=True, array_like=True, tag=4, gc=False):
    """Answers an `AppendRequest`.

    On success `index` is the last one known to equal the leader's and to be on disk; on refusal it
    is where the leader should try next, with `conflict_term` being the follower's term there.
    """

    term: int
    is_success: bool
    index: int
    conflict_term: int


class SnapshotRequest(msgspec.Struct, frozen=True, array_like=True, tag=5, gc=False):
    """One chunk of a snapshot (section 7); chunks come in order, one transfer at a time."""

    term: int
    last_index: int
    last_term: int
    last_time_ms: int
    offset: int
    data: bytes
    is_last: bool


class SnapshotResponse(msgspec.Struct, frozen=True, array_like=True, tag=6, gc=False):
    """Says up to which byte the chunks of the snapshot at `last_index` have arrived."""

    term: int
    last_index: int
    offset: int


class ProposeRequest(msgspec.Struct, frozen=True, array_like=True, tag=7, gc=False):
    """Commands that a follower forwards to the leader; dropped where there is none."""

    commands: tuple[bytes, ...]


class TimeoutNow(msgspec.Struct, frozen=True, array_like=True, tag=8, gc=False):
    """The leader tells its successor to stand at once (thesis section 3.10)."""

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
)


class HardState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a replica must remember across a crash, beside its log (section 5.2).

    `floor_term` and `floor_index` are the last entry that this replica is known to have had: it
    lost entries to corruption, and until its log is again at least as up to date as that it may
    neither vote nor stand, so that what it once acknowledged cannot be outvoted. They are 0 on a
    sound replica. `is_amnesiac` says that it does not even know what it had (its disk was lost):
    it votes again only after a leader's log has reached it up to that leader's commit.
    """

    term: int = 0
    voted_for: str = ""
    floor_term: int = 0
    floor_index: int = 0
    is_amnesiac: bool = False


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """The state machine's state after the entry at `index`."""

    index: int
    term: int
    time_ms: int
    data: bytes


class Stored(msgspec.Struct, frozen=True):
    """What a replica finds on its disk when it starts; entries follow the snapshot closely.

    `entries` are contiguous, and the first one's index is at most `snapshot.index + 1` when there
    is a snapshot, and 1 when there is none.
    """

    hard_state: HardState
    snapshot: Snapshot | None
    entries: tuple[Entry, ...]


class Persist(msgspec.Struct, frozen=True):
    """One batch of writes that must be on disk before `messages` may leave.

    Order of duties: install `snapshot` (drop the whole log, unless `entries` go on from it), cut
    the log from `entries[0].index` on, append `entries`, store `hard_state`; make all of it
    durable with one fsync (several batches may share one); send `messages`; then call
    `Replica.persisted(batch.number)`. Batches are made durable in order.
    """

    number: int
    hard_state: HardState | None
    snapshot: Snapshot | None
    entries: tuple[Entry, ...]
    messages: tuple[tuple[str, Message], ...]


class Output(msgspec.Struct, frozen=True):
    """What the driver owes a replica after a step.

    Order of duties: hand `persist` to the disk, send `messages` (they need no disk), install
    `snapshot` in the state machine, apply `committed`.
    """

    persist: Persist | None
    messages: tuple[tuple[str, Message], ...]
    snapshot: Snapshot | None
    """A snapshot received from the leader that replaces the state machine's whole state."""
    committed: tuple[Entry, ...]
