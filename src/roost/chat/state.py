"""The replicated chat state: plain data, equal on every node at equal positions.

Objects refer to each other by id. Only `roost.chat.apply` changes it. Iteration orders are the
log's order (dicts keep it); nothing here is a set.

Every node has an object for everybody who is online, most of whom have nothing of what some have.
So what is empty for most is a `Mapping` or a tuple: it is replaced, never changed, and `NOTHING` is
shared by all who have none. The garbage collector need not look at what cannot be in a cycle.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from roost.chat.credentials import Credentials
from roost.chat.ids import (
    AccountId,
    FoldedAccount,
    FoldedNick,
    FoldedRoom,
    Position,
    RoomId,
    SessionId,
    UserId,
)
from roost.chat.settings import Settings

NOTHING: Mapping[Any, Any] = {}
"""A mapping that stays empty."""


def _nothing() -> Mapping[Any, Any]:
    return NOTHING


class Session(msgspec.Struct, array_like=True, gc=False):
    """One client connection, whichever node serves it."""

    id: SessionId
    user: UserId
    generation: int
    """Grows with each attachment; commands of a lower one are refused."""
    last_line: int
    """The last line number that took effect; lower or equal ones are dropped."""
    capabilities: int
    is_secure: bool
    monitored: Mapping[FoldedNick, str] = msgspec.field(default_factory=_nothing)
    """Folded nickname -> as the client typed it."""
    previous: SessionId = SessionId(0)
    """The session that this one resumed; 0 when it is the user's first. Its token opens this one
    too, because the client may have lost its connection before it was told another one."""
    address: str = ""
    """What the session is counted under (`chat.admission`); empty when it is not counted."""
    subscribed: tuple[str, ...] = ()
    """The keys of metadata that the client is told of."""
    is_unattended: bool = False
    """The client said `AWAY *`: it connected by itself, and nobody is there (draft/pre-away)."""


class Account(msgspec.Struct, array_like=True):
    """A name that somebody owns, online or not."""

    id: AccountId
    name: str
    created_ms: int
    credentials: Credentials
    certificates: dict[str, None] = {}
    """SHA-256 fingerprints of client certificates, in lower-case hexadecimal."""
    is_always_on: bool = False
    """Its user stays in the rooms while no client is connected."""
    read_markers: dict[str, int] = {}
    """Folded room or nickname -> the time up to which it was read, in milliseconds."""
    metadata: Mapping[str, str] = msgspec.field(default_factory=_nothing)
    registered_by: tuple[SessionId, int] = (SessionId(0), 0)
    """The session and line that made it before they were registered themselves: the same line,
    when another node hears it again, finds its own account."""
    virtual_host: str = ""
    """What an operator lets its users be shown under instead of their addresses; may be empty."""
    is_host_used: bool = True
    """Whether they want that."""


class AttemptCount(msgspec.Struct, array_like=True):
    """How often something was tried since a moment."""

    count: int
    since_ms: int
    last: tuple[SessionId, int] = (SessionId(0), 0)
    """Whose line was counted last: heard again by another node, it is the same attempt."""


class User(msgspec.Struct, array_like=True, gc=False):
    """Somebody who is online: with a client, with several of one account, or always on."""

    id: UserId
    nick: str
    username: str
    realname: str
    host: str
    account: str
    """Empty when not logged in."""
    modes: str
    """Sorted letters."""
    away: str
    """Empty when present."""
    signed_on_ms: int
    active_ms: int
    """When they last said something."""
    sessions: tuple[SessionId, ...] = ()
    """Empty only while somebody who is always on has no client connected."""
    rooms: tuple[RoomId, ...] = ()
    """In the order they were entered."""
    is_auto_away: bool = False
    """Away because there is no client, not because of an AWAY; see `chat.presence`."""
    metadata: Mapping[str, str] = msgspec.field(default_factory=_nothing)
    metadata_since_ms: int = 0
    """When the present span of counting changes to metadata began."""
    metadata_changes: int = 0
    """How many there have been in it."""
    real_host: str = ""
    """Where they come from, when `host` shows something else; empty when it does not."""
    operator: str = ""
    """By which name of the configuration they are an operator; empty when they are none."""


class Member(msgspec.Struct, array_like=True, gc=False):
    """Somebody's place in a room."""

    status: int
    """`changes.VOICE | changes.OPERATOR`."""
    joined: Position


class Topic(msgspec.Struct, frozen=True, array_like=True):
    """A room's topic; `setter` is nick!user@host."""

    text: str
    setter: str
    time_ms: int


class ListEntry(msgspec.Struct, frozen=True, array_like=True):
    """One mask of a b, e or I list; `setter` is nick!user@host."""

    mask: str
    setter: str
    time_ms: int


