"""A conversation: a room, a private one, or the messages of the server itself.

Views follow a conversation cheaply: `revision` grows with every change of anything in it,
`members.revision` with the list of members, and `Entry.revision` with the entry.
"""

import enum
from dataclasses import dataclass

from roost.client.model.entry import Entry
from roost.client.model.people import Members, Person


class ConversationKind(enum.Enum):
    """What a conversation is with."""

    ROOM = "room"
    PRIVATE = "private"
    SERVER = "server"
    """The server itself; there is exactly one. Only commands can be typed there."""


@dataclass(slots=True)
class History:
    """What is known of a conversation's past."""

    is_offered: bool = False
    """Whether the server keeps history that this client can load."""
    is_more_above: bool = True
    """Whether there may be more before the first entry; only with `is_offered`."""
    is_loading: bool = False
    """Whether an answer is awaited; ask nothing until it has come."""
    problem: str = ""
    """Why the last request failed, for people; empty if it did not."""


class Conversation:
    """A conversation; only the model changes it."""

    __slots__ = (
        "_answers",
        "_by_msgid",
        "_versions",
        "draft",
        "entries",
        "highlights",
        "history",
        "is_joined",
        "is_joining",
        "is_outside",
        "key",
        "kind",
        "members",
        "name",
        "peer",
        "pending",
        "problem",
        "read_ms",
        "read_sent_ms",
        "reply_draft",
        "revision",
        "shown",
        "sync",
        "target",
        "topic",
        "topic_by",
        "typing",
        "typing_sent_s",
        "unread",
        "waiting_reactions",
    )

    def __init__(
        self, key: str, target: str, name: str, kind: ConversationKind, prefixes: str = "@+"
    ) -> None:
        self.key = key
        """The folded name, by which the model finds it; "" for the server's own conversation."""
        self.target = target
        """The name on the wire, not safe to show."""
        self.name = name
        """Safe to show."""
        self.kind = kind
        self.topic = ""
        """Safe to show, with formatting codes."""
        self.topic_by = ""
        self.is_joined = kind is not ConversationKind.ROOM
        """Whether the user can talk here, if there is a connection."""
        self.is_joining = False
        self.is_outside = False
        """Whether the user talks and reads here without having entered (`outside`)."""
        self.problem = ""
        """Why the user is not in the room, for people: banned, kicked, invite-only, ..."""
        self.members = Members(prefixes)
        """Of a room; empty otherwise."""
        self.peer: Person | None = None
        """The other person of a private conversation."""
        self.entries: list[Entry] = []
        """Confirmed entries, in the server's order; do not change the list."""
        self.pending: list[Entry] = []
        """The user's messages that are waiting, in flight or failed, in the order typed. They are
        shown below `entries`; a confirmed one moves to the end of `entries`, the same object."""
        self.unread = 0
        """How many messages are unread."""
        self.highlights = 0
        """How many of them mention the user; in a private conversation, all."""
        self.read_ms = 0
        """The read marker: entries with a later `time_ms` are unread; 0 if nothing is known."""
        self.read_sent_ms = 0
        """The last read marker sent to the server."""
        self.history = History()
        self.sync: object = None
        """For the model: whether it is still loading what was missed."""
        self.waiting_reactions: dict[str, list[tuple[str, str, bool]]] = {}
        """For the model: reactions to messages that are not loaded, by message id."""
        self.typing: dict[str, float] = {}
        """Who is typing (safe to show), until when (`Moment.monotonic_s`); `tick` removes them."""
        self.typing_sent_s = 0.0
        """For the model: when the last typing notice was sent; 0 if the others know of none."""
        self.draft = ""
        """What is typed but not sent; the view keeps it here."""
        self.reply_draft: Entry | None = None
        """The message that the draft answers."""
        self.revision = 0
        self.shown = 0
        """Greater for a conversation that was in view later; 0 if it never was."""
        self._by_msgid: dict[str, Entry] = {}
        self._answers: dict[str, list[Entry]] = {}
        """By the id of the message that they answer."""
        self._versions: dict[str, Entry] = {}
        """The later version of a message, by its id."""

    def answers(self, msgid: str) -> list[Entry]:
        """Return the loaded entries that answer a message."""
        return self._answers.get(msgid, [])

    def later_version(self, msgid: str) -> Entry | None:
        """Return the loaded entry that replaces a message, if there is one."""
        return self._versions.get(msgid)

    def find(self, msgid: str) -> Entry | None:
        """Return the loaded entry with a message id, if there is one."""
        return self._by_msgid.get(msgid)

    # What follows is for the model.

    def append(self, entry: Entry) -> None:
        self.insert(len(self.entries), [entry])

    def insert(self, index: int, entries: list[Entry]) -> None:
        """Insert entries before the one at `index`."""
        if not entries:
            return
        self.entries[index:index] = entries
        for entry in entries:
            if entry.msgid:
                self._by_msgid[entry.msgid] = entry
                for answer in self._answers.get(entry.msgid, ()):
                    answer.revision += 1
            if entry.edits:
                self._versions[entry.edits] = entry
            if entry.reply_to:
                self._answers.setdefault(entry.reply_to, []).append(entry)
                if (answered := self._by_msgid.get(entry.reply_to)) is not None:
                    answered.revision += 1
        self.revision += 1

    def index_of(self, entry: Entry) -> int:
        """Return an entry's index, searching from the end; -1 if it is not there."""
        for index in range(len(self.entries) - 1, -1, -1):
            if self.entries[index] is entry:
                return index
        return -1

    def remove(self, index: int, count: int = 1) -> None:
        for entry in self.entries[index : index + count]:
            self._by_msgid.pop(entry.msgid, None)
        del self.entries[index : index + count]
        self.revision += 1

    def update(self, entry: Entry) -> None:
        """Note that an entry was changed."""
        entry.revision += 1
        self.revision += 1

    def add_pending(self, entry: Entry) -> None:
        """Add a message of the user that is not confirmed."""
        self.pending.append(entry)
        self.revision += 1

    def update_pending(self, entry: Entry) -> None:
        """Note that a pending entry was changed."""
        entry.revision += 1
        self.revision += 1

    def remove_pending(self, entry: Entry) -> None:
        """Remove a pending entry, because it is confirmed or given up."""
        self.pending.remove(entry)
        self.revision += 1

    def touch(self) -> None:
        """Note a change of anything but the entries."""
        self.revision += 1
