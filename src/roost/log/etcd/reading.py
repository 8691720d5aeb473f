"""How a node reads the log from etcd: a snapshot, the batches behind it, then a watch.

    register --> snapshot --> batches behind it --> watch --+
                     ^              ^                       | cut off by a compaction
                     |              +-----------------------+
                     +---- batches were deleted that this node does not have

The batches are read by the order of their creation, because a watch cannot begin at a revision that
etcd has compacted. Whether some of them had been deleted is looked up afterwards.
"""

from hashlib import sha256
from math import inf

import msgspec

from roost.log.etcd.calls import Calls
from roost.log.etcd.fold import Fold
from roost.log.etcd.records import (
    FIRST_EPOCH,
    Batch,
    Identity,
    Keys,
    SnapshotInfo,
    decode_batch,
    decode_info,
    end_of,
)
from roost.log.etcd.writing import Writing
from roost.log.requests import (
    Answer,
    Compare,
    Get,
    KeyValue,
    Put,
    Range,
    Txn,
    Watch,
    Watched,
    WatchEnded,
)
from roost.raft.messages import Entry, Snapshot

PAGE_BYTES = 8 * 1024 * 1024
"""How much of the log is read at once, about: etcd sorts all of it for each page."""
PAGE_BATCHES_MIN = 200
PAGE_BATCHES_MAX = 20_000
"""Batches in a page. Their size is known after the first one, which has the fewest."""
REWATCH_S = 0.05
"""The wait before a watch that has ended is begun again."""
UNSEEN_S_MAX = 1.0
"""How long what this node has written may be missing from the watch before that is begun anew."""
SILENT_S_MAX = 0.5
"""How long etcd may take to say that it has begun a watch, at the first attempt; a request may be
lost with its connection, and then nothing else would ever say that the watch is none."""
SILENT_ATTEMPTS_MAX = 10
"""After so many times that, no attempt waits longer."""