class Room(msgspec.Struct, array_like=True):
    """A room; it outlives its members, so that a restart forgets no topic."""

    id: RoomId
    name: str
    created_ms: int
    modes: str = "nt"
    """Sorted letters of the modes without parameter: i m n s t."""
    key: str = ""
    limit: int = 0
    """0 when there is none."""
    topic: Topic | None = None
    members: dict[UserId, Member] = {}
    bans: dict[str, ListEntry] = {}
    """By folded mask, as the two below."""
    exceptions: dict[str, ListEntry] = {}
    invitation_masks: dict[str, ListEntry] = {}
    invited: dict[UserId, None] = {}
    unused: int = 0
    """Keeps its place in snapshots; earlier versions told here when the room was emptied."""
    history_from: Position = Position(0)
    """History before this is nobody's to read: the room was private then and emptied since."""
    founder: FoldedAccount = FoldedAccount("")
    """Whose room it is; empty when nobody registered it."""
    registered_ms: int = 0
    access: dict[FoldedAccount, int] = {}
    """The status that accounts get when they enter; the founder's is not among them."""
    offered_to: FoldedAccount = FoldedAccount("")
    """Who may become the founder by accepting; empty when nobody was asked."""
    metadata: Mapping[str, str] = msgspec.field(default_factory=_nothing)
    renamed_ms: int = 0
    """When it was given another name; 0 for never."""


class Whowas(msgspec.Struct, frozen=True, array_like=True):
    """Somebody who bore a nickname once."""

    nick: str
    username: str
    host: str
    realname: str
    account: str
    time_ms: int


class NetworkBan(msgspec.Struct, frozen=True, array_like=True):
    """Somebody who may not be on the network; see `chat.bans`."""

    mask: str
    reason: str
    setter: str
    """The operator's name in the configuration."""
    time_ms: int
    expires_ms: int
    """0 for never."""


class Deed(msgspec.Struct, frozen=True, array_like=True):
    """What an operator did."""

    time_ms: int
    text: str


class State(msgspec.Struct):
    """Everything that the log decides."""

    settings: Settings = Settings()
    configured: dict[str, str] = {}
    """Node -> what its configuration said of the settings when it last differed from before."""
    position: Position = Position(0)
    """The last applied entry."""
    time_ms: int = 0
    created_ms: int = 0
    """When the first entry was made."""
    users: dict[UserId, User] = {}
    nicks: dict[FoldedNick, UserId] = {}
    sessions: dict[SessionId, Session] = {}
    rooms: dict[RoomId, Room] = {}
    room_names: dict[FoldedRoom, RoomId] = {}
    empty_rooms: dict[RoomId, None] = {}
    """The rooms without members, the one that was empty longest first."""
    balancers: dict[str, int] = {}
    """Name -> the newest incarnation."""
    incarnations: dict[int, int] = {}
    """How many sessions each incarnation has, of those that have any."""
    closed_sessions: dict[SessionId, None] = {}
    """The last sessions to be closed, oldest first: an `OpenSession` that the log delivers late
    must not bring their users back."""
    refused_openings: dict[SessionId, tuple[int, int, bool]] = {}
    """The last attempts to register that were refused, oldest first: generation, line, and whether
    it was to open rather than to resume. A command may be asked for twice, and must not do later
    what its client was told cannot be done."""
    whowas: dict[FoldedNick, list[Whowas]] = {}
    """Oldest first, and the nickname whose newest entry is oldest first."""
    whowas_count: int = 0
    users_max_seen: int = 0
    secret: bytes = b""
    """The key of the tokens that sessions are resumed with; shown to nobody. Empty until set."""
    accounts: dict[FoldedAccount, Account] = {}
    account_names: dict[AccountId, FoldedAccount] = {}
    attempts: dict[str, AttemptCount] = {}
    """Attempts to log in and to register, by account and by address; see `chat.accounts`."""
    services_host: str = "services.roost.local"
    """The host that ChanServ and the like show themselves under."""
    read_markers: dict[UserId, dict[str, int]] = {}
    """Of users who are not logged in, as accounts have their own; see `chat.read_markers`."""
    founded: dict[FoldedAccount, dict[RoomId, None]] = {}
    """The rooms of each founder that has any."""
    users_by_account: dict[FoldedAccount, dict[UserId, None]] = {}
    """Who is logged in to each account that anybody is logged in to."""
    always_on: dict[FoldedAccount, UserId] = {}
    """Of each account that is always on, the user that stays when its last client goes."""
    absent: dict[UserId, int] = {}
    """Users without a client and since when, in milliseconds; the longest absent first."""
    sessions_by_address: dict[str, int] = {}
    bans: dict[str, NetworkBan] = {}
    """By folded mask; who may not be on the network."""
    deeds: list[Deed] = []
    """The last things that operators did, oldest first."""
    failed_entries: list[Position] = []
    """Entries that made `apply` fail and were skipped, alike on every node; the last 100."""
