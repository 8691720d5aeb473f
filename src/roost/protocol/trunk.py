"""The frames between a node and a balancer, over a trunk.

    balancer  <-- Hello, Status, Registry, Incarnation, Output, Pong, Told --  node
    balancer  --  Welcome, Refusal, Neighbours, Ping, Drain, Ask -->  node
    balancer  --  BalancerReport -->  node
    balancer  --  Attach, Lines, Batch, Detach, Release -->      node

A node dials the trunk. The log gives each run of a balancer an `Incarnation`; before a node has
told it, the balancer attaches no session. The balancer numbers a session's lines from 1, and keeps
them until a `Reply` acknowledges them. A trunk is ordered and `Output` frames are whole, so an
`Output` tells the balancer everything up to its position. Another node can go on from that one
number per trunk; none per session is needed.

A session may leave a node and come back before the node's last frames about it have arrived.
`Reply`, `Close` and `Refuse` carry the session's generation. Of the other frames, those before the
node's `Serving` for the present generation are outdated.
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from roost.chat.commands.administration import Administration
from roost.protocol.codec import make_decoder
from roost.protocol.greeting import SILENT, Range

PROTOCOL_VERSION = 4
"""See `roost.protocol.greeting`."""


REFUSED = "refused"


class _Frame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    pass


# Node to balancer


class Hello(_Frame, frozen=True, tag=1):
    """The node's greeting."""

    protocol: int
    cluster: str
    name: str
    version: str
    pid: int
    mesh_address: str
    """host:port at which neighbours reach it."""
    weight: int
    speaks: Range = SILENT
    """The oldest and the newest version of the cluster that it speaks."""


