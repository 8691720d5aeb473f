"""Messages: sending and redacting them, and read markers."""

from typing import TypeAlias

from roost.chat.commands.payload import Payload
from roost.chat.ids import AccountId, Position, UserId


class Say(Payload, frozen=True, tag=1):
    """PRIVMSG, NOTICE or TAGMSG to a room ("#r", "@#r", "+#r") or to a nickname."""

    verb: str
    target: str
    text: str
    """Empty for TAGMSG."""
    tags: tuple[tuple[str, str], ...] = ()
    """Client-only tags, names with their "+"."""
    breaks: tuple[int, ...] = ()
    """Where in a `text` of several lines each line but the first starts: after a line feed, or
    where a long line was split."""


class Relay(Payload, frozen=True, tag=56):
    """PRIVMSG to a room in the name of somebody on another network (RELAYMSG)."""

    room: str
    nick: str
    """Whom the user speaks for."""
    text: str
    tags: tuple[tuple[str, str], ...] = ()
    """As in `Say`."""


class Redact(Payload, frozen=True, tag=42):
    """Redact a message; `reason` and `target` are the client's, the rest is what the node read."""

    target: str
    """A room, or the other side of a private conversation."""
    message: str
    """The message's id."""
    position: Position
    number: int
    """Its part within the entry."""
    time_ms: int
    """When it was sent."""
    reason: str
    author: UserId
    author_account: str
    author_nick: str
    """At the time of the message."""
    recipient_identity: str
    """As in `Said`."""
    author_account_id: AccountId = AccountId(0)
    """0 if the author was not logged in, or an earlier version stored the message."""


class MarkRead(Payload, frozen=True, tag=38):
    """Set the time up to which a conversation was read (ircv3.net/specs/extensions/read-marker)."""

    target: str
    time_ms: int


MessageOperation: TypeAlias = Say | Relay | Redact | MarkRead
