"""One conversation: a room, a private one, or what the server itself says.

Views follow a conversation cheaply: `revision` grows with every change of anything in it,
`members.revision` with the list of members, and `Entry.revision` with the entry.
"""

import enum
from dataclasses import dataclass

from roost.client.model.entry import Entry
from roost.client.model.people import Members, Person


class ConversationKind(enum.Enum):
    """Who is in it."""

    ROOM = "room"
    PRIVATE = "private"
    SERVER = "server"
    """What the server says to this client; there is exactly one, and nobody can be talked to in it
    (commands work)."""


@dataclass(slots=True)
class History:
    """What is known of the past of a conversation."""

    is_offered: bool = False
    """Whether the server keeps history that this client can ask for."""
    is_more_above: bool = True
    """Whether there may be more before the first entry; only with `is_offered`."""
    is_loading: bool = False
    """Whether an answer is awaited; ask nothing then."""
    problem: str = ""
    """Why the last question failed, in words for people; empty when it did not."""


class Conversation:
    """One conversation; changed by the model alone."""

    __slots__ = (
        "_by_msgid",
        "draft",
        "entries",
        "highlights",
        "history",
        "is_joined",
        "is_joining",
        "key",
        "kind",
        "members",
        "name",
        "peer",
        "pending",
        "problem",
        "read_ms",
        "read_sent_ms",
        "revision",
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
        """Start empty."""
        self.key = key
        """The folded name: how the model finds it. The server's conversation has ""."""
        self.target = target
        """The name on the wire, not safe to show."""
        self.name = name
        """Safe to show."""
        self.kind = kind
        self.topic = ""
        """Safe to show, with formatting codes."""
        self.topic_by = ""
        self.is_joined = kind is not ConversationKind.ROOM
        """Whether one can talk in it now, the connection aside."""
        self.is_joining = False
        self.problem = ""
        """Why one is not in the room, in words for people: banned, kicked, invited only, ..."""
        self.members = Members(prefixes)
        """Of a room; empty for others."""
        self.peer: Person | None = None
        """The other one of a private conversation."""
        self.entries: list[Entry] = []
        """Confirmed, in the server's order; do not change it."""
        self.pending: list[Entry] = []
        """One's own that are waiting, being sent or failed, in the order typed; shown below
        `entries`. A confirmed one moves to the end of `entries`, the same object."""
        self.unread = 0
        """How many messages came since it was last read."""
        self.highlights = 0
        """How many of these name the reader; in a private conversation all do."""
        self.read_ms = 0
        """The read marker: entries with a later `time_ms` are unread. 0 when nothing is known."""
        self.read_sent_ms = 0
        """The read marker that the server was last told."""
        self.history = History()
        self.sync: object = None
        """For the model: how far what was missed is fetched; None when nothing is awaited."""
        self.waiting_reactions: dict[str, list[tuple[str, str, bool]]] = {}
        """For the model: reactions to messages that are not loaded."""
        self.typing: dict[str, float] = {}
        """Who types (nicknames, safe to show), and until when that is believed (clock of `Moment.
        monotonic_s`); the model removes them in `tick`."""
        self.typing_sent_s = 0.0
        """For the model: when the others were last told that the reader types; 0 when not."""
        self.draft = ""
        """What is typed but not sent; the view keeps it here."""
        self.revision = 0
        self._by_msgid: dict[str, Entry] = {}

    def find(self, msgid: str) -> Entry | None:
        """Find a loaded entry by the server's id."""
        return self._by_msgid.get(msgid)

    # What follows is for the model.

    def append(self, entry: Entry) -> None:
        """Add an entry at the end."""
        self.insert(len(self.entries), [entry])

    def insert(self, index: int, entries: list[Entry]) -> None:
        """Add entries before the one at `index`."""
        if not entries:
            return
        self.entries[index:index] = entries
        for entry in entries:
            if entry.msgid:
                self._by_msgid[entry.msgid] = entry
        self.revision += 1

    def index_of(self, entry: Entry) -> int:
        """Find an entry's place, looking from the end; -1 when it is not there."""
        for index in range(len(self.entries) - 1, -1, -1):
            if self.entries[index] is entry:
                return index
        return -1

    def remove(self, index: int, count: int = 1) -> None:
        """Take entries out."""
        for entry in self.entries[index : index + count]:
            self._by_msgid.pop(entry.msgid, None)
        del self.entries[index : index + count]
        self.revision += 1

    def update(self, entry: Entry) -> None:
        """Note that an entry was changed."""
        entry.revision += 1
        self.revision += 1

    def add_pending(self, entry: Entry) -> None:
        """Add one's own message that is not confirmed."""
        self.pending.append(entry)
        self.revision += 1

    def update_pending(self, entry: Entry) -> None:
        """Note that a pending entry was changed."""
        entry.revision += 1
        self.revision += 1

    def remove_pending(self, entry: Entry) -> None:
        """Take a pending entry out: it is confirmed or given up."""
        self.pending.remove(entry)
        self.revision += 1

    def touch(self) -> None:
        """Note a change of anything but the entries."""
        self.revision += 1
