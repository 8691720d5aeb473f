"""Requests of a log as protobuf messages, and etcd's answers as results. No I/O."""

from typing import Any, NamedTuple

import grpc

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
    Request,
    Status,
    Txn,
    Watch,
)
from roost.node.etcd import messages as pb

REASON_CHARACTERS_MAX = 200
SPACE = "database space exceeded"


class Method(NamedTuple):
    """One of etcd's remote procedures."""

    path: str
    response: Any


TXN = Method("/etcdserverpb.KV/Txn", pb.TxnResponse)
RANGE = Method("/etcdserverpb.KV/Range", pb.RangeResponse)
COMPACT = Method("/etcdserverpb.KV/Compact", pb.CompactionResponse)
GRANT = Method("/etcdserverpb.Lease/LeaseGrant", pb.LeaseGrantResponse)
KEEP_ALIVE = Method("/etcdserverpb.Lease/LeaseKeepAlive", pb.LeaseKeepAliveResponse)
"""The only one of these that is a stream."""
STATUS = Method("/etcdserverpb.Maintenance/Status", pb.StatusResponse)
WATCH = Method("/etcdserverpb.Watch/Watch", pb.WatchResponse)


def encode(operation: Operation) -> tuple[Method, Any]:
    """Return which procedure does an operation, and its request."""
    match operation:
        case Txn(compares, success, failure):
            request = pb.TxnRequest(
                compare=[_compare(one) for one in compares],
                success=[_step(one) for one in success],
                failure=[_step(one) for one in failure],
            )
            return TXN, request
        case Range(key, end, created_from, limit):
            if not created_from:
                return RANGE, pb.RangeRequest(key=key, range_end=end, limit=limit)
            request = pb.RangeRequest(
                key=key,
                range_end=end,
                limit=limit,
                min_create_revision=created_from,
                sort_order=pb.SORT_ASCENDING,
                sort_target=pb.SORT_BY_CREATION,
            )
            return RANGE, request
        case Grant(ttl_s):
            return GRANT, pb.LeaseGrantRequest(TTL=ttl_s)
        case KeepAlive(lease):
            return KEEP_ALIVE, pb.LeaseKeepAliveRequest(ID=lease)
        case CompactHistory(revision):
            return COMPACT, pb.CompactionRequest(revision=revision)
        case Status():
            return STATUS, pb.StatusRequest()


def encode_watch(watch: Watch) -> Any:
    """Return the request that begins a watch."""
    create = pb.WatchCreateRequest(
        key=watch.key,
        range_end=watch.end,
        start_revision=watch.revision,
        filters=[pb.FILTER_DELETIONS],
        fragment=True,
    )
    return pb.WatchRequest(create_request=create)


def decode(request: Request, response: Any) -> Answer:
    """Return what etcd's response says."""
    header, operation = response.header, request.operation
    found: list[KeyValue] = []
    if isinstance(operation, Txn):
        for step in response.responses:
            found.extend(map(pair, step.response_range.kvs))
    elif isinstance(operation, Range):
        found.extend(map(pair, response.kvs))
    is_success = True
    if isinstance(operation, Txn):
        is_success = response.succeeded
    elif isinstance(operation, Status):
        is_success = response.leader == header.member_id
    has_lease = isinstance(operation, Grant | KeepAlive)
    return Answer(
        request.ticket,
        request.endpoint,
        header.cluster_id,
        header.revision,
        is_success=is_success,
        found=tuple(found),
        has_more=response.more if isinstance(operation, Range) else False,
        lease=response.ID if has_lease else 0,
        ttl_s=response.TTL if has_lease else 0,
    )


def pair(one: Any) -> KeyValue:
    """Return a key and its value."""
    return KeyValue(one.key, one.value, one.create_revision, one.mod_revision)


def kind_of(code: grpc.StatusCode, details: str) -> str:
    """Return the kind of `Refusal` that an error is."""
    match code:
        case grpc.StatusCode.RESOURCE_EXHAUSTED if SPACE in details:
            return "full"
        case grpc.StatusCode.PERMISSION_DENIED | grpc.StatusCode.UNAUTHENTICATED:
            return "denied"
        case grpc.StatusCode.OUT_OF_RANGE:
            return "compacted"
        case grpc.StatusCode.INVALID_ARGUMENT | grpc.StatusCode.NOT_FOUND:
            return "invalid"
        case _:
            return "unavailable"


def reason_of(details: str | None) -> str:
    """Return an error's text for people, in one line."""
    return " ".join((details or "no reason given").split())[:REASON_CHARACTERS_MAX]


def _compare(compare: Compare) -> Any:
    if compare.is_creation:
        return pb.Compare(
            target=pb.COMPARE_CREATION, key=compare.key, create_revision=compare.revision
        )
    return pb.Compare(target=pb.COMPARE_CHANGE, key=compare.key, mod_revision=compare.revision)


def _step(step: Put | Get | Delete) -> Any:
    match step:
        case Put(key, value, lease):
            return pb.RequestOp(request_put=pb.PutRequest(key=key, value=value, lease=lease))
        case Get(key):
            return pb.RequestOp(request_range=pb.RangeRequest(key=key))
        case Delete(key, end):
            deletion = pb.DeleteRangeRequest(key=key, range_end=end)
            return pb.RequestOp(request_delete_range=deletion)
