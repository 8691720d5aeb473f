"""An etcd cluster's store in memory: one linearizable history of revisions.

It checks requests as etcd does: no request above 1.5 MiB, no key put twice in a transaction. What
the network and the members do to requests is the business of those who use it.
"""

from typing import NamedTuple

from roost.log.requests import (
    Answer,
    CompactHistory,
    Compare,
    Delete,
    Get,
    Grant,
    KeepAlive,
    KeyValue,
    Operation,
    Put,
    Range,
    Refusal,
    Status,
    Txn,
)

REQUEST_BYTES_MAX = 1536 * 1024
OPERATIONS_MAX = 128
CLUSTER = 77


class RefusedError(Exception):
    """The store does not do it."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Event(NamedTuple):
    """A key was put at a revision."""

    revision: int
    pair: KeyValue


class EtcdStore:
    """Keys, their history, and leases."""

    def __init__(self) -> None:
        self.revision = 1
        self.compacted = 0
        self.is_full = False
        self.cluster = CLUSTER
        self.pairs: dict[bytes, KeyValue] = {}
        self.history: list[Event] = []
        """Every put ever, in order; checks use it."""
        self._owners: dict[bytes, int] = {}
        self._leases: dict[int, tuple[int, float]] = {}
        self._lease_count = 0

    def apply(self, operation: Operation, now: float) -> Answer:
        """Do an operation; the answer has no ticket and no endpoint yet.

        Raises:
            RefusedError: the store does not do it.
        """
        self.expire(now)
        match operation:
            case Txn():
                return self._transact(operation, now)
            case Range(key, end, created_from, limit):
                found = self.range(key, end)
                if created_from:
                    found = [one for one in found if one.create_revision >= created_from]
                    found.sort(key=lambda one: one.create_revision)
                cut = found[:limit] if limit else found
                return self._answer(found=tuple(cut), has_more=len(cut) < len(found))
            case Grant(ttl_s):
                self._lease_count += 1
                self._leases[self._lease_count] = (ttl_s, now + ttl_s)
                return self._answer(lease=self._lease_count, ttl_s=ttl_s)
            case KeepAlive(lease):
                if lease not in self._leases:
                    return self._answer(lease=lease)
                ttl_s, _ = self._leases[lease]
                self._leases[lease] = (ttl_s, now + ttl_s)
                return self._answer(lease=lease, ttl_s=ttl_s)
            case CompactHistory(revision):
                if revision <= self.compacted or revision > self.revision:
                    raise RefusedError("compacted")
                self.compacted = revision
                return self._answer()
            case Status():
                # Who leads is the business of those who have members.
                return self._answer(is_success=False)

    def range(self, key: bytes, end: bytes = b"") -> list[KeyValue]:
        """Return pairs in the order of their keys."""
        if not end:
            return [self.pairs[key]] if key in self.pairs else []
        return [self.pairs[one] for one in sorted(self.pairs) if key <= one < end]

    def events(self, key: bytes, end: bytes, first: int) -> tuple[KeyValue, ...]:
        """Return what was put from a revision on."""
        recent = []
        for event in reversed(self.history):
            if event.revision < first:
                break
            if key <= event.pair.key < end:
                recent.append(event.pair)
        return tuple(reversed(recent))

    def expire(self, now: float) -> None:
        """End leases whose time is over."""
        for lease in [one for one, (_, until) in self._leases.items() if until <= now]:
            self.revoke(lease)

    def revoke(self, lease: int) -> None:
        """End a lease, and delete its keys."""
        del self._leases[lease]
        lost = [key for key, owner in self._owners.items() if owner == lease]
        if lost:
            self.revision += 1
        for key in lost:
            del self._owners[key]
            self.pairs.pop(key, None)

    def revoke_all(self) -> None:
        """End all leases."""
        for lease in list(self._leases):
            self.revoke(lease)

    def _transact(self, txn: Txn, now: float) -> Answer:
        is_success = all(self._holds(compare) for compare in txn.compares)
        steps = txn.success if is_success else txn.failure
        _check(txn)
        if self.is_full and any(isinstance(step, Put) for step in (*txn.success, *txn.failure)):
            raise RefusedError("full")
        for step in steps:
            if isinstance(step, Put) and step.lease and step.lease not in self._leases:
                raise RefusedError("invalid")
        if any(isinstance(step, Put | Delete) for step in steps):
            self.revision += 1
        found: list[KeyValue] = []
        for step in steps:
            match step:
                case Put(key, value, lease):
                    old = self.pairs.get(key)
                    created = old.create_revision if old else self.revision
                    pair = KeyValue(key, value, created, self.revision)
                    self.pairs[key] = pair
                    self._owners.pop(key, None)
                    if lease:
                        self._owners[key] = lease
                    self.history.append(Event(self.revision, pair))
                case Delete(key, end):
                    for pair in self.range(key, end):
                        del self.pairs[pair.key]
                        self._owners.pop(pair.key, None)
                case Get(key):
                    found.extend(self.range(key))
        return self._answer(is_success=is_success, found=tuple(found))

    def _holds(self, compare: Compare) -> bool:
        pair = self.pairs.get(compare.key)
        if pair is None:
            return compare.revision == 0
        known = pair.create_revision if compare.is_creation else pair.mod_revision
        return known == compare.revision

    def _answer(
        self,
        *,
        is_success: bool = True,
        found: tuple[KeyValue, ...] = (),
        has_more: bool = False,
        lease: int = 0,
        ttl_s: int = 0,
    ) -> Answer:
        return Answer(0, 0, self.cluster, self.revision, is_success, found, has_more, lease, ttl_s)


def refusal(ticket: int, endpoint: int, kind: str) -> Refusal:
    return Refusal(ticket, endpoint, kind, f"etcdserver: {kind}")


def _check(txn: Txn) -> None:
    for steps in (txn.success, txn.failure):
        assert len(steps) <= OPERATIONS_MAX, "etcd takes no more operations in one transaction"
        puts = [step for step in steps if isinstance(step, Put)]
        assert sum(len(put.key) + len(put.value) for put in puts) <= REQUEST_BYTES_MAX
        assert len({put.key for put in puts}) == len(puts), "a key is put twice"
        for put in puts:
            for step in steps:
                if isinstance(step, Delete):
                    end = step.end or step.key + b"\0"
                    assert not step.key <= put.key < end, "a key is put and deleted"
