"""An entry of a conversation: a message, an event, or a gap in what is loaded."""

import enum
from dataclasses import dataclass, field


class EntryKind(enum.Enum):
    """What an entry is. Days have no entries: they depend on the reader's time zone."""

    MESSAGE = "message"
    NOTICE = "notice"
    ACTION = "action"
    """A `/me`: "* alice waves"."""
    EVENT = "event"
    """A join, part, renaming, change of topic, ...; `text` is a sentence."""
    INFORMATION = "information"
    """What the server or the client says: the message of the day, a refusal, an answer."""
    GAP = "gap"
    """Messages are missing here; `Model.fill_gap` loads them."""


class Delivery(enum.Enum):
    """What became of a message of the user."""

    RECEIVED = "received"
    """Not the user's, or the user's own from history."""
    WAITING = "waiting"
    """Not sent, because there is no connection, or others are still on their way."""
    SENDING = "sending"
    """Sent to the server, but not confirmed."""
    DELIVERED = "delivered"
    """Confirmed by the server: with Roost, on the disks of a majority of the nodes."""
    FAILED = "failed"
    """`Entry.failure` says why; `Model.retry` sends it again, `Model.dismiss` gives it up."""


@dataclass(slots=True, eq=False)
class Entry:
    """An entry. Only the model changes it; views read it."""

    id: int
    """Unique in the model, and never reused. Says nothing about the order."""
    kind: EntryKind
    time_ms: int
    """Since the epoch: the server's time if it sent one, else the time of arrival."""
    sender: str
    """The nickname or the server's name, safe to show; empty if there is no sender."""
    text: str
    """Safe to show, with formatting codes: see `text.spans`. May have several lines."""
    msgid: str = ""
    """The server's id; empty if there is none."""
    account: str = ""
    """The sender's account, if the server sent it."""
    is_mine: bool = False
    is_highlight: bool = False
    """Whether it mentions the user, or one of the user's highlight words."""
    event: str = ""
    """For events: the IRC command in lower case, such as "join"."""
    delivery: Delivery = Delivery.RECEIVED
    failure: str = ""
    """Why it was not delivered, for people."""
    reply_to: str = ""
    """The message id that it answers; `Conversation.find` finds the entry if it is loaded."""
    reactions: dict[str, list[str]] = field(default_factory=dict)
    """The nicknames that reacted, by reaction, in the order of reacting."""
    language: str = ""
    """Of its block of code, if the sender said it; may be anything."""
    edits: str = ""
    """The message id of the earlier version that this one replaces; empty if it is no edit."""
    is_replaced: bool = False
    """Whether a later version, by the same sender, stands for it."""
    is_redacted: bool = False
    """Whether it was deleted: then `text` is empty, and `failure` the reason if there is one."""
    is_ignored: bool = False
    """Whether the sender is ignored; views do not show it."""
    revision: int = 0
    """Grows with every change of the fields above."""
