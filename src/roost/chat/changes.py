"""What applying an entry changed: complete in itself, so that it can be shown at any later time.

A change carries the names as they were; showing one reads no state but the list of who may see
it. The same bytes are stored in history, so live and past look alike.
"""

from typing import TypeAlias

import msgspec

from roost.chat.commands.modes import ModeChange
from roost.chat.ids import AccountId, FoldedNick, Position, RoomId, SessionId, UserId

VOICE = 1
OPERATOR = 2
"""Bits of a member's status in a room."""


class Source(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Who did it, under the names they had when they did it."""

    user: UserId
    nick: str
    username: str
    host: str
    account: str = ""
    """Empty when not logged in."""
    is_bot: bool = False
    """Said of themselves that they are no human (user mode B)."""


class _Change(msgspec.Struct, frozen=True, array_like=True, gc=False):
    part: int
    """Number within the entry, from 0; with the position it makes the message id."""
    source: Source


class Said(_Change, frozen=True, tag=1):
    """A message. To a room: everyone in it of at least `minimum_status`; else to `recipient`."""

    verb: str
    room: RoomId
    """0 when it is private."""
    recipient: UserId
    """0 when it is for a room."""
    target: str
    """As shown: the room's name with its status prefix, or the recipient's nickname."""
    minimum_status: int
    text: str
    tags: tuple[tuple[str, str], ...]
    recipient_identity: str
    """`history.identity` of the recipient, empty for a room."""
    away: str
    """The recipient's away message, for the sender alone; empty when present."""
    breaks: tuple[int, ...] = ()
    """As in `commands.Say`."""


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
    """What they were in the room."""


class Kicked(_Change, frozen=True, tag=4):
    """`source` removed `user`, then called `nick`, from `room`."""

    room: RoomId
    name: str
    user: UserId
    nick: str
    reason: str
    status: int = 0
    """What the removed one was in the room."""


class Quitted(_Change, frozen=True, tag=5):
    """`source` is gone; `rooms` are (id, name) of where it was."""

    rooms: tuple[tuple[RoomId, str], ...]
    reason: str


class NickChanged(_Change, frozen=True, tag=6):
    """`source`, under its old name, is now `nick`."""

    nick: str
    rooms: tuple[tuple[RoomId, str], ...]


class TopicChanged(_Change, frozen=True, tag=7):
    """`room` has another topic; empty when it was cleared."""

    room: RoomId
    name: str
    topic: str


class RoomModesChanged(_Change, frozen=True, tag=8):
    """`room` has other modes; parameters are as shown (the member's nickname for o and v)."""

    room: RoomId
    name: str
    changes: tuple[ModeChange, ...]


class UserModesChanged(_Change, frozen=True, tag=9):
    """`source`'s own modes changed."""

    changes: tuple[ModeChange, ...]


class Invited(_Change, frozen=True, tag=10):
    """`source` invited `user`, called `nick`, to `room`; `away` as in `Said`."""

    room: RoomId
    name: str
    user: UserId
    nick: str
    away: str


class AwayChanged(_Change, frozen=True, tag=11):
    """`source` went away with `message`, or came back (empty)."""

    message: str
    rooms: tuple[tuple[RoomId, str], ...]
    is_news: bool = True
    """Else it was so before, and nobody is told but the user's own clients."""


class RealnameChanged(_Change, frozen=True, tag=12):
    """SETNAME."""

    realname: str
    rooms: tuple[tuple[RoomId, str], ...]
    is_news: bool = True
    """As in `AwayChanged`."""


class SessionOpened(_Change, frozen=True, tag=13):
    """A client is registered."""

    session: SessionId


class SessionClosed(_Change, frozen=True, tag=14):
    """A client is gone; its node tells it `reason` if it is still there."""

    session: SessionId
    reason: str


class CapabilitiesChanged(_Change, frozen=True, tag=15):
    """A session negotiated other capabilities."""

    session: SessionId
    before: int
    after: int


class MonitorChanged(_Change, frozen=True, tag=16):
    """A session's MONITOR list changed; names are as typed, unless they did not fit."""

    session: SessionId
    is_cleared: bool
    added: tuple[str, ...]
    removed: tuple[str, ...]


class SessionAttached(_Change, frozen=True, tag=17):
    """Another node serves the session, under a higher generation."""

    session: SessionId
    generation: int


class WentOnline(_Change, frozen=True, tag=18):
    """A nickname came into use; `source` bears it. For MONITOR."""

    folded: FoldedNick


class WentOffline(_Change, frozen=True, tag=19):
    """A nickname fell out of use; `source` bore it. For MONITOR."""

    folded: FoldedNick


class SessionResumed(_Change, frozen=True, tag=20):
    """A client goes on with session `previous` as `session`; to others nothing happened."""

    session: SessionId
    previous: SessionId


class AccountChanged(_Change, frozen=True, tag=21):
    """`source`, as it was before, is logged in to `account` now, or to none when it is empty.

    `rooms` is empty when it was so before: only the one who asked is told then.
    """

    account: str
    rooms: tuple[tuple[RoomId, str], ...]


class AccountRegistered(_Change, frozen=True, tag=22):
    """There is a new account; `source` has no user when nobody was online under it yet."""

    account: AccountId
    name: str


class AccountUpdated(_Change, frozen=True, tag=23):
    """What opens an account changed, or it is gone; for the one who asked.

    `what` is "password", "certificate-added", "certificate-removed", "dropped" or "clients-ended";
    `detail` is the certificate's fingerprint, the account's name, or the nickname of the clients.
    """

    what: str
    detail: str


class AlwaysOnChanged(_Change, frozen=True, tag=27):
    """`source`'s account is always on from now on, or not any more."""

    is_on: bool


class OwnershipChanged(_Change, frozen=True, tag=30):
    """What ChanServ did for `source`, for the answer alone.

    `what` is "registered", "dropped", "offered", "withdrawn", "transferred", "access", "done".
    """

    room: RoomId
    name: str
    what: str
    account: str = ""
    """The other account that it is about, as its owner writes it."""
    letter: str = ""
    """For "access": the status that it gets from now on; empty for none."""


class RoomMember(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Somebody who was in a room when it got another name."""

    source: Source
    realname: str
    status: int


class RoomRenamed(_Change, frozen=True, tag=31):
    """A room has another name; history and everything else that is the room's stays with it.

    It holds what clients that know nothing of renaming are shown instead: as if they had left
    one room and entered another.
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
    """Metadata of a room or of a user changed, or is told of a user who has just come."""

    room: RoomId
    """0 when it is a user's."""
    user: UserId
    """0 when it is a room's."""
    target: str
    entries: tuple[tuple[str, str | None], ...]
    """Keys and values; None for what was removed."""
    rooms: tuple[tuple[RoomId, str], ...] = ()
    """Where the members are told."""
    folded: FoldedNick = FoldedNick("")
    """The nickname whose watchers are told; empty for none."""
    cause: str = "set"
    """"set": `source` asked for it; "account": `source` logged in; "presence": nothing changed, and
    it is told because the user came online or entered."""


class SubscriptionsChanged(_Change, frozen=True, tag=33):
    """A session is told of other keys of metadata."""

    session: SessionId
    added: tuple[str, ...]
    """Those that are new, in order."""
    removed: tuple[str, ...]
    """Those that were there."""
    asked: tuple[str, ...]
    """Those that are to be confirmed, whether or not there was anything to be done."""


class Redacted(_Change, frozen=True, tag=45):
    """`source` took a message back: in `room`, or of a private conversation.

    It is the history store's order to forget what the message said.
    """

    room: RoomId
    """0 when it is private."""
    recipient: UserId
    """Who else is told of a private one; 0 when they are not here."""
    target: str
    message: str
    """The message's id as it is written."""
    position: Position
    number: int
    """The message's part within its entry."""
    reason: str
    author_nick: str
    """Who said it, under the nickname that they had."""
    recipient_identity: str
    """As in the message's `Said`."""


class OperatorsTold(_Change, frozen=True, tag=50):
    """What `source` did as an operator, in words for the others."""

    text: str


class Wallopped(_Change, frozen=True, tag=51):
    """`source` says something to everybody with user mode w."""

    text: str


class Killed(_Change, frozen=True, tag=53):
    """`source`, an operator, removes `user`, called `nick`, from the network."""

    user: UserId
    nick: str
    reason: str


class Rehashed(_Change, frozen=True, tag=52):
    """Every node is to read its configuration again."""


class ReadMarked(_Change, frozen=True, tag=40):
    """Up to when `source` has read a room or a conversation, for their own clients alone."""

    target: str
    """As it was typed."""
    time_ms: int
    is_news: bool
    """Whether it was less before; else only the one who asked is told."""
    users: tuple[UserId, ...]
    """Whose clients are told: all who are logged in to the account, `source` among them."""


class HostChanged(_Change, frozen=True, tag=55):
    """`source`, as it was before, is shown under another host.

    It holds what clients that know nothing of that are shown instead: as if the user had left the
    network and come back.
    """

    host: str
    realname: str
    rooms: tuple[tuple[RoomId, str], ...]
    statuses: tuple[int, ...]
    """The user's status in each of `rooms`."""
    away: str


class VirtualHostSet(_Change, frozen=True, tag=56):
    """An account has another virtual host, or uses it or not; for the one who asked."""

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
