"""What of the conversation is kept for ever, and how it is asked for.

A row is one change in one conversation. A room's conversation is "r:" and its id; a private one
has a row for each side, "d:" and the owner's identity, a space, and the other's folded nickname.
"""

from typing import TypeAlias

import msgspec

from roost.chat.changes import Change
from roost.chat.ids import Position, RoomId, UserId

KIND_MESSAGE = 0
"""PRIVMSG and NOTICE."""
KIND_TAGMSG = 1
KIND_EVENT = 2
"""JOIN, PART, QUIT, NICK, KICK, TOPIC, MODE: shown with draft/event-playback only."""
KIND_REDACTED = 3
"""A message that was taken back: what it said is gone."""
KIND_REDACTION = 4
"""REDACT, which takes a message back: the store forgets what that said, whichever comes first."""


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One change in one conversation; (conversation, position, part) is unique."""

    conversation: str
    position: Position
    part: int
    time_ms: int
    kind: int
    peer: str
    """A private conversation's other side, as the nickname was written then; else empty."""
    record: bytes
    """The encoded change (`encode_change`)."""


class Anchor(msgspec.Struct, frozen=True, gc=False):
    """A point in a conversation, itself excluded: a message, or else a time."""

    position: Position = Position(0)
    part: int = 0
    time_ms: int = -1
    """Used instead of position and part when it is not -1."""


class Page(msgspec.Struct, frozen=True):
    """Asks for up to `limit` rows of one conversation, given in ascending order.

    `is_newest` takes them from the end of the range, else from its start. With `around` set,
    half of them lie before it, and the row at the anchor itself and later ones fill the rest.
    """

    conversation: str
    limit: int
    is_newest: bool
    after: Anchor | None = None
    before: Anchor | None = None
    around: Anchor | None = None
    with_events: bool = False
    """Also rows that are not KIND_MESSAGE."""
    from_position: Position = Position(0)
    """Rows before this one are not shown to anybody."""


class Targets(msgspec.Struct, frozen=True):
    """Asks which conversations had their latest message between two times, both excluded.

    Of the private conversations of `identity` and of the `rooms` (conversation, name,
    from_position); up to `limit`, oldest first when `after_ms < before_ms`.
    """

    identity: str
    rooms: tuple[tuple[str, str, Position], ...]
    after_ms: int
    before_ms: int
    limit: int


class Target(msgspec.Struct, frozen=True):
    """A conversation's name (room or nickname) and the time of its latest message."""

    name: str
    time_ms: int


class Search(msgspec.Struct, frozen=True):
    """Asks for messages by what they say, over conversations; given in ascending order.

    Up to `limit` of the newest in the span of time, or of the oldest; a row matches when all of
    `words` are in it, each as a word's beginning.
    """

    words: tuple[str, ...]
    """Runs of letters and digits; none when any text will do."""
    sender: str
    """A folded nickname; empty for anybody."""
    conversations: tuple[tuple[str, Position], ...]
    """Those that may be looked at, and from which position on."""
    owner: str
    """The `identity` all of whose private conversations are looked at as well; may be empty."""
    after_ms: int
    """At this time or later; -1 for any."""
    before_ms: int
    """At this time or earlier; -1 for any."""
    limit: int
    is_newest: bool


Query: TypeAlias = Page | Targets | Search
Answer: TypeAlias = tuple[Row, ...] | tuple[Target, ...]


def identity(user: UserId, account: str) -> str:
    """Say whose private history it is: the account's, or else this one visit's."""
    return f"a:{account}" if account else f"u:{user}"


def room_conversation(room: RoomId) -> str:
    """Name a room's conversation."""
    return f"r:{room}"


def private_conversation(owner: str, peer_folded: str) -> str:
    """Name the owner's side of a private conversation; `owner` is an `identity`."""
    return f"d:{owner} {peer_folded}"


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Change] = msgspec.msgpack.Decoder(Change)


def encode_change(change: Change) -> bytes:
    """Make a row's record."""
    return _encoder.encode(change)


def decode_change(record: bytes) -> Change:
    """Read a row's record.

    Raises:
        msgspec.MsgspecError: the record is not a change of this version.
    """
    return _decoder.decode(record)
