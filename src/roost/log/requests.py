"""What a log asks an etcd cluster, and what comes back: plain values. The driver knows gRPC.

Every request may be repeated, to the same endpoint or another, because its outcome may stay
unknown. So each is such that a repetition is harmless.
"""

from typing import TypeAlias

import msgspec


class KeyValue(msgspec.Struct, frozen=True, gc=False):
    """A key as etcd holds it."""

    key: bytes
    value: bytes
    create_revision: int
    mod_revision: int


class Compare(msgspec.Struct, frozen=True):
    """A transaction's condition: the revision that made a key, or changed it last, is this one.

    The revision of a key that does not exist is 0.
    """

    key: bytes
    revision: int
    is_creation: bool


class Put(msgspec.Struct, frozen=True):
    """Set a key; with a lease, it is gone when the lease is."""

    key: bytes
    value: bytes
    lease: int = 0


class Get(msgspec.Struct, frozen=True):
    """Read a key, as part of a transaction."""

    key: bytes


class Delete(msgspec.Struct, frozen=True):
    """Delete a key, or all keys from `key` to `end`, which is excluded."""

    key: bytes
    end: bytes = b""


class Txn(msgspec.Struct, frozen=True):
    """Do `success` if all conditions hold, otherwise `failure`; at one revision."""

    compares: tuple[Compare, ...]
    success: tuple[Put | Get | Delete, ...]
    failure: tuple[Put | Get | Delete, ...] = ()


class Range(msgspec.Struct, frozen=True):
    """Read the keys from `key` to `end`, which is excluded; linearizable.

    With `created_from` they are those that were created at this revision or later, in the order of
    their creation.
    """

    key: bytes
    end: bytes = b""
    created_from: int = 0
    limit: int = 0
    """0 for all of them."""


class Grant(msgspec.Struct, frozen=True):
    """Grant a lease."""

    ttl_s: int


class KeepAlive(msgspec.Struct, frozen=True):
    """Renew a lease."""

    lease: int


class CompactHistory(msgspec.Struct, frozen=True):
    """Forget what keys were before a revision."""

    revision: int


class Status(msgspec.Struct, frozen=True):
    """Ask an endpoint whether it leads, as far as it knows; the answer is a success if it does."""


Operation: TypeAlias = Txn | Range | Grant | KeepAlive | CompactHistory | Status


class Request(msgspec.Struct, frozen=True):
    """Ask one endpoint of etcd; then give back `Answer` or `Refusal`. There may be none."""

    ticket: int
    endpoint: int
    """Its place in the configuration."""
    operation: Operation
    seconds_max: float
    """An answer that takes longer is of no use."""


class Watch(msgspec.Struct, frozen=True):
    """Watch the keys from `key` to `end` from a revision on, in place of any earlier watch.

    Then give back `Watched` without events once it has begun, `Watched` with events as often as
    something comes, and `WatchEnded` at most once.
    """

    ticket: int
    endpoint: int
    key: bytes
    end: bytes
    revision: int


class Answer(msgspec.Struct, frozen=True):
    """An operation was done."""

    ticket: int
    endpoint: int
    cluster: int
    """The id of the etcd cluster."""
    revision: int
    """That of the whole store, when it was done."""
    is_success: bool = True
    """Of a transaction: whether the conditions held. Of a status: whether the endpoint leads."""
    found: tuple[KeyValue, ...] = ()
    """What a range or a transaction read."""
    has_more: bool = False
    """Whether a range was cut at its limit."""
    lease: int = 0
    ttl_s: int = 0
    """Of a lease; 0 if it is gone."""


class Refusal(msgspec.Struct, frozen=True):
    """An operation was not done, or nobody knows."""

    ticket: int
    endpoint: int
    kind: str
    """`unavailable`: nobody knows. `full`, `denied`, `compacted`, `invalid`: it was not done."""
    reason: str


class Watched(msgspec.Struct, frozen=True):
    """Keys were put, in the order of their revisions; a revision is never divided."""

    ticket: int
    events: tuple[KeyValue, ...]
    revision: int
    """The watch has told everything up to here."""


class WatchEnded(msgspec.Struct, frozen=True):
    """A watch is over."""

    ticket: int
    is_compacted: bool
    """Whether etcd has forgotten what happened at the revision."""
    reason: str


EtcdEffect: TypeAlias = Request | Watch
EtcdResult: TypeAlias = Answer | Refusal | Watched | WatchEnded
