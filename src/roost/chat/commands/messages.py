"""Talking: messages, taking them back, and having read them."""

from typing import TypeAlias

from roost.chat.commands.payload import Payload
from roost.chat.ids import Position, UserId


class Say(Payload, frozen=True, tag=1):
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


class Redact(Payload, frozen=True, tag=42):
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


class MarkRead(Payload, frozen=True, tag=38):
    """Say up to when a room or a conversation was read (ircv3.net/specs/extensions/read-marker)."""

    target: str
    time_ms: int


MessageOperation: TypeAlias = Say | Redact | MarkRead
