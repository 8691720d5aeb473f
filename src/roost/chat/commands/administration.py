"""What administrators ask of the cluster itself, and machines that join it.

Unlike a client's line, a request has no session. Its id is drawn at random by whoever asks, and the
state keeps the outcomes of the last requests: when a node dies before it has answered, the request
is repeated through another one, takes effect once, and gets the same answer.
"""

from collections.abc import Mapping
from typing import ClassVar, TypeAlias

from roost.chat.commands.control import ControlOperation
from roost.chat.commands.payload import Payload
from roost.chat.ids import AccountId, Position, RoomId


class IssueToken(Payload, frozen=True, tag=141):
    """Let a machine join as a node; keep what it needs until it comes for it.

    An earlier token for the same node is withdrawn.
    """

    token: str
    """The token's id, which opens nothing by itself."""
    node: str
    """The name that the new node gets."""
    host: str
    """Where the administrator says that it will be."""
    valid_ms: int
    sealed: bytes
    """Certificate, key and configuration; only the holder of the token can decrypt them."""
    key: str = ""
    """The SHA-256 hash of the node's public key, in hexadecimal."""

    def __repr__(self) -> str:
        return f"IssueToken({self.token!r}, {self.node!r}, {self.host!r}, {self.valid_ms}, ...)"


class RedeemToken(Payload, frozen=True, tag=142):
    """Take what a token was issued for. The first machine that asks gets it, and may ask again."""

    token: str
    claim: str
    """The SHA-256 hash of what the machine drew at random, in hexadecimal."""


class AddNode(Payload, frozen=True, tag=143):
    """Let a node belong to the cluster."""

    name: str
    host: str = ""
    key: str = ""
    """The SHA-256 hash of its public key, in hexadecimal; empty for any key that the cluster's
    authority certified."""


class RemoveNode(Payload, frozen=True, tag=144):
    """Let a node no longer belong to the cluster; its certificate opens nothing then."""

    name: str


class ShowNodes(Payload, frozen=True, tag=145):
    """Change nothing; the answer has the nodes as they are at this point of the log."""


class Control(Payload, frozen=True, tag=150):
    """Do something with somebody's account or room."""

    SINCE: ClassVar[int] = 2

    operation: ControlOperation


class ShowAccounts(Payload, frozen=True, tag=151):
    """Change nothing; the answer has a page of the accounts."""

    SINCE: ClassVar[int] = 2

    mask: str = "*"
    """A name, in which * and ? are wildcards."""
    after: AccountId = AccountId(0)
    """The page begins after this one."""


class ShowRooms(Payload, frozen=True, tag=152):
    """Change nothing; the answer has a page of the rooms."""

    SINCE: ClassVar[int] = 2

    mask: str = "*"
    after: RoomId = RoomId(0)


class ShowInvitations(Payload, frozen=True, tag=153):
    """Change nothing; the answer has the invitations that can be used, without their codes."""

    SINCE: ClassVar[int] = 2


Administration: TypeAlias = (
    IssueToken
    | RedeemToken
    | AddNode
    | RemoveNode
    | ShowNodes
    | Control
    | ShowAccounts
    | ShowRooms
    | ShowInvitations
)
"""What a request may ask for."""


class Administer(Payload, frozen=True, tag=120):
    """Carry out a request, unless that has happened already."""

    request: str
    """Drawn at random."""
    operation: Administration


class ExpireTokens(Payload, frozen=True, tag=121):
    """Forget tokens that are no longer valid; the log's time decides which."""


class FoundCluster(Payload, frozen=True, tag=122):
    """Name the first nodes; only the first one counts."""

    FIELDS_SINCE: ClassVar[Mapping[str, int]] = {"version": 2}

    nodes: tuple[str, ...]
    version: int = 1
    """The cluster's version from then on."""


class RaiseVersion(Payload, frozen=True, tag=123):
    """Let the log hold what is new in a version; see `chat.versions`."""

    SINCE: ClassVar[int] = 2

    version: int
    nodes_changed: Position
    """The entry that changed the nodes last, as the proposer knew it. Should a node have been added
    since, nobody knows yet whether that one can."""


AdministrationCommand: TypeAlias = Administer | ExpireTokens | FoundCluster | RaiseVersion
