"""One thing that a conversation shows: a message, an event, or a hole in what is known."""

import enum
from dataclasses import dataclass, field


class EntryKind(enum.Enum):
    """What an entry is. Days are no entries: which day it was depends on the reader's time zone."""

    MESSAGE = "message"
    NOTICE = "notice"
    ACTION = "action"
    """As of `/me`: "* alice waves"."""
    EVENT = "event"
    """Somebody came, went, was renamed, changed the topic, ...: `text` is a sentence."""
    INFORMATION = "information"
    """What the server or the client itself says: the message of the day, a refusal, help."""
    GAP = "gap"
    """Something is missing here, and can be loaded with `Model.fill_gap`."""


class Delivery(enum.Enum):
    """What became of one's own message."""

    RECEIVED = "received"
    """Not one's own, or one's own from history."""
    WAITING = "waiting"
    """Typed while there is no connection; it goes out once there is one."""
    SENDING = "sending"
    """Handed to the server, not confirmed yet."""
    DELIVERED = "delivered"
    """The server confirmed it: with Roost it is on the disks of a majority of the nodes."""
    FAILED = "failed"
    """`Entry.failure` says why; `Model.retry` sends it again, `Model.dismiss` gives it up."""


@dataclass(slots=True, eq=False)
class Entry:
    """One thing that a conversation shows. It is changed by the model alone; views only read."""

    id: int
    """Unique in the model, never used again. Says nothing about the order."""
    kind: EntryKind
    time_ms: int
    """Since the epoch; the server's time if it tells it, else when it arrived."""
    sender: str
    """The nickname, safe to show; the server's name, or empty, for what has no sender."""
    text: str
    """Safe to show, with IRC's formatting codes: see `text.spans`. May have several lines."""
    msgid: str = ""
    """The server's id for it; empty if it has none."""
    account: str = ""
    """The sender's account, if the server tells it."""
    is_mine: bool = False
    is_highlight: bool = False
    """It names the reader, or one of the words that the reader listens for."""
    event: str = ""
    """For events: the IRC command in lower case: join, part, quit, nick, topic, mode, kick, ..."""
    delivery: Delivery = Delivery.RECEIVED
    failure: str = ""
    """Why it was not delivered, in words for people."""
    reply_to: str = ""
    """The message id that it answers; `Conversation.find` finds the entry if it is loaded."""
    reactions: dict[str, list[str]] = field(default_factory=dict)
    """Who reacted, by reaction, in the order in which they did."""
    is_redacted: bool = False
    """It was taken back: `text` is empty then, `failure` the reason if one was given."""
    is_ignored: bool = False
    """From somebody whom the reader ignores: views leave it out."""
    revision: int = 0
    """Grows whenever anything above changes."""
