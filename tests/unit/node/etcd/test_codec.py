"""Requests and answers are encoded as etcd's API says."""

import grpc
import pytest

from roost.log.requests import (
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
    Request,
    Status,
    Txn,
    Watch,
)
from roost.node.etcd import codec
from roost.node.etcd import messages as pb

REQUESTS: list[tuple[Operation, str, bytes]] = [
    (Range(b"a"), "/etcdserverpb.KV/Range", b"\x0a\x01a"),
    (
        Range(b"a", b"b", created_from=5, limit=7),
        "/etcdserverpb.KV/Range",
        b"\x0a\x01a\x12\x01b\x18\x07\x28\x01\x30\x02\x60\x05",
    ),
    (
        Txn((Compare(b"k", 3, is_creation=False),), (Put(b"k", b"v", 9),), (Get(b"k"),)),
        "/etcdserverpb.KV/Txn",
        b"\x0a\x07\x10\x02\x1a\x01k\x30\x03\x12\x0a\x12\x08\x0a\x01k\x12\x01v\x18\x09\x1a\x05\x0a\x03\x0a\x01k",
    ),
    (
        Txn((Compare(b"k", 4, is_creation=True),), (Delete(b"a", b"b"),)),
        "/etcdserverpb.KV/Txn",
        b"\x0a\x07\x10\x01\x1a\x01k\x28\x04\x12\x08\x1a\x06\x0a\x01a\x12\x01b",
    ),
    (Grant(5), "/etcdserverpb.Lease/LeaseGrant", b"\x08\x05"),
    (KeepAlive(6), "/etcdserverpb.Lease/LeaseKeepAlive", b"\x08\x06"),
    (CompactHistory(7), "/etcdserverpb.KV/Compact", b"\x08\x07"),
    (Status(), "/etcdserverpb.Maintenance/Status", b""),
]


@pytest.mark.parametrize(("operation", "path", "data"), REQUESTS)
def test_an_operation_is_a_procedure_and_its_request(
    operation: Operation, path: str, data: bytes
) -> None:
    method, message = codec.encode(operation)
    assert (method.path, message.SerializeToString()) == (path, data)


def test_a_watch_asks_for_no_deletions_and_for_pieces() -> None:
    data = codec.encode_watch(Watch(1, 0, b"a", b"b", 5)).SerializeToString()
    assert data == b"\x0a\x0d\x0a\x01a\x12\x01b\x18\x05\x2a\x01\x01\x40\x01"


def test_a_transactions_answer_has_what_it_read() -> None:
    request = Request(1, 2, Txn((), (Get(b"k"),)), 1.0)
    # Of a header: cluster, member, revision and term. Of a pair also its version and its lease.
    header = b"\x0a\x08\x08\x0b\x10\x63\x18\x2a\x20\x07"
    pair = b"\x0a\x01k\x10\x05\x18\x06\x20\x02\x2a\x01v\x30\x09"
    read = b"\x12" + bytes([len(pair)]) + pair + b"\x20\x01"
    step = b"\x0a" + bytes([len(read)]) + read
    data = header + b"\x10\x01\x1a" + bytes([len(step)]) + step
    answer = codec.decode(request, pb.TxnResponse.FromString(data))
    assert (answer.ticket, answer.endpoint, answer.cluster, answer.revision) == (1, 2, 11, 42)
    assert answer.is_success
    assert answer.found == (KeyValue(b"k", b"v", 5, 6),)


def test_a_leases_answer_has_its_id_and_its_time() -> None:
    request = Request(1, 0, Grant(5), 1.0)
    data = b"\x0a\x04\x08\x0b\x18\x2a\x10\x0c\x18\x05"
    answer = codec.decode(request, pb.LeaseGrantResponse.FromString(data))
    assert (answer.lease, answer.ttl_s) == (12, 5)


@pytest.mark.parametrize(
    ("code", "details", "kind"),
    [
        ("UNAVAILABLE", "etcdserver: leader changed", "unavailable"),
        ("DEADLINE_EXCEEDED", "", "unavailable"),
        ("RESOURCE_EXHAUSTED", "etcdserver: mvcc: database space exceeded", "full"),
        ("RESOURCE_EXHAUSTED", "etcdserver: too many requests", "unavailable"),
        ("PERMISSION_DENIED", "etcdserver: permission denied", "denied"),
        ("UNAUTHENTICATED", "etcdserver: invalid auth token", "denied"),
        ("OUT_OF_RANGE", "etcdserver: mvcc: required revision has been compacted", "compacted"),
        ("NOT_FOUND", "etcdserver: requested lease not found", "invalid"),
        ("INVALID_ARGUMENT", "etcdserver: request is too large", "invalid"),
    ],
)
def test_errors_have_kinds(code: str, details: str, kind: str) -> None:
    assert codec.kind_of(grpc.StatusCode[code], details) == kind


def test_an_errors_text_is_one_short_line() -> None:
    assert codec.reason_of("a\n b") == "a b"
    assert codec.reason_of(None) == "no reason given"
    assert len(codec.reason_of("x" * 5000)) == codec.REASON_CHARACTERS_MAX


@pytest.mark.parametrize("leader", [0x63, 0x64, 0])
def test_a_member_leads_if_it_says_that_of_itself(leader: int) -> None:
    header = b"\x0a\x06\x08\x0b\x10\x63\x18\x2a"
    response = pb.StatusResponse.FromString(header + b"\x20" + bytes([leader]))
    answer = codec.decode(Request(1, 0, Status(), 1.0), response)
    assert answer.is_success == (leader == 0x63)
