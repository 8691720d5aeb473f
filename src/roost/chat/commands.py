"""What can be asked of the replicated chat state: the payloads of log entries.

A *command* is asked for; ordered by the log it is an *entry*; applying it yields *changes*. A
client's line becomes at most one command, however many operations it holds, so that a line number
marks all of a line's effects at once.
"""

from typing import TypeAlias

import msgspec

from roost.chat.credentials import Credentials
from roost.chat.ids import AccountId, Position, SessionId, UserId
from roost.chat.settings import Settings


class _Operation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    pass


class Say(_Operation, frozen=True, tag=1):
    """PRIVMSG, NOTICE or TAGMSG to a room ("#r", "@#r", "+#r") or to a nickname."""

    verb: str
    target: str
    text: str
    """Empty for TAGMSG."""
    tags: tuple[tuple[str, str], ...] = ()
    """Client-only tags, names with their "+"."""
    breaks: tuple[int, ...] = ()
    """Where in `text` each line but the first begins, when it is of several lines: after a line
    feed, or where a long line was split."""


class Join(_Operation, frozen=True, tag=2):
    """Enter a room, and make it when it does not exist."""

    room: str
    key: str = ""


class Part(_Operation, frozen=True, tag=3):
    """Leave a room."""

    room: str
    reason: str = ""


class PartAll(_Operation, frozen=True, tag=4):
    """Leave every room (JOIN 0)."""


class SetTopic(_Operation, frozen=True, tag=5):
    """Set a room's topic; an empty one clears it."""

    room: str
    topic: str


class ModeChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One letter of a MODE command."""

    is_added: bool
    letter: str
    parameter: str = ""


class SetRoomModes(_Operation, frozen=True, tag=6):
    """Change a room's modes; letters and the presence of parameters are checked before."""

    room: str
    changes: tuple[ModeChange, ...]


class SetUserModes(_Operation, frozen=True, tag=7):
    """Change one's own user modes."""

    nick: str
    changes: tuple[ModeChange, ...]


class Kick(_Operation, frozen=True, tag=8):
    """Remove somebody from a room."""

    room: str
    nick: str
    reason: str = ""


class Invite(_Operation, frozen=True, tag=9):
    """Invite somebody to a room."""

    room: str
    nick: str


class ChangeNick(_Operation, frozen=True, tag=10):
    """Take another nickname."""

    nick: str


class SetAway(_Operation, frozen=True, tag=11):
    """Be away with a message, or back with an empty one."""

    message: str


class SetRealname(_Operation, frozen=True, tag=12):
    """SETNAME."""

    realname: str


class SetCapabilities(_Operation, frozen=True, tag=13):
    """The session's negotiated capabilities, as bits that the IRC layer gives meaning to."""

    capabilities: int


class Monitor(_Operation, frozen=True, tag=14):
    """Change the session's MONITOR list."""

    is_cleared: bool
    added: tuple[str, ...]
    removed: tuple[str, ...]


class Quit(_Operation, frozen=True, tag=15):
    """End the session at the client's wish."""

    reason: str


class SetAlwaysOn(_Operation, frozen=True, tag=25):
    """Stay in the rooms while no client is connected, or no longer."""

    is_on: bool


class RegisterRoom(_Operation, frozen=True, tag=28):
    """Become a room's founder."""

    room: str


class DropRoom(_Operation, frozen=True, tag=29):
    """Let a room be nobody's again."""

    room: str


class SetAccess(_Operation, frozen=True, tag=30):
    """Say which status an account gets whenever it enters a room: "o", "v" or "" for none."""

    room: str
    account: str
    letter: str


class TransferRoom(_Operation, frozen=True, tag=31):
    """Offer a room to another account, or take the offer back by offering it to oneself."""

    room: str
    account: str


class AcceptRoom(_Operation, frozen=True, tag=32):
    """Become the founder of a room that one was offered."""

    room: str


class GiveStatus(_Operation, frozen=True, tag=33):
    """Have ChanServ give somebody in a room "o" or "v", or take it."""

    room: str
    nick: str
    letter: str
    is_added: bool


class ClearRoom(_Operation, frozen=True, tag=34):
    """Have ChanServ lift bans: all ("bans"), or those that match oneself ("own-bans").

    Or end all the access that was given ("access"), or remove everybody else ("users").
    """

    room: str
    what: str


class RenameRoom(_Operation, frozen=True, tag=35):
    """Give a room another name (ircv3.net/specs/extensions/channel-rename)."""

    room: str
    name: str
    reason: str = ""


