"""What applying an entry changed, complete enough to be shown at any later time.

A change carries all names as they were. To show one, only the list of its viewers is read from the
state. History stores the same bytes, so that past and live changes look alike.
"""

from typing import TypeAlias

import msgspec

from roost.chat.commands.modes import ModeChange
from roost.chat.ids import AccountId, FoldedNick, Position, RoomId, SessionId, UserId

VOICE = 1
OPERATOR = 2
"""Bits of a member's status in a room."""


class Source(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The user who did it, with the names they had then."""

    user: UserId
    nick: str
    username: str
    host: str
    account: str = ""
    """Empty when not logged in."""
    is_bot: bool = False
    """They declared themselves a bot (user mode B)."""
    account_id: AccountId = AccountId(0)
    """0 when not logged in, and in what versions before stored."""


class _Change(msgspec.Struct, frozen=True, array_like=True, gc=False):
    part: int
    """The number within the entry, from 0; with the position it forms the message id."""
    source: Source


class Said(_Change, frozen=True, tag=1):
    """A message to `recipient`, or to everyone in a room with at least `minimum_status`."""

    verb: str
    room: RoomId
    """0 if it is private."""
    recipient: UserId
    """0 if it is for a room."""
    target: str
    """As shown: the room's name with its status prefix, or the recipient's nickname."""
    minimum_status: int
    text: str
    tags: tuple[tuple[str, str], ...]
    recipient_identity: str
    """`history.identity` of the recipient; empty for a room."""
    away: str
    """The recipient's away message, for the sender only; empty if they are not away."""
    breaks: tuple[int, ...] = ()
    """As in `commands.Say`."""
    relayer: str = ""
    """The nickname of the user who relayed it; then `source` has the names of whom they spoke for.
    """


class Joined(_Change, frozen=True, tag=2):
    """`source` entered `room`."""

    room: RoomId
    name: str
    realname: str
    away: str
    unused: bool = False
    """Keeps its place in stored rows; earlier versions told here whether the room was new."""
    status: int = 0


class Parted(_Change, frozen=True, tag=3):
    """`source` left `room`."""

    room: RoomId
    name: str
    reason: str
    status: int = 0
    """Their status in the room before."""


class Kicked(_Change, frozen=True, tag=4):
    """`source` removed `user`, then called `nick`, from `room`."""

    room: RoomId
    name: str
    user: UserId
    nick: str
    reason: str
    status: int = 0
    """The removed user's status in the room before."""


class Quitted(_Change, frozen=True, tag=5):
    """`source` went offline; `rooms` are the (id, name) of the rooms they were in."""

    rooms: tuple[tuple[RoomId, str], ...]
    reason: str


class NickChanged(_Change, frozen=True, tag=6):
    """`source`, with the old nickname, is now `nick`."""

    nick: str
    rooms: tuple[tuple[RoomId, str], ...]


class TopicChanged(_Change, frozen=True, tag=7):
    """`room` has another topic, or none if it is empty."""

    room: RoomId
    name: str
    topic: str


class RoomModesChanged(_Change, frozen=True, tag=8):
    """`room` has other modes; the parameters are as shown (the member's nickname for o and v)."""

    room: RoomId
    name: str
    changes: tuple[ModeChange, ...]


class UserModesChanged(_Change, frozen=True, tag=9):
    """`source` changed their own modes."""

    changes: tuple[ModeChange, ...]


class Invited(_Change, frozen=True, tag=10):
    """`source` invited `user`, called `nick`, to `room`; `away` as in `Said`."""

    room: RoomId
    name: str
    user: UserId
    nick: str
    away: str


class AwayChanged(_Change, frozen=True, tag=11):
    """`source` is away with `message`, or back if it is empty."""

    message: str
    rooms: tuple[tuple[RoomId, str], ...]
    is_news: bool = True
    """If False, nothing changed, and only the user's own clients are told."""


class RealnameChanged(_Change, frozen=True, tag=12):
    """`source` has another real name (SETNAME)."""

    realname: str
    rooms: tuple[tuple[RoomId, str], ...]
    is_news: bool = True
    """As in `AwayChanged`."""


class SessionOpened(_Change, frozen=True, tag=13):
    """A client has registered."""

    session: SessionId
    absent_ms: int = 0
    """Since when its user, who is always on, had no client; 0 if there was one."""


class SessionClosed(_Change, frozen=True, tag=14):
    """A session ended; its node tells the client `reason` if it is still connected."""

    session: SessionId
    reason: str


class CapabilitiesChanged(_Change, frozen=True, tag=15):
    """A session negotiated other capabilities."""

    session: SessionId
    before: int
    after: int


class MonitorChanged(_Change, frozen=True, tag=16):
    """A session's MONITOR list changed; names are as typed, without those that did not fit."""

    session: SessionId
    is_cleared: bool
    added: tuple[str, ...]
    removed: tuple[str, ...]
    former: tuple[FoldedNick, ...] = ()
    """The whole list before."""


class SessionAttached(_Change, frozen=True, tag=17):
    """Another node serves the session now, with a higher generation."""

    session: SessionId
    generation: int


class WentOnline(_Change, frozen=True, tag=18):
    """`source` came online under a nickname, or changed to it. For MONITOR."""

    folded: FoldedNick


class WentOffline(_Change, frozen=True, tag=19):
    """`source` no longer uses a nickname. For MONITOR."""

    folded: FoldedNick


class SessionResumed(_Change, frozen=True, tag=20):
    """A client continues session `previous` as `session`; nobody else is told."""

    session: SessionId
    previous: SessionId


class AccountChanged(_Change, frozen=True, tag=21):
    """`source`, as they were before, is now logged in to `account`, or logged out if it is empty.

    `rooms` is empty if nothing changed; then only the asker is told.
    """

    account: str
    rooms: tuple[tuple[RoomId, str], ...]


class AccountRegistered(_Change, frozen=True, tag=22):
    """There is a new account; `source` has no user if its client was not registered."""

    account: AccountId
    name: str


class AccountUpdated(_Change, frozen=True, tag=23):
    """An account's credentials changed, or it was dropped; for the asker only.

    `what` is "password", "certificate-added", "certificate-removed", "dropped", "clients-ended",
    "invited", or what `chat.autoreplay` and `chat.pushes` call theirs. `detail` is the
    certificate's fingerprint, the account's name, the nickname of the clients, the id of the
    invitation, a number, or an endpoint.
    """

    what: str
    detail: str


class AlwaysOnChanged(_Change, frozen=True, tag=27):
    """`source`'s account is always-on, or no longer."""

    is_on: bool


class OwnershipChanged(_Change, frozen=True, tag=30):
    """What ChanServ did for `source`; for the answer only.

    `what` is "registered", "dropped", "offered", "withdrawn", "transferred", "access", "done".
    """

    room: RoomId
    name: str
    what: str
    account: str = ""
    """The other account involved, in its owner's spelling."""
    letter: str = ""
    """For "access": the status that the account gets; empty for none."""


class RoomMember(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A user who was in a room when it was renamed."""

    source: Source
    realname: str
    status: int


class RoomRenamed(_Change, frozen=True, tag=31):
    """A room has another name, and keeps its history and everything else.

    Clients without support for this are shown a departure from one room and an entry into another,
    which the other fields describe.
    """

    room: RoomId
    old: str
    name: str
    reason: str
    is_secret: bool
    topic: tuple[str, str, int] | None
    """Text, setter, time in milliseconds."""
    members: tuple[RoomMember, ...]


class MetadataChanged(_Change, frozen=True, tag=32):
    """Metadata of a room or user changed, or is shown because a user has just come."""

    room: RoomId
    """0 for a user's metadata."""
    user: UserId
    """0 for a room's metadata."""
    target: str
    entries: tuple[tuple[str, str | None], ...]
    """Keys and values; None for a removed key."""
    rooms: tuple[tuple[RoomId, str], ...] = ()
    """The rooms whose members are told."""
    folded: FoldedNick = FoldedNick("")
    """The nickname whose watchers are told; empty for none."""
    cause: str = "set"
    """"set": `source` asked for it; "account": `source` logged in; "presence": nothing changed, but
    the user came online or entered a room."""


class SubscriptionsChanged(_Change, frozen=True, tag=33):
    """A session changed its subscriptions to keys of metadata."""

    session: SessionId
    added: tuple[str, ...]
    """The new keys, in order."""
    removed: tuple[str, ...]
    """The keys that are no longer subscribed."""
    asked: tuple[str, ...]
    """The keys to confirm, whether or not they changed."""


class Redacted(_Change, frozen=True, tag=45):
    """`source` redacted a message, in `room` or in a private conversation.

    It makes the history store delete the text of the message.
    """

    room: RoomId
    """0 if it is private."""
    recipient: UserId
    """The other side of a private conversation; 0 if they are offline."""
    target: str
    message: str
    """The message's id."""
    position: Position
    number: int
    """The message's part within its entry."""
    reason: str
    author_nick: str
    """The author's nickname at the time."""
    recipient_identity: str
    """As in the message's `Said`; empty if the recipient's account exists no more."""


class OperatorsTold(_Change, frozen=True, tag=50):
    """A notice to the other operators about what `source` did."""

    text: str


class Wallopped(_Change, frozen=True, tag=51):
    """A message of `source` to all users with mode w."""

    text: str


class Killed(_Change, frozen=True, tag=53):
    """`source`, an operator, removed `user`, called `nick`, from the network."""

    user: UserId
    nick: str
    reason: str


class Rehashed(_Change, frozen=True, tag=52):
    """Every node has to read its configuration again."""


class ReadMarked(_Change, frozen=True, tag=40):
    """The time up to which `source` has read a conversation; for their own clients only."""

    target: str
    """As typed."""
    time_ms: int
    is_news: bool
    """If False, the marker did not move, and only the asker is told."""
    users: tuple[UserId, ...]
    """All users of the account, `source` included, whose clients are told."""


class HostChanged(_Change, frozen=True, tag=55):
    """`source`, as they were before, is shown with another host.

    Clients without support for this are shown a QUIT and new JOINs, which the other fields
    describe.
    """

    host: str
    realname: str
    rooms: tuple[tuple[RoomId, str], ...]
    statuses: tuple[int, ...]
    """The user's status in each of `rooms`."""
    away: str


class VirtualHostSet(_Change, frozen=True, tag=56):
    """An account's virtual host changed, or was switched on or off; for the asker only."""

    account: str
    host: str
    """Empty for none."""
    is_used: bool


Change: TypeAlias = (
    Said
    | Joined
    | Parted
    | Kicked
    | Quitted
    | NickChanged
    | TopicChanged
    | RoomModesChanged
    | UserModesChanged
    | Invited
    | AwayChanged
    | RealnameChanged
    | SessionOpened
    | SessionClosed
    | CapabilitiesChanged
    | MonitorChanged
    | SessionAttached
    | WentOnline
    | WentOffline
    | SessionResumed
    | AccountChanged
    | AccountRegistered
    | AccountUpdated
    | AlwaysOnChanged
    | OwnershipChanged
    | RoomRenamed
    | MetadataChanged
    | SubscriptionsChanged
    | ReadMarked
    | HostChanged
    | VirtualHostSet
    | Redacted
    | OperatorsTold
    | Wallopped
    | Killed
    | Rehashed
)