class Reading:
    """What this node has read of the log."""

    def __init__(
        self,
        keys: Keys,
        node: str,
        cluster: str,
        run: str,
        calls: Calls,
        writing: Writing,
        held: int,
        versions: tuple[int, int],
    ) -> None:
        """`run` is unique; `held` is the last position whose history this node has.

        `versions` are the oldest and the newest version of the cluster that this node speaks.
        """
        self._run = run.encode()
        self._keys = keys
        self._node = node
        self._cluster = cluster
        self._calls = calls
        self._writing = writing
        self._held = held
        self.fold = Fold.empty()
        self.epoch = FIRST_EPOCH
        self.is_caught_up = False
        """Whether everything was read that came before this run registered."""
        self.foreign = ""
        """Whose keys these are, if they are not this cluster's."""
        self.outdated = 0
        """The cluster's version, if this node does not speak it."""
        self.format = 1
        """The cluster's version, as etcd has it."""
        self._versions = versions
        self.damage = ""
        """What is wrong with what was read."""
        self._is_trimmed = False
        self.loaded_count = 0
        self._page = PAGE_BATCHES_MIN
        self._pieces: list[bytes] = []
        self._watch: int = 0
        self._watch_endpoint = -1
        self._watch_at = inf
        self._unseen_since = inf
        self._begun_by = inf
        """When the watch that is under way must have begun."""
        self._silent_attempts = 0
        self._watches: list[Watch] = []
        self._snapshot: Snapshot | None = None
        self._entries: list[Entry] = []

    def take(self) -> tuple[Snapshot | None, tuple[Entry, ...], list[Watch]]:
        """Return the snapshot to install, the entries that follow, and watches to begin."""
        taken = self._snapshot, tuple(self._entries), self._watches
        self._snapshot, self._entries, self._watches = None, [], []
        return taken

    @property
    def has_entries(self) -> bool:
        """Whether entries or a snapshot were read."""
        return bool(self._entries) or self._snapshot is not None

    @property
    def is_watch_due(self) -> bool:
        """Whether a watch is to be begun."""
        return bool(self._watches) or self._calls.now >= self._watch_at

    # Registering

    def open(self) -> None:
        """Begin to read."""
        identity = msgspec.json.encode(Identity(self._cluster))
        key, run = self._keys.cluster, self._keys.run(self._node)
        claim = Txn(
            (Compare(key, 0, is_creation=True),),
            (Put(key, identity), Get(self._keys.epoch), Get(run)),
            (Get(key), Get(self._keys.epoch), Get(run)),
        )
        self._calls.start(claim, self._claimed)

    def _claimed(self, answer: Answer) -> None:
        found = {one.key: one for one in answer.found}
        if not answer.is_success and not self._is_ours(found.get(self._keys.cluster)):
            return
        if (epoch := found.get(self._keys.epoch)) is not None:
            self.epoch = _number(epoch.value) or FIRST_EPOCH
        self._register(found.get(self._keys.run(self._node)))

    def _is_ours(self, found: KeyValue | None) -> bool:
        try:
            identity = msgspec.json.decode(found.value if found else b"", type=Identity)
        except msgspec.MsgspecError:
            self.foreign = "something else"
            return False
        if identity.cluster != self._cluster:
            self.foreign = f"the cluster {identity.cluster!r}"
        elif not self._versions[0] <= identity.format <= self._versions[1]:
            self.outdated = identity.format
        self.format = identity.format
        return not self.foreign and not self.outdated

    def note_version(self, version: int) -> None:
        """Keep nodes away that do not speak the cluster's version, from now on."""
        if version > self.format:
            self.format = version
            self._calls.start(
                Range(self._keys.cluster), lambda found: self._note_version(version, found)
            )

    def _note_version(self, version: int, answer: Answer) -> None:
        """Replace an older version; a late repetition finds another one there, and does nothing."""
        key, found = self._keys.cluster, answer.found[0] if answer.found else None
        if found is None or _version(found.value) >= version:
            return
        identity = msgspec.json.encode(Identity(self._cluster, version))
        seen = Compare(key, found.mod_revision, is_creation=False)
        raised = Txn((seen,), (Put(key, identity),), (Get(key),))
        self._calls.start(raised, lambda answer: self._note_version(version, answer))

    def _register(self, former: KeyValue | None) -> None:
        """Replace the former run; a late repetition finds another run there, and does nothing."""
        key = self._keys.run(self._node)
        seen = Compare(key, former.mod_revision if former else 0, is_creation=False)
        register = Txn((seen,), (Put(key, self._run),), (Get(key),))
        self._calls.start(register, self._registered)

    def _registered(self, answer: Answer) -> None:
        if answer.is_success:
            self._writing.incarnation = answer.revision
        elif answer.found and answer.found[0].value == self._run:
            # An earlier attempt has done it.
            self._writing.incarnation = answer.found[0].mod_revision
        else:
            self._register(answer.found[0] if answer.found else None)
            return
        self._load()

    # Loading a snapshot

    def _load(self) -> None:
        self._calls.start(Range(self._keys.infos, end_of(self._keys.infos)), self._found_infos)

    def _found_infos(self, answer: Answer) -> None:
        known = [info for one in answer.found if (info := decode_info(one.value)) is not None]
        known.sort(key=lambda info: info.index)
        position = self.fold.place.index
        ahead = [info for info in known if info.index >= position]
        if not ahead:
            if self._is_trimmed:
                self.damage = "batches were deleted without a snapshot of what they did"
            else:
                self._read_batches()
            return
        # History goes on without a gap from a snapshot that is not beyond it.
        usable = [info for info in ahead if info.index <= self._held] or ahead[:1]
        self._pieces = []
        self._read_piece(usable[-1])

    def _read_piece(self, info: SnapshotInfo) -> None:
        number = len(self._pieces)
        if number == info.pieces:
            self._loaded(info)
            return
        key = self._keys.piece(info.folder, number)
        self._calls.start(Range(key), lambda answer: self._found_piece(info, answer))

    def _found_piece(self, info: SnapshotInfo, answer: Answer) -> None:
        if not answer.found:
            # It was replaced by a newer snapshot meanwhile.
            self._load()
            return
        self._pieces.append(answer.found[0].value)
        self._read_piece(info)

    def _loaded(self, info: SnapshotInfo) -> None:
        data = b"".join(self._pieces)
        self._pieces = []
        if sha256(data).digest() != info.digest:
            self.damage = f"the snapshot {info.folder} has a wrong checksum"
            return
        self.loaded_count += 1
        self.fold = Fold.behind(info)
        self._entries.clear()
        self._snapshot = Snapshot(info.index, info.term, info.time_ms, data)
        self._read_batches()

    # Reading batches

    def _read_batches(self) -> None:
        log, start = self._keys.log, self.fold.place.revision + 1
        page = Range(log, end_of(log), created_from=start, limit=self._page)
        self._calls.start(page, self._found_batches)

    def _found_batches(self, answer: Answer) -> None:
        first = self.fold.place.revision
        self._calls.start(
            Range(self._keys.trimmed), lambda trimmed: self._checked(first, answer, trimmed)
        )

    def _checked(self, first: int, answer: Answer, trimmed: Answer) -> None:
        """Take a page of batches, if none behind `first` had been deleted."""
        if trimmed.found and _number(trimmed.found[0].value) > first:
            self._is_trimmed = True
            self._load()
            return
        self._is_trimmed = False
        size = sum(len(one.value) for one in answer.found) + 1
        fitting = PAGE_BYTES * len(answer.found) // size
        self._page = min(max(fitting, PAGE_BATCHES_MIN), PAGE_BATCHES_MAX)
        for one in answer.found:
            self._take_one(one)
        if answer.has_more:
            self._read_batches()
            return
        self._seen(answer.revision)
        self._watch_at = self._calls.now

    def _take_one(self, event: KeyValue) -> None:
        batch_key = self._keys.parse_batch(event.key)
        batch: Batch | None = decode_batch(event.value) if batch_key is not None else None
        if batch_key is None or batch is None or event.create_revision != event.mod_revision:
            return
        node, incarnation, number = batch_key
        entries = self.fold.take(node, incarnation, number, batch, event.mod_revision)
        self.fold.seen(event.mod_revision)
        self._entries.extend(entries)
        self._writing.forwarding.came(batch.commands)
        if incarnation == self._writing.incarnation and node == self._node:
            self._writing.settle(batch.commands)

    def _seen(self, revision: int) -> None:
        self.fold.seen(revision)
        if self._writing.incarnation and revision >= self._writing.incarnation:
            self.is_caught_up = True

    # Watching

    def watched(self, watched: Watched) -> None:
        """Take in what a watch tells."""
        if watched.ticket != self._watch:
            return
        self._begun_by, self._silent_attempts = inf, 0
        for event in watched.events:
            self._take_one(event)
        self._seen(watched.revision)
        self._calls.revision = max(self._calls.revision, watched.revision)

    def watch_ended(self, ended: WatchEnded) -> None:
        """Begin again what a watch did."""
        if ended.ticket != self._watch:
            return
        self._watch, self._begun_by = 0, inf
        if ended.is_compacted:
            self._read_batches()
        else:
            self._watch_at = self._calls.now + REWATCH_S

    def tick(self) -> None:
        """Begin a watch if none is under way, or if it hangs."""
        now = self._calls.now
        if self._watch:
            is_unseen = self._writing.written_revision > self.fold.place.revision
            self._unseen_since = min(self._unseen_since, now) if is_unseen else inf
            has_moved = self._watch_endpoint != self._calls.endpoint
            is_silent = now >= self._begun_by
            if has_moved or is_silent or now - self._unseen_since >= UNSEEN_S_MAX:
                self._watch_at = now
        if now < self._watch_at:
            return
        self._watch_at = self._unseen_since = inf
        self._silent_attempts = min(self._silent_attempts + 1, SILENT_ATTEMPTS_MAX)
        self._begun_by = now + SILENT_S_MAX * self._silent_attempts
        self._watch, self._watch_endpoint = self._calls.new_ticket(), self._calls.endpoint
        log = self._keys.log
        start = self.fold.place.revision + 1
        self._watches.append(Watch(self._watch, self._watch_endpoint, log, end_of(log), start))

    def next_deadline(self) -> float:
        """Return when to call `tick` next, in monotonic seconds."""
        return min(self._watch_at, self._begun_by, self._unseen_since + UNSEEN_S_MAX)


def _version(value: bytes) -> int:
    """Return the cluster's version that a value says; 0 if it says none."""
    try:
        return msgspec.json.decode(value, type=Identity).format
    except msgspec.MsgspecError:
        return 0


def _number(value: bytes) -> int:
    """Return a number that a person may have written; 0 if it is none."""
    text = value.strip()
    return int(text) if text.isdigit() else 0
