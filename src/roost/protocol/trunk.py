"""What a node and a balancer say to each other over a trunk.

    balancer  <-- Hello, Status, Output, Pong --  node
    balancer  --  Welcome, Neighbours, Attach, Lines, Batch, Detach, Release, Drain, Ping -->  node

A node dials the trunk. Lines of a session are numbered from 1 by the balancer, and kept until a
`Reply` acknowledges them. A trunk is ordered and `Output` frames are whole, so after one of them
the balancer has been told everything up to its position: that one number per trunk, and not one
per session, says where another node has to go on.

A session may be moved away from a node and come back before the node's last words about it have
arrived. `Reply`, `Close` and `Refuse` carry the session's generation; of all others, those that
come before the node says `Serving` under the present generation are of the past.
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from roost.protocol.codec import make_decoder

PROTOCOL_VERSION = 2


class _Frame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    pass


# Node to balancer


class Hello(_Frame, frozen=True, tag=1):
    """A node announces itself."""

    protocol: int
    cluster: str
    name: str
    version: str
    pid: int
    mesh_address: str
    """host:port where neighbours reach it."""
    weight: int


class NeighbourStatus(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A linked neighbour, and the round-trip time of its last heartbeat."""

    name: str
    rtt_ms: float


class Status(_Frame, frozen=True, tag=2):
    """How a node is; sent on every change of `state` or `leader`, and periodically."""

    state: str
    """"ready", "starting", "catching-up", "isolated", "no-majority", "disk", "draining"."""
    reason: str
    """In words for people; empty when ready."""
    leader: str
    """Empty when unknown."""
    term: int
    position: int
    """The last entry in its log."""
    applied: int
    """Everything up to this entry has been shown in the frames before this one."""
    sessions: int
    neighbours: tuple[NeighbourStatus, ...]
    lag_ms: float
    """Moving average of its event loop's lateness."""
    deliveries: float
    """Moving average of deliveries a second."""


class Deliver(_Frame, frozen=True, tag=10):
    """Bytes for everybody in a group, but not for session `excluded` (0: nobody)."""

    group: int
    excluded: int
    payload: bytes


class DeliverTo(_Frame, frozen=True, tag=11):
    """Bytes for the listed sessions."""

    sessions: tuple[int, ...]
    payload: bytes


class Join(_Frame, frozen=True, tag=12):
    """Sessions enter a group; a group exists from its first to its last member."""

    group: int
    sessions: tuple[int, ...]


class Leave(_Frame, frozen=True, tag=13):
    """Sessions leave a group; a session that is closed leaves all of its groups by itself."""

    group: int
    sessions: tuple[int, ...]


class Reply(_Frame, frozen=True, tag=14):
    """Bytes for one session; acknowledges all of its lines up to `line` when `is_last`.

    `part` counts the frames of one line's answer from 0. The first acknowledgement of a session
    says that the client is registered. `payload` may be empty.
    """

    session: int
    generation: int
    line: int
    part: int
    is_last: bool
    payload: bytes


class Close(_Frame, frozen=True, tag=15):
    """Write `payload`, then close the client's connection."""

    session: int
    generation: int
    payload: bytes


class Refuse(_Frame, frozen=True, tag=16):
    """The node cannot serve this attachment now; the balancer picks another node."""

    session: int
    generation: int
    reason: str


class Serving(_Frame, frozen=True, tag=17):
    """The log has given the session to this node, which shows it everything from now on.

    Said once for each attachment of a registered client, before anything else is shown to it.
    """

    session: int
    generation: int


Item: TypeAlias = Deliver | DeliverTo | Join | Leave | Reply | Close | Refuse | Serving


class Output(_Frame, frozen=True, tag=3):
    """What the entries up to `position`, and the lines answered meanwhile, are to show."""

    position: int
    items: tuple[Item, ...]


class Pong(_Frame, frozen=True, tag=4):
    """Answers a `Ping`."""

    nonce: int


FromNode: TypeAlias = Hello | Status | Output | Pong


# Balancer to node


class Neighbour(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A node that the balancer knows of, and its mesh address."""

    name: str
    mesh_address: str


class Welcome(_Frame, frozen=True, tag=20):
    """A balancer answers `Hello`."""

    protocol: int
    cluster: str
    name: str
    incarnation: int
    """`chat.ids.incarnation_at` of the balancer's start: grows from run to run."""
    neighbours: tuple[Neighbour, ...]


class Neighbours(_Frame, frozen=True, tag=21):
    """The nodes that the balancer knows of, after a change."""

    neighbours: tuple[Neighbour, ...]


class Attach(_Frame, frozen=True, tag=22):
    """The node serves this session from now on."""

    session: int
    generation: int
    address: str
    """The client's IP address, or "localhost"."""
    is_secure: bool
    acknowledged: int
    """The session's last acknowledged line; 0 before registration."""
    part: int
    """How many parts of the answer to line `acknowledged + 1` the client has been given."""
    position: int
    """Up to which entry the client has been served; 0 for a new session."""
    certificate: str = ""
    """The client certificate's SHA-256 fingerprint in lower-case hexadecimal; empty for none."""


class Lines(_Frame, frozen=True, tag=23):
    """Lines of a session, without their ends; None where one was too long to be kept."""

    session: int
    generation: int
    first: int
    lines: tuple[bytes | None, ...]


class Batch(_Frame, frozen=True, tag=28):
    """Lines of several sessions, in one frame for all of them."""

    lines: tuple[Lines, ...]


class Detach(_Frame, frozen=True, tag=24):
    """The client is gone, for `reason`."""

    session: int
    generation: int
    reason: str


class Ping(_Frame, frozen=True, tag=25):
    """A health probe."""

    nonce: int


class Released(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A session that a node has to serve no more, if it has it under this generation."""

    session: int
    generation: int


class Release(_Frame, frozen=True, tag=26):
    """Other nodes serve these sessions from now on; nobody is to be told anything."""

    sessions: tuple[Released, ...]


class Drain(_Frame, frozen=True, tag=27):
    """An operator wants the node to serve nobody, or, with `is_wanted` false, to serve again."""

    is_wanted: bool


FromBalancer: TypeAlias = (
    Welcome | Neighbours | Attach | Lines | Batch | Detach | Ping | Release | Drain
)

encode: Callable[[FromNode | FromBalancer], bytes] = msgspec.msgpack.Encoder().encode
decode_from_node: Callable[[bytes], FromNode] = make_decoder(FromNode)
decode_from_balancer: Callable[[bytes], FromBalancer] = make_decoder(FromBalancer)