class SetMetadata(_Operation, frozen=True, tag=36):
    """Set or remove metadata of oneself ("*") or of a room or nickname.

    Source: ircv3.net/specs/extensions/metadata.
    """

    target: str
    key: str
    """Empty to remove all that there is."""
    value: str | None = None
    """None to remove it."""


class SubscribeMetadata(_Operation, frozen=True, tag=37):
    """Change which keys of metadata the session is told of, in the order of preference."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


class MarkRead(_Operation, frozen=True, tag=38):
    """Say up to when a room or a conversation was read (ircv3.net/specs/extensions/read-marker)."""

    target: str
    time_ms: int


class RegisterAccount(_Operation, frozen=True, tag=16):
    """Make an account, and log in to it."""

    name: str
    credentials: Credentials


class LogIn(_Operation, frozen=True, tag=17):
    """Log in to an account; the node has checked that the client may."""

    account: AccountId


class LogOut(_Operation, frozen=True, tag=18):
    """Log out."""


class SetCredentials(_Operation, frozen=True, tag=19):
    """Change the password of one's own account."""

    account: AccountId
    credentials: Credentials


class DropAccount(_Operation, frozen=True, tag=20):
    """Give up one's own account."""

    account: AccountId


class AddCertificate(_Operation, frozen=True, tag=21):
    """Let a client certificate open one's own account."""

    account: AccountId
    fingerprint: str


class RemoveCertificate(_Operation, frozen=True, tag=22):
    """Let a client certificate open one's own account no more."""

    account: AccountId
    fingerprint: str


class GrantHost(_Operation, frozen=True, tag=53):
    """Give an account a virtual host, or take it (empty); for operators."""

    account: str
    host: str


class UseHost(_Operation, frozen=True, tag=54):
    """Be shown under the virtual host of one's account, or under one's own."""

    is_used: bool


class EndClients(_Operation, frozen=True, tag=23):
    """End the clients of another user of one's own account, who is called `nick`."""

    nick: str


class Redact(_Operation, frozen=True, tag=42):
    """Take a message back; everything after `reason` is what the node read of it."""

    target: str
    """A room, or the other side of a private conversation."""
    message: str
    """Its id as it is written."""
    position: Position
    number: int
    """Its part within the entry."""
    time_ms: int
    """When it was said."""
    reason: str
    author: UserId
    author_account: str
    author_nick: str
    """As it was then."""
    recipient_identity: str
    """As in `Said`."""


class BecomeOperator(_Operation, frozen=True, tag=46):
    """OPER, by somebody who has proved to be `name` of the configuration."""

    name: str


class Kill(_Operation, frozen=True, tag=47):
    """Remove a user from the network, with every client; for operators."""

    nick: str
    reason: str


class AddBan(_Operation, frozen=True, tag=48):
    """Ban from the network, see `chat.bans`, whoever is there already included; for operators."""

    mask: str
    reason: str
    duration_s: int = 0
    """0 is for good."""


class RemoveBan(_Operation, frozen=True, tag=49):
    """Lift a ban; for operators."""

    mask: str


class Wallops(_Operation, frozen=True, tag=50):
    """Say something to everybody with user mode w; for operators."""

    text: str


class Rehash(_Operation, frozen=True, tag=51):
    """Have every node read its configuration again; for operators."""


Operation: TypeAlias = (
    Say
    | Join
    | Part
    | PartAll
    | SetTopic
    | SetRoomModes
    | SetUserModes
    | Kick
    | Invite
    | ChangeNick
    | SetAway
    | SetRealname
    | SetCapabilities
    | Monitor
    | Quit
    | RegisterRoom
    | DropRoom
    | SetAccess
    | TransferRoom
    | AcceptRoom
    | GiveStatus
    | ClearRoom
    | RenameRoom
    | SetMetadata
    | SubscribeMetadata
    | MarkRead
    | SetAlwaysOn
    | RegisterAccount
    | LogIn
    | LogOut
    | SetCredentials
    | DropAccount
    | AddCertificate
    | RemoveCertificate
    | EndClients
    | GrantHost
    | UseHost
    | Redact
    | BecomeOperator
    | Kill
    | AddBan
    | RemoveBan
    | Wallops
    | Rehash
)

OPERATIONS_MAX = 64
"""Operations in one line: what a 512-byte line's longest list of targets could sensibly hold."""


class _Command(msgspec.Struct, frozen=True, array_like=True, gc=False):
    pass


