"""The replicated chat state: plain data, equal on every node at equal positions.

Objects refer to each other by id. Only `roost.chat.apply` changes them. Iteration follows the log's
order (dicts keep it); nothing here is a set. Snapshots store most objects as arrays, so fields keep
their places, and new ones go last and have defaults.

Every node has an object for each user online, and most of them leave many fields empty. Such a
field is a `Mapping` or a tuple that is replaced rather than changed, so that all users without one
share `NOTHING`. Classes whose objects cannot be in a cycle are hidden from the garbage collector.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from roost.chat.credentials import Credentials
from roost.chat.history import Owner
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
from roost.chat.outcome import Outcome
from roost.chat.settings import Settings

NOTHING: Mapping[Any, Any] = {}
"""A mapping that stays empty."""


def _nothing() -> Mapping[Any, Any]:
    return NOTHING


class Session(msgspec.Struct, array_like=True, gc=False):
    """A client's session, whichever node serves it."""

    id: SessionId
    user: UserId
    generation: int
    """Grows with each attachment; commands of lower ones are refused."""
    last_line: int
    """The last line number that took effect; lines up to it are dropped."""
    capabilities: int
    is_secure: bool
    monitored: Mapping[FoldedNick, str] = msgspec.field(default_factory=_nothing)
    """Folded nickname -> the nickname as typed."""
    previous: SessionId = SessionId(0)
    """The session that this one resumed; 0 for none. Its token also resumes this one, because the
    client may have lost its connection before it received a new one."""
    address: str = ""
    """The key that the session is counted under (`chat.admission`); empty if it is not counted."""
    subscribed: tuple[str, ...] = ()
    """The keys of metadata that the client is told about."""
    is_unattended: bool = False
    """The client sent `AWAY *`: it connected by itself, and nobody is there (draft/pre-away)."""
    autoreplay: int = -1
    """How many earlier messages it is shown when it enters a room; -1 for no choice. See
    `chat.autoreplay`."""


class Suspension(msgspec.Struct, frozen=True, array_like=True):
    """Nobody may log in to an account for a while; see `chat.suspensions`."""

    reason: str
    setter: str
    """The operator's name in the configuration; empty for an administrator."""
    time_ms: int
    expires_ms: int
    """0 for never."""


class PushSubscription(msgspec.Struct, frozen=True, array_like=True):
    """A device that is told of messages by web push; the fields are those of `RegisterPush`."""

    public_key: bytes
    secret: bytes
    capabilities: int
    registered_ms: int

    def __repr__(self) -> str:
        return "PushSubscription(...)"


class Account(msgspec.Struct, array_like=True):
    """A name that somebody owns, whether online or not."""

    id: AccountId
    name: str
    created_ms: int
    credentials: Credentials
    certificates: dict[str, None] = {}
    """SHA-256 fingerprints of client certificates, in lower-case hexadecimal."""
    is_always_on: bool = False
    """One of its users stays online while no client is connected."""
    read_markers: dict[str, int] = {}
    """Folded room or nickname -> the time up to which it is read, in milliseconds."""
    metadata: Mapping[str, str] = msgspec.field(default_factory=_nothing)
    registered_by: tuple[SessionId, int] = (SessionId(0), 0)
    """The unregistered session and the line that registered it. If another node repeats the line,
    it finds its own account."""
    virtual_host: str = ""
    """Shown instead of its users' addresses; empty for none."""
    is_host_used: bool = True
    """Whether `virtual_host` is switched on."""
    nicks: tuple[FoldedNick, ...] = ()
    """Nicknames that its users have had; see `chat.identities.with_nick`."""
    is_external: bool = False
    """The identity provider vouches for its owner: it has no password here, and gets none."""
    autoreplay: int = -1
    """As in `Session`, for clients that cannot ask."""
    pushes: Mapping[str, PushSubscription] = msgspec.field(default_factory=_nothing)
    """The devices that are told of messages, by their endpoints, the newest last; see
    `chat.pushes`."""
    suspension: Suspension | None = None
    first_name: str = ""
    """The name that it was registered under, if it was renamed since; see `chat.identities`."""
    email: str = ""
    """The e-mail address of its owner, who has proved that; folded. Shown to administrators."""


class PendingCode(msgspec.Struct, array_like=True):
    """A code that was sent by e-mail; see `chat.verification`."""

    kind: str
    """As in `AskVerification`."""
    account: AccountId
    """0 for one that is to be registered."""
    name: str
    credentials: Credentials
    email: str
    time_ms: int
    used_by: tuple[SessionId, int] = (SessionId(0), 0)
    """The line that has used it."""


