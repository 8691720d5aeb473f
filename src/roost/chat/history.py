"""What history stores, and how it is queried.

A row is one change in one conversation. A room's conversation is "r:" and its id. A private one has
a row for each side: "d:", the owner's identity, a space, and the other side's folded nickname.

An *identity* is "i:" and the id of an account, or "u:" and the id of a user who is not logged in.
So whoever registers a name again has another identity than its former owner. Earlier versions
stored "a:" and the account's name. Such a row belongs to the account that has the name, but only
if the row is newer than the account; `chat.identities` tells why.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import msgspec

from roost.chat.changes import Change, Redacted, RoomRenamed, Said, Source
from roost.chat.ids import AccountId, Position, RoomId, UserId

KIND_MESSAGE: Final = 0
"""PRIVMSG and NOTICE."""
KIND_TAGMSG: Final = 1
KIND_EVENT: Final = 2
"""JOIN, PART, QUIT, NICK, KICK, TOPIC, MODE: only shown with draft/event-playback."""
KIND_REDACTED: Final = 3
"""A redacted message: its text is gone."""
KIND_REDACTION: Final = 4
"""REDACT: the store deletes the message's text, in whichever order the two rows arrive."""
KIND_RENAME: Final = 5
"""RENAME, which some clients with draft/event-playback do not know; KIND_EVENT in older rows."""
KIND_REDACTED_TAGMSG: Final = 6
"""KIND_REDACTED in older rows."""
KINDS = (
    KIND_MESSAGE,
    KIND_TAGMSG,
    KIND_EVENT,
    KIND_REDACTED,
    KIND_REDACTION,
    KIND_RENAME,
    KIND_REDACTED_TAGMSG,
)


POSITION_MAX = 2**63 - 1
"""A position after every row's."""

BY_NAME = "a:"
"""How an identity begins that earlier versions stored; the rest is the account's name."""


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One change in one conversation; (conversation, position, part) is unique."""

    conversation: str
    position: Position
    part: int
    time_ms: int
    kind: int
    peer: str
    """The nickname of a private conversation's other side, as written then; else empty."""
    record: bytes
    """The encoded change (`encode_change`)."""


class Anchor(msgspec.Struct, frozen=True, gc=False):
    """A point in a conversation, itself excluded: a message or a time."""

    position: Position = Position(0)
    part: int = 0
    time_ms: int = -1
    """Used instead of position and part unless it is -1."""


class Owner(NamedTuple):
    """Somebody who asks for their own private history: one of their identities."""

    identity: str
    from_position: Position = Position(0)
    """Rows before this one belong to somebody else who had the same identity."""


class Excerpt(NamedTuple):
    """The rows of a conversation that somebody may read."""

    conversation: str
    from_position: Position = Position(0)
    """The first of them."""
    peers: tuple[Owner, ...] = ()
    """Unless empty, only rows of a private conversation whose other side is one of these."""


class Span(NamedTuple):
    """A range of positions, both ends included: the part of history that a query is put to."""

    first: Position = Position(0)
    last: Position = Position(POSITION_MAX)


EVERYTHING = Span()


class Held(NamedTuple):
    """From where on a store has all rows, except for gaps."""

    position: Position = Position(1)
    time_ms: int = 0
    """Rows before `position` are not newer than this, and rows from there on are not older."""


class Page(msgspec.Struct, frozen=True):
    """Asks for up to `limit` rows of one conversation, in ascending order.

    `is_newest` takes them from the end of the range rather than its start. With `around`, half of
    them lie before that anchor; the row at the anchor and later ones fill the rest.
    """

    conversation: str
    limit: int
    is_newest: bool
    after: Anchor | None = None
    before: Anchor | None = None
    around: Anchor | None = None
    kinds: tuple[int, ...] = (KIND_MESSAGE,)
    """The kinds that the client is shown; other rows do not count (`is_shown`)."""
    from_position: Position = Position(0)
    """Nobody may read rows before this one."""
    more: tuple[Excerpt, ...] = ()
    """Other keys under which rows of the same conversation are stored."""

    def excerpts(self) -> tuple[Excerpt, ...]:
        """Return everything that the page is taken from."""
        return (Excerpt(self.conversation, self.from_position), *self.more)