class OpenSession(_Command, frozen=True, tag=101):
    """A client has registered; refused when the nickname is taken."""

    session: SessionId
    generation: int
    line: int
    """The last line of the registration; everything up to it is acknowledged by this."""
    nick: str
    username: str
    realname: str
    host: str
    capabilities: int
    is_secure: bool
    """The client came in over TLS."""
    balancer: str
    """The name of the balancer that chose the session's id; refused unless it is known for it."""
    account: AccountId = AccountId(0)
    """The account that the client has proved to own; 0 for none."""
    certificate: str = ""
    """The client certificate's SHA-256 fingerprint in lower-case hexadecimal; empty for none."""
    metadata: tuple[tuple[str, str], ...] = ()
    """What the client said of itself before it was registered; keys are valid and few enough."""
    subscribed: tuple[str, ...] = ()
    """The keys of metadata that it asked to be told of."""
    away: str | None = None
    """The away message that it gave before it was registered, if it gave one: "" says that somebody
    is there, and "*" that nobody is."""


class Act(_Command, frozen=True, tag=102):
    """A registered client's line."""

    session: SessionId
    generation: int
    line: int
    operations: tuple[Operation, ...]


class AttachSessions(_Command, frozen=True, tag=103):
    """Another node serves these sessions from now on.

    Commands of lower generations are refused. They come in numbers: a dead node's sessions are
    moved together, and an entry each would cost more than all the rest of it.
    """

    sessions: tuple[tuple[SessionId, int], ...]
    """Each with the generation that it gets, unless it has it already or a higher one."""


class CloseSession(_Command, frozen=True, tag=104):
    """The client's connection is gone; harmless when the session is closed already.

    Carries no generation: a client that is gone is gone for every node.
    """

    session: SessionId
    reason: str


class BalancerStarted(_Command, frozen=True, tag=105):
    """A balancer announced a new incarnation; what it held before has no connection any more.

    Sessions that can be resumed stay until `BalancerLost` names their incarnation.
    """

    name: str
    incarnation: int


class BalancerLost(_Command, frozen=True, tag=106):
    """A balancer's incarnation has not been seen by any node for the grace period."""

    name: str
    """Empty for one that came before the balancer's present incarnation."""
    incarnation: int


class Configure(_Command, frozen=True, tag=107):
    """The settings that must be equal on all nodes."""

    settings: Settings
    node: str = ""
    """Whose configuration says so; it is heard once for each change of it."""
    written: str = ""
    """What it says, as `settings.written` has it."""


class ResumeSession(_Command, frozen=True, tag=108):
    """A client goes on with a session of before, over another connection.

    The new session takes the old one's place in everything that others can see; its node has
    checked that the client holds the old one's token.
    """

    session: SessionId
    generation: int
    line: int
    """As in `OpenSession`."""
    previous: SessionId
    user: UserId
    """Whose session `previous` was."""
    capabilities: int
    is_secure: bool
    balancer: str


class SetSecret(_Command, frozen=True, tag=109):
    """The key that tokens for resuming are made with; only the first one counts."""

    secret: bytes

    def __repr__(self) -> str:
        return "SetSecret(...)"


class ExpireAbsent(_Command, frozen=True, tag=115):
    """Somebody has been without a client for longer than the settings allow.

    The log's time decides who, so that a clock that goes wrong throws nobody out.
    """


class SetServicesHost(_Command, frozen=True, tag=118):
    """The host that ChanServ and the like show themselves under."""

    host: str


class CountLogin(_Command, frozen=True, tag=110):
    """A client wants to log in with a password; refused when there were too many attempts.

    Its line takes no effect by this and is not acknowledged by it.
    """

    session: SessionId
    generation: int
    line: int
    address: str
    account: str
    """As it was typed; there may be none of that name."""


class RegisterEarly(_Command, frozen=True, tag=111):
    """A client that is not registered itself makes an account."""

    session: SessionId
    generation: int
    line: int
    address: str
    name: str
    credentials: Credentials


Command: TypeAlias = (
    OpenSession
    | Act
    | AttachSessions
    | CloseSession
    | BalancerStarted
    | BalancerLost
    | Configure
    | ResumeSession
    | SetSecret
    | SetServicesHost
    | ExpireAbsent
    | CountLogin
    | RegisterEarly
)

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)


def encode_command(command: Command) -> bytes:
    """Make a log entry's data."""
    return _encoder.encode(command)


def decode_command(data: bytes) -> Command:
    """Read a log entry's data.

    Raises:
        msgspec.MsgspecError: the data is not a command of this version.
    """
    return _decoder.decode(data)