class NeighbourStatus(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A linked neighbour, and the round-trip time of its last heartbeat."""

    name: str
    rtt_ms: float


class RoomActivity(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A room that everybody may know of, and how much is said there."""

    name: str
    members: int
    messages: int
    """In the last hour."""


class Latency(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """From proposing a command to seeing it committed, in ms, of the most recent commands."""

    p50_ms: float
    p99_ms: float


class BalancerReport(_Frame, frozen=True, tag=31):
    """What a balancer tells the nodes of itself every second; they tell the other balancers."""

    name: str
    address: str
    """HOST:PORT for clients."""
    http_address: str
    sessions: int
    waiting: int
    """Sessions that wait for a node."""
    lines: float
    """Lines that clients sent, a second."""
    deliveries: float
    """Payloads delivered to clients, a second."""


class Status(_Frame, frozen=True, tag=2):
    """A node's state; sent on each change of `state` or `leader`, and periodically."""

    state: str
    """"ready", "starting", "catching-up", "isolated", "no-majority", "clock",
    "configuring", "diverged", "disk", "draining", "removed", "outdated"; `REFUSED` to a
    balancer that the node does not serve."""
    reason: str
    """In words for people; empty when ready."""
    leader: str
    """Empty when unknown."""
    term: int
    position: int
    """The last entry in its log."""
    applied: int
    """The earlier frames have shown everything up to this entry."""
    sessions: int
    neighbours: tuple[NeighbourStatus, ...]
    lag_ms: float
    """Moving average of its event loop's lateness."""
    deliveries: float
    """Moving average of deliveries a second."""
    clock_offset_ms: int = 0
    """How far its wall clock is ahead of the cluster's time; negative when behind."""
    reaches: int = 0
    """It can still show clients everything after this entry, and nothing before."""
    latency: Latency | None = None
    """None if no command was committed lately."""
    rooms: tuple[RoomActivity, ...] = ()
    """The busiest rooms that are not hidden, the busiest first."""
    balancers: tuple[BalancerReport, ...] = ()
    """What the balancers that have a trunk to it told last."""
    is_voter: bool = True
    """Whether it is one of those that decide what the log says."""
    version: int = 1
    """The cluster's version, as its chat state has it."""


class Deliver(_Frame, frozen=True, tag=10):
    """Bytes for everybody in a group except session `excluded` (0: nobody)."""

    group: int
    excluded: int
    payload: bytes


class DeliverTo(_Frame, frozen=True, tag=11):
    """Bytes for the listed sessions."""

    sessions: tuple[int, ...]
    payload: bytes


class Join(_Frame, frozen=True, tag=12):
    """Sessions enter a group, which exists while it has members."""

    group: int
    sessions: tuple[int, ...]
    room: str = ""
    """The room's name, which the balancer only repeats: see `Attach.rooms`."""


class Leave(_Frame, frozen=True, tag=13):
    """Sessions leave a group; a closed session leaves all its groups without this."""

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
    reaches: int = 0
    """`Status.reaches`, if the client has been served too long ago for that; 0 otherwise."""


class Serving(_Frame, frozen=True, tag=17):
    """The log has given the session to this node, which shows it everything from now on.

    Sent for each attachment of a registered client before anything else is shown to it, and again
    whenever its nickname has changed.
    """

    session: int
    generation: int
    nick: str = ""
    """The nickname, which the balancer only repeats: see `Attach.nick`. Empty if not told."""


Item: TypeAlias = Deliver | DeliverTo | Join | Leave | Reply | Close | Refuse | Serving


class Output(_Frame, frozen=True, tag=3):
    """What clients are to see of the entries up to `position`, and of lines answered meanwhile.

    One that is long comes in several frames. The balancer does nothing with the first ones before
    the last one has come, so that an entry is shown wholly or not at all.
    """

    position: int
    """0 in all frames but the last."""
    items: tuple[Item, ...]
    is_last: bool = True


class Pong(_Frame, frozen=True, tag=4):
    """The answer to a `Ping`."""

    nonce: int
    certificate_days: int | None = None
    """The days until the node's certificate expires."""


class Incarnation(_Frame, frozen=True, tag=5):
    """What the log gave this run of the balancer: the upper bits of the ids of its sessions."""

    number: int


class Told(_Frame, frozen=True, tag=6):
    """How a request ended that an `Ask` brought."""

    ticket: int
    problem: str
    """Why it was refused, in words for people; empty if it was carried out."""
    data: bytes = b""
    """What a token was redeemed for."""


class Registry(_Frame, frozen=True, tag=7):
    """Which nodes belong to the cluster, as the node's chat state says; sent on each change."""

    changed: int
    """The entry that changed it last."""
    nodes: tuple[tuple[str, str], ...]
    """Names, and the SHA-256 hashes of the keys that they must have (empty for any)."""


FromNode: TypeAlias = Hello | Status | Output | Pong | Incarnation | Told | Registry


def refusal(reason: str) -> Status:
    """Return what a node tells a balancer that it does not serve."""
    return Status(REFUSED, reason, "", 0, 0, 0, 0, (), 0.0, 0.0)


# Balancer to node


class Neighbour(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A node that the balancer knows, and its mesh address."""

    name: str
    mesh_address: str


class Welcome(_Frame, frozen=True, tag=20):
    """The balancer's greeting, in answer to `Hello`."""

    protocol: int
    cluster: str
    name: str
    incarnation: int
    """What a node has told it, for people who read along; 0 before that."""
    neighbours: tuple[Neighbour, ...]
    run: str = ""
    """Drawn at random when the balancer started."""
    speaks: Range = SILENT
    """The oldest and the newest version of the cluster that it speaks."""


class Refusal(_Frame, frozen=True, tag=29):
    """The balancer's answer to a `Hello` that it does not accept; it closes the trunk then."""

    reason: str


class Neighbours(_Frame, frozen=True, tag=21):
    """The nodes that the balancer knows, after a change."""

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
    """How many parts of the answer to line `acknowledged + 1` the client has received."""
    position: int
    """The entry up to which the client has been served; 0 for a new session."""
    certificate: str = ""
    """The client certificate's SHA-256 fingerprint in lower-case hexadecimal; empty for none."""
    is_gap_allowed: bool = False
    """Whether to serve the client even if what it missed is not available any more."""
    nick: str = ""
    """If a gap is allowed: what the client takes for its nickname; empty if unknown."""
    rooms: tuple[str, ...] = ()
    """If a gap is allowed: the rooms that the client takes itself to be in."""


class Lines(_Frame, frozen=True, tag=23):
    """A session's lines, without line ends; None stands for one that was too long to keep."""

    session: int
    generation: int
    first: int
    lines: tuple[bytes | None, ...]


class Batch(_Frame, frozen=True, tag=28):
    """Lines of several sessions, in one frame for all of them."""

    lines: tuple[Lines, ...]


class Detach(_Frame, frozen=True, tag=24):
    """The client has disconnected, for `reason`."""

    session: int
    generation: int
    reason: str


class Ping(_Frame, frozen=True, tag=25):
    """A health probe."""

    nonce: int


class Released(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A session that a node is to stop serving, if it has it under this generation."""

    session: int
    generation: int


class Release(_Frame, frozen=True, tag=26):
    """Other nodes serve these sessions from now on; no client is told."""

    sessions: tuple[Released, ...]


class Drain(_Frame, frozen=True, tag=27):
    """An operator drains the node or, with `is_wanted` false, lets it serve again."""

    is_wanted: bool


class Ask(_Frame, frozen=True, tag=30):
    """An administrator's request, or that of a machine that joins; answered by a `Told`."""

    ticket: int
    """Chosen by the balancer."""
    request: str
    """Chosen by who asks; see `chat.commands.administration`."""
    operation: Administration


class NewCertificate(_Frame, frozen=True, tag=32):
    """A renewed certificate for the node, in PEM form."""

    certificate: bytes


FromBalancer: TypeAlias = (
    Welcome
    | Refusal
    | Neighbours
    | Attach
    | Lines
    | Batch
    | Detach
    | Ping
    | Release
    | Drain
    | Ask
    | BalancerReport
    | NewCertificate
)

encode: Callable[[FromNode | FromBalancer], bytes] = msgspec.msgpack.Encoder().encode
decode_from_node: Callable[[bytes], FromNode] = make_decoder(FromNode)
decode_from_balancer: Callable[[bytes], FromBalancer] = make_decoder(FromBalancer)
