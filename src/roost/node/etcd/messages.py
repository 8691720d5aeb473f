"""The messages of etcd's v3 API that Roost uses, as protobuf classes.

Only the fields that Roost needs are declared; protobuf ignores the others. Enumerations are
declared as numbers, and alternatives (`oneof`) as fields, which is the same on the wire.
Source: the API reference at https://etcd.io/docs/v3.4/dev-guide/api_reference_v3/
"""

from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

PACKAGE = "etcdserverpb"

_MESSAGES = {
    "ResponseHeader": "uint64 cluster_id 1, uint64 member_id 2, int64 revision 3",
    "KeyValue": "bytes key 1, int64 create_revision 2, int64 mod_revision 3, bytes value 5",
    "RangeRequest": (
        "bytes key 1, bytes range_end 2, int64 limit 3, int32 sort_order 5, int32 sort_target 6,"
        " int64 min_create_revision 12"
    ),
    "RangeResponse": "ResponseHeader header 1, KeyValue* kvs 2, bool more 3",
    "PutRequest": "bytes key 1, bytes value 2, int64 lease 3",
    "DeleteRangeRequest": "bytes key 1, bytes range_end 2",
    "Compare": (
        "int32 result 1, int32 target 2, bytes key 3, int64 create_revision 5, int64 mod_revision 6"
    ),
    "RequestOp": (
        "RangeRequest request_range 1, PutRequest request_put 2,"
        " DeleteRangeRequest request_delete_range 3"
    ),
    "ResponseOp": "RangeResponse response_range 1",
    "TxnRequest": "Compare* compare 1, RequestOp* success 2, RequestOp* failure 3",
    "TxnResponse": "ResponseHeader header 1, bool succeeded 2, ResponseOp* responses 3",
    "CompactionRequest": "int64 revision 1",
    "CompactionResponse": "ResponseHeader header 1",
    "LeaseGrantRequest": "int64 TTL 1",
    "LeaseGrantResponse": "ResponseHeader header 1, int64 ID 2, int64 TTL 3",
    "LeaseKeepAliveRequest": "int64 ID 1",
    "LeaseKeepAliveResponse": "ResponseHeader header 1, int64 ID 2, int64 TTL 3",
    "StatusRequest": "",
    "StatusResponse": "ResponseHeader header 1, uint64 leader 4",
    "WatchCreateRequest": (
        "bytes key 1, bytes range_end 2, int64 start_revision 3, int32* filters 5, bool fragment 8"
    ),
    "WatchRequest": "WatchCreateRequest create_request 1",
    "Event": "int32 type 1, KeyValue kv 2",
    "WatchResponse": (
        "ResponseHeader header 1, bool created 3, bool canceled 4, int64 compact_revision 5,"
        " string cancel_reason 6, bool fragment 7, Event* events 11"
    ),
}

_TYPES = {
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "string": FieldDescriptorProto.TYPE_STRING,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
}

SORT_ASCENDING = 1
SORT_BY_CREATION = 2
COMPARE_EQUAL = 0
COMPARE_CREATION = 1
COMPARE_CHANGE = 2
EVENT_PUT = 0
FILTER_DELETIONS = 1


def _declare() -> dict[str, Any]:
    """Return the classes by name."""
    file = FileDescriptorProto(name="roost/etcd.proto", package=PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for text in filter(None, fields.split(", ")):
            kind, field, number = text.split()
            is_repeated = kind.endswith("*")
            kind = kind.removesuffix("*")
            label = (
                FieldDescriptorProto.LABEL_REPEATED
                if is_repeated
                else FieldDescriptorProto.LABEL_OPTIONAL
            )
            added = message.field.add(name=field, number=int(number), label=label)
            if kind in _TYPES:
                added.type = _TYPES[kind]
            else:
                added.type = FieldDescriptorProto.TYPE_MESSAGE
                added.type_name = f".{PACKAGE}.{kind}"
    pool = DescriptorPool()
    pool.Add(file)
    return {
        name: GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in _MESSAGES
    }


_CLASSES = _declare()
Compare = _CLASSES["Compare"]
CompactionRequest = _CLASSES["CompactionRequest"]
CompactionResponse = _CLASSES["CompactionResponse"]
DeleteRangeRequest = _CLASSES["DeleteRangeRequest"]
LeaseGrantRequest = _CLASSES["LeaseGrantRequest"]
LeaseGrantResponse = _CLASSES["LeaseGrantResponse"]
LeaseKeepAliveRequest = _CLASSES["LeaseKeepAliveRequest"]
LeaseKeepAliveResponse = _CLASSES["LeaseKeepAliveResponse"]
PutRequest = _CLASSES["PutRequest"]
RangeRequest = _CLASSES["RangeRequest"]
RangeResponse = _CLASSES["RangeResponse"]
RequestOp = _CLASSES["RequestOp"]
StatusRequest = _CLASSES["StatusRequest"]
StatusResponse = _CLASSES["StatusResponse"]
TxnRequest = _CLASSES["TxnRequest"]
TxnResponse = _CLASSES["TxnResponse"]
WatchCreateRequest = _CLASSES["WatchCreateRequest"]
WatchRequest = _CLASSES["WatchRequest"]
WatchResponse = _CLASSES["WatchResponse"]