class Invitation(msgspec.Struct, array_like=True):
    """A code with which people can register; see `chat.invitations`."""

    uses: int
    """How many more accounts it is for."""
    expires_ms: int
    """0 for never."""
    setter: str
    """The operator's name in the configuration; empty for an administrator."""
    time_ms: int
    note: str = ""


class AttemptCount(msgspec.Struct, array_like=True):
    """The number of attempts since a moment."""

    count: int
    since_ms: int
    last: tuple[SessionId, int] = (SessionId(0), 0)
    """The line that was counted last. If another node repeats it, it is the same attempt."""


class User(msgspec.Struct, array_like=True, gc=False):
    """A user who is online: with one client, with several of one account, or always-on."""

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
    """When they last sent a message."""
    sessions: tuple[SessionId, ...] = ()
    """Only empty while an always-on user has no client."""
    rooms: tuple[RoomId, ...] = ()
    """In the order they were entered."""
    is_auto_away: bool = False
    """Away because no client is there, not because of an AWAY; see `chat.presence`."""
    metadata: Mapping[str, str] = msgspec.field(default_factory=_nothing)
    metadata_since_ms: int = 0
    """When the current minute of counting metadata changes began."""
    metadata_changes: int = 0
    """The number of changes in that minute."""
    real_host: str = ""
    """The real host if `host` shows another one; else empty."""
    operator: str = ""
    """Their operator name in the configuration; empty for no operator."""
    accepted: tuple[UserId, ...] = ()
    """Those who may write to them in spite of mode R; they may have left."""
    account_id: AccountId = AccountId(0)
    """The id of `account`; 0 when not logged in."""
    former_nicks: tuple[FoldedNick, ...] = ()
    """Nicknames that they had before, without going offline; see `chat.identities.with_nick`."""
    cloak: str = ""
    """What hides their address, even while a virtual host does; empty for none. See `chat.cloaks`.
    """


class Member(msgspec.Struct, array_like=True, gc=False):
    """A user's membership of a room."""

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
    is_of_cloaks: bool = False
    """Set while addresses were cloaked: it matches cloaks and not the addresses behind them, which
    could otherwise be found out by trying."""


class Room(msgspec.Struct, array_like=True):
    """A room; it outlives its members, so that its topic is kept."""

    id: RoomId
    name: str
    created_ms: int
    modes: str = "nt"
    """Sorted letters of the modes without parameters."""
    key: str = ""
    limit: int = 0
    """0 for none."""
    topic: Topic | None = None
    members: dict[UserId, Member] = {}
    bans: dict[str, ListEntry] = {}
    """By folded mask, like the two below."""
    exceptions: dict[str, ListEntry] = {}
    invitation_masks: dict[str, ListEntry] = {}
    invited: dict[UserId, None] = {}
    unused: int = 0
    """Keeps its place in snapshots; earlier versions told here when the room was emptied."""
    history_from: Position = Position(0)
    """Nobody may read history before this: the room was private then and has been empty since."""
    founder: FoldedAccount = FoldedAccount("")
    """The owner; empty if the room is not registered."""
    registered_ms: int = 0
    access: dict[FoldedAccount, int] = {}
    """The status that accounts get when they enter, except the founder's."""
    offered_to: FoldedAccount = FoldedAccount("")
    """The account that may accept the room; empty for none."""
    metadata: Mapping[str, str] = msgspec.field(default_factory=_nothing)
    renamed_ms: int = 0
    """When it was last renamed; 0 for never."""
    forward: RoomId = RoomId(0)
    """The room that people enter who may not enter this one (+f); 0 for none. It may be gone."""


class Whowas(msgspec.Struct, frozen=True, array_like=True):
    """A user who used a nickname earlier."""

    nick: str
    username: str
    host: str
    realname: str
    account: str
    time_ms: int
    is_visible: bool = False
    """They were not invisible (+i), so that a mask finds them."""


class NetworkBan(msgspec.Struct, frozen=True, array_like=True):
    """A ban from the network; see `chat.bans`."""

    mask: str
    reason: str
    setter: str
    """The operator's name in the configuration."""
    time_ms: int
    expires_ms: int
    """0 for never."""


class OperatorAction(msgspec.Struct, frozen=True, array_like=True):
    """What an operator did, as OPERLOG shows it."""

    time_ms: int
    text: str