class Targets(msgspec.Struct, frozen=True):
    """Asks which conversations had their latest message between two times, both excluded.

    Considers the private conversations of `owners`, who are one person, and the `rooms`
    (conversation, name, from_position). Returns up to `limit`, oldest first if
    `after_ms < before_ms`.
    """

    owners: tuple[Owner, ...]
    rooms: tuple[tuple[str, str, Position], ...]
    after_ms: int
    before_ms: int
    limit: int


class Target(msgspec.Struct, frozen=True):
    """A conversation's name (room or nickname) and the time of its latest message."""

    name: str
    time_ms: int


class Search(msgspec.Struct, frozen=True):
    """Asks for messages by their text, over several conversations, in ascending order.

    Returns up to `limit` of the newest or of the oldest in a span of time. A row matches if it has
    all of `words`, each as the beginning of a word.
    """

    words: tuple[str, ...]
    """Runs of letters and digits; empty to match any text."""
    sender: str
    """A folded nickname; empty to match any."""
    conversations: tuple[Excerpt, ...]
    """The conversations to search."""
    owners: tuple[Owner, ...]
    """Those whose private conversations are searched as well."""
    after_ms: int
    """This time or later; -1 for any."""
    before_ms: int
    """This time or earlier; -1 for any."""
    limit: int
    is_newest: bool


Query: TypeAlias = Page | Targets | Search
Answer: TypeAlias = tuple[Row, ...] | tuple[Target, ...]


def identity(user: UserId, account: AccountId) -> str:
    """Return the owner of private history: an account, or a user who is not logged in (0)."""
    return f"i:{account}" if account else f"u:{user}"


def identity_of(source: Source) -> str:
    """Return the identity of whoever caused a change, also of one that is stored."""
    if source.account and not source.account_id:
        return identity_by_name(source.account)
    return identity(source.user, source.account_id)


def identity_by_name(account: str) -> str:
    """Return the identity that earlier versions stored for an account."""
    return f"{BY_NAME}{account}"


def room_conversation(room: RoomId) -> str:
    return f"r:{room}"


def private_conversation(owner: str, peer_folded: str) -> str:
    """Return the owner's side of a private conversation; `owner` is an `identity`."""
    return f"d:{owner} {peer_folded}"


encode_change: Callable[[Change], bytes] = msgspec.msgpack.Encoder().encode
"""Makes a row's record."""
decode_change: Callable[[bytes], Change] = msgspec.msgpack.Decoder(Change).decode
"""Reads a row's record; raises `msgspec.MsgspecError` if it is no change of this version."""


def is_with(row: Row, peers: tuple[Owner, ...]) -> bool:
    """Return whether the other side of a private row is one of these, or there are none."""
    if not peers:
        return True
    try:
        change = decode_change(row.record)
    except msgspec.MsgspecError:
        return False
    if not isinstance(change, Said | Redacted):
        return False
    mine = row.conversation.removeprefix("d:").rpartition(" ")[0]
    author = identity_of(change.source)
    other = change.recipient_identity if author == mine else author
    return any(peer.identity == other and row.position >= peer.from_position for peer in peers)


def is_shown(row: Row, kinds: tuple[int, ...]) -> bool:
    """Return whether a row, also one that an older version stored, is of one of these kinds."""
    if row.kind not in kinds:
        return False
    may_be_rename = row.kind == KIND_EVENT and KIND_RENAME not in kinds
    may_be_tagmsg = row.kind == KIND_REDACTED and KIND_REDACTED_TAGMSG not in kinds
    if not (may_be_rename or may_be_tagmsg):
        return True
    try:
        change = decode_change(row.record)
    except msgspec.MsgspecError:
        return True  # Whoever renders it reports the error.
    if may_be_rename:
        return not isinstance(change, RoomRenamed)
    return not (isinstance(change, Said) and change.verb == "TAGMSG")