class BalancerRun(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One run of a balancer, from its start to its end."""

    run: str
    """What it drew at random when it started."""
    incarnation: int
    """What the log gave it: higher than all before, of whichever balancer."""


class ClusterNode(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A node that belongs to the cluster, running or not; see `chat.nodes`."""

    since: Position
    """The entry that added it."""
    since_ms: int
    host: str = ""
    """Where an administrator said that it is; empty if nobody did."""
    key: str = ""
    """The SHA-256 hash of its public key, in hexadecimal; empty if any key will do."""


class JoinToken(msgspec.Struct, array_like=True):
    """A token with which a machine joins as a node; see `chat.tokens`."""

    node: str
    host: str
    expires_ms: int
    sealed: bytes
    """What the node needs, encrypted for the token's holder; empty once it has expired."""
    claim: str = ""
    """The claim of the machine that redeemed it; empty before."""
    redeemed_ms: int = 0
    key: str = ""
    """As in `ClusterNode`."""

    def __repr__(self) -> str:
        return f"JoinToken({self.node!r}, {self.host!r}, {self.expires_ms}, ...)"


class Erasure(msgspec.Struct, frozen=True, array_like=True):
    """Whose words are to be taken out of history; see `chat.erasing`."""

    owners: tuple[Owner, ...]
    """The identities under which history has them."""
    until: Position
    """The entry that erased the account. Nothing later is theirs."""


class Retention(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How much of a room's history is kept; 0 is all. See `chat.retention`."""

    duration_ms: int
    messages: int


class State(msgspec.Struct):
    """Everything that the log decides."""

    settings: Settings = Settings()
    configured: dict[str, str] = {}
    """Node -> the settings of its configuration when they last changed, as `settings.written`."""
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
    """The empty unregistered rooms, the one that was empty longest first."""
    balancers: dict[str, int] = {}
    """Name -> the newest incarnation."""
    incarnations: dict[int, int] = {}
    """The number of sessions of each incarnation that has any."""
    closed_sessions: dict[SessionId, None] = {}
    """The sessions closed last, oldest first: an `OpenSession` that the log delivers late must not
    reopen them."""
    refused_openings: dict[SessionId, tuple[int, int, bool]] = {}
    """The refused attempts to register, oldest first: generation, line, and whether it was to open
    rather than to resume. A command may be repeated, and must not succeed after its client was
    told that it was refused."""
    whowas: dict[FoldedNick, list[Whowas]] = {}
    """Entries oldest first; nicknames by their newest entry, oldest first."""
    whowas_count: int = 0
    users_max_seen: int = 0
    secret: bytes = b""
    """The key of the tokens for resuming sessions; shown to nobody. Empty until set."""
    accounts: dict[FoldedAccount, Account] = {}
    account_names: dict[AccountId, FoldedAccount] = {}
    attempts: dict[str, AttemptCount] = {}
    """Attempts to log in and to register, by account and by address; see `chat.attempts`."""
    services_host: str = "services.roost.local"
    """The host with which services such as ChanServ are shown."""
    read_markers: dict[UserId, dict[str, int]] = {}
    """The markers of users who are not logged in; see `chat.read_markers`."""
    founded: dict[FoldedAccount, dict[RoomId, None]] = {}
    """The rooms of each founder that has any."""
    users_by_account: dict[FoldedAccount, dict[UserId, None]] = {}
    """The users of each account that has any."""
    always_on: dict[FoldedAccount, UserId] = {}
    """The user of each always-on account that stays online without a client."""
    absent: dict[UserId, int] = {}
    """Users without a client -> since when, in milliseconds; the longest absent first."""
    sessions_by_address: dict[str, int] = {}
    bans: dict[str, NetworkBan] = {}
    """By folded mask."""
    operator_actions: list[OperatorAction] = msgspec.field(default_factory=list, name="deeds")
    """The last actions of operators, oldest first; snapshots call them "deeds"."""
    failed_entries: list[Position] = []
    """The last 100 entries that were skipped because applying them failed."""
    balancer_runs: dict[str, tuple[BalancerRun, ...]] = {}
    """The last runs of each balancer, the newest last; see `chat.balancers`."""
    incarnation_max: int = 0
    """The highest incarnation that was ever given."""
    outcomes: dict[str, Outcome] = {}
    """How administrators' last requests ended, by the ids of the requests, oldest first."""
    join_tokens: dict[str, JoinToken] = {}
    """By their ids."""
    nodes: dict[str, ClusterNode] = {}
    """The nodes that belong to the cluster, by name; empty until `FoundCluster`."""
    nodes_changed: Position = Position(0)
    """The entry that changed `nodes` last."""
    version: int = 1
    """The cluster's version: what the log may hold (see `chat.versions`). A snapshot that has none
    is of version 1."""
    founded_version: int = 1
    """The version at which the cluster was founded."""
    renamed: dict[str, AccountId] = {}
    """The first names of renamed accounts; of several with one name, the oldest."""
    invitations: dict[str, Invitation] = {}
    """By the hashes of their codes."""
    erasures: dict[AccountId, Erasure] = {}
    """Accounts that were erased."""
    pending_codes: dict[str, PendingCode] = {}
    """By the hashes of the codes, the oldest first."""
    retention: dict[RoomId, Retention] = {}
    """Of the rooms that do not keep all of their history."""
