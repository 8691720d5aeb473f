"""The data of the model, and the few operations that all its parts use.

`Model` adds the events and intents; the other modules are functions of a `State`.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from roost.client.model.conversation import Conversation, ConversationKind
from roost.client.model.effects import Attention, Effect, Toast
from roost.client.model.entry import Delivery, Entry, EntryKind
from roost.client.model.hits import HistorySearch
from roost.client.model.incoming import Incoming
from roost.client.model.listing import ListedRoom, RoomListing
from roost.client.model.offered import Offered
from roost.client.model.people import Person
from roost.client.model.profile import Profile
from roost.client.model.rules import Level, Rules
from roost.client.model.sasl import Exchange
from roost.client.model.status import Connection, Moment, Phase, Problem
from roost.client.model.text import clean_name, clean_text
from roost.irc.masks import matches, normalise_mask
from roost.irc.message import Message

SERVER_KEY = ""
"""The key of the server's own conversation."""
LINES_TYPED_KEPT = 200
"""Per conversation."""

_FORBIDDEN = str.maketrans({"\r": " ", "\n": " ", "\0": ""})


@dataclass(slots=True, eq=False)
class Outgoing:
    """A message of the user that is not confirmed; its entry is in the conversation's `pending`."""

    entry: Entry
    key: str
    is_action: bool
    nonce: str
    reply_to: str
    secret: str = ""
    """The text to send, if the entry hides a part of it."""
    parts: tuple[tuple[str, bool], ...] = ()
    """The text as sent, and whether a part continues the line of the one before. Several parts
    are one multiline message. Empty until it is first sent."""
    was_written: bool = False
    """Whether it was written to a connection that broke, so that it may have arrived."""
    label: str = ""
    """While it is in flight with a label."""
    barrier: int = 0
    """While it is in flight without a label: the number of the PING that follows it."""
    edits: str = ""
    """The id of the earlier version, which is deleted once this one is confirmed."""

    @property
    def text(self) -> str:
        """What to send."""
        return self.secret or self.entry.text


@dataclass(slots=True)
class Owed:
    """An earlier version of the user's message that is still to be deleted."""

    key: str
    """Of the conversation."""
    is_asked: bool = False
    """Whether this connection's server was asked to."""


@dataclass(slots=True, eq=False)
class Gap:
    """Where messages are missing in a conversation; its entry shows the place."""

    entry: Entry
    since_ms: int = 0
    """Where to begin if nothing before it is known; if 0, with the latest page."""
    is_fresh: bool = True
    """Nothing was requested yet, so the latest page comes first."""
    uses_times: bool = False
    """The server did not know the message ids, so times are used."""
    pages: int = 0
    is_stuck: bool = False
    """It is not filled any further without being asked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where a jump leads: to a message, or else to the first one from a time on."""

    msgid: str = ""
    time_ms: int = 0


@dataclass(slots=True, eq=False)
class Question:
    """A request for history."""

    kind: str
    """"gap", "older" or "island"."""
    key: str
    selectors: tuple[str, ...]
    """The subcommand, and what comes between target and limit."""
    limit: int
    gap: Gap | None = None
    is_latest: bool = False
    label: str = ""
    wanted: Wanted | None = None
    """Of an island: what to jump to once the page is there."""


@dataclass(slots=True)
class Enquiry:
    """What the server says about a room."""

    modes: str | None = None
    """The letters; None if unknown."""
    refusal: str = ""
    """The numeric of the error that came instead, if one did."""

    @property
    def is_answered(self) -> bool:
        return self.modes is not None or bool(self.refusal)

    @property
    def is_missing(self) -> bool:
        """Whether there is no such room, or none that this client may know of."""
        return self.refusal == "403"

    @property
    def can_speak(self) -> bool:
        """Whether the room may accept messages from outside."""
        return self.modes is not None and not any(mode in self.modes for mode in "mn")

    @property
    def can_read(self) -> bool:
        """Whether the room's history may be read from outside."""
        return self.modes is not None and "H" in self.modes


@dataclass(slots=True)
class Liveness:
    """Whether the server answers; times are of `Moment.monotonic_s`."""

    heard_s: float = 0.0
    """When the last line came."""
    pinged_s: float = 0.0
    """When the last PING was sent, or the connection opened."""
    asked_s: float | None = None
    """When the PING was sent that is not answered yet."""
    number: int = 0
    """Of the last PING."""


@dataclass(slots=True)
class OpenBatch:
    """A batch that has not ended."""

    type: str
    parameters: tuple[str, ...]
    opening: Incoming
    lines: list[Incoming] = field(default_factory=list)


@dataclass(slots=True)
class Registration:
    """How far the registration of this connection is."""

    is_over: bool = False
    is_welcomed: bool = False
    """Whether the welcome is complete, so that the server's limits and features are known."""
    is_resumed: bool = False
    is_history_lost: bool = False
    has_heard: bool = False
    """Whether anything came that looks like IRC."""
    requests: int = 0
    """CAP REQ lines without an answer."""
    is_negotiated: bool = False
    nicks_tried: int = 0
    sasl: Exchange | None = None
    """The SASL exchange, while there is one."""
    sasl_data: str = ""
    wants_nick: bool = False
    """Whether the nickname was refused for the time before the login."""
    whois: list[str] = field(default_factory=list)
    """The answer to WHOIS so far, in words."""
    wants_login: bool = False
    """Whether to log in as soon as the server has enabled SASL for a running session."""


class State:
    """Everything the client knows; `Model` says what the names mean to views."""

    def __init__(self, profile: Profile, nonce: str) -> None:
        self.profile = profile
        self.nonce = nonce
        self.moment = Moment(0.0, 0)
        self.nick = profile.nick
        self.account = ""
        self.pending_account = ""
        """An account that waits for the code from an e-mail."""
        self.away: str | None = None
        self.wanted_nick = profile.nick
        self.username = ""
        self.host = ""
        self.connection = Connection()
        self.offered = Offered()
        self.registration = Registration()
        self.conversations: dict[str, Conversation] = {}
        self.order: list[str] = []
        self.order_revision = 0
        self.active = SERVER_KEY
        self.listing = RoomListing()
        self.listed: list[ListedRoom] = []
        self.search = HistorySearch()
        self.people: dict[str, Person] = {}
        self.people_revision = 0
        self.ignored: list[str] = list(profile.ignored)
        self.rules = Rules(profile.highlight_words, profile.quiet_words, profile.levels)
        self.resume_token = ""
        self.last_msgid = ""
        """Of the last live message of any command: where a resumed session goes on."""
        self.last_live_ms = 0
        self.farewell: Problem | None = None
        """Why the server is about to close the connection, if it said so."""
        self._forget_questions()
        self.rooms_wanted: dict[str, str] = {}
        """To join once online: names and passwords."""
        self.wants_shown: dict[str, None] = {}
        """Keys of the rooms to show once joined."""
        self.saved_reads: dict[str, int] = {}
        self.saved_drafts: dict[str, str] = {}
        """Read markers and drafts of an earlier run, for conversations that are not open yet."""
        self.typed: dict[str, list[str]] = {}
        self.typed_place: dict[str, int] = {}
        self.unsent: dict[str, str] = {}
        """What was in the field when the user went back to earlier lines."""
        self.counter = 0
        self.liveness = Liveness()
        self.lines: list[bytes] = []
        self.effects: list[Effect] = []
        self._entry_ids = 0
        self.add_conversation(SERVER_KEY, "Server", ConversationKind.SERVER)
        self.watch_words()

    def _forget_questions(self) -> None:
        """Start without anything that is under way."""
        self.outgoing: dict[int, Outgoing] = {}
        """The user's messages that are not confirmed, by entry id."""
        self.sending: dict[int, Outgoing] = {}
        """Those of them that are in flight."""
        self.owed: dict[str, Owed] = {}
        """By message id."""
        self.by_label: dict[str, Outgoing] = {}
        self.by_nonce: dict[str, Outgoing] = {}
        self.questions: list[Question] = []
        """Requests for history that were not sent yet."""
        self.asked: dict[str, Question] = {}
        """Requests for history without an answer, at most one per conversation."""
        self.enquiries: dict[str, Enquiry] = {}
        """By the folded name of the room."""
        self.gaps: dict[int, Gap] = {}
        """By the id of the entry that shows it."""
        self.batches: dict[str, OpenBatch] = {}

    # Names.

    def fold(self, name: str) -> str:
        """Fold a name as this server does."""
        return self.offered.fold(name)

    def is_me(self, nick: str) -> bool:
        """Return whether a nickname is the user's."""
        return self.offered.fold(nick) == self.offered.fold(self.nick)

    def person(self, nick: str) -> Person:
        """Return a person, adding a new one if necessary."""
        folded = self.offered.fold(nick)
        found = self.people.get(folded)
        if found is None:
            is_me = folded == self.offered.fold(self.nick)
            found = self.people[folded] = Person(clean_name(nick), folded, is_me=is_me)
            self.people_revision += 1
        return found

    def watch_words(self) -> None:
        """Compile the words that call the user; call this when any of them changes."""
        self.rules.watch(self.nick, self.offered.is_room, self.offered.fold)

    def is_ignored(self, source: str) -> bool:
        """Return whether a sender's messages are hidden."""
        return bool(self.ignored) and any(
            matches(normalise_mask(mask), source) for mask in self.ignored
        )

    # Conversations.

    def add_conversation(self, target: str, name: str, kind: ConversationKind) -> Conversation:
        """Open a conversation; `target` is the name on the wire."""
        key = SERVER_KEY if kind is ConversationKind.SERVER else self.fold(target)
        made = Conversation(key, target, clean_name(name), kind, self.offered.statuses)
        made.history.is_offered = self.offered.has_history and kind is not ConversationKind.SERVER
        self.restore(made)
        self.conversations[key] = made
        keys = [self._order_key(known) for known in self.order]
        self.order.insert(bisect_left(keys, self._order_key(key)), key)
        self.order_revision += 1
        return made

    def restore(self, conversation: Conversation) -> None:
        """Give a conversation the read marker and the draft of an earlier run."""
        read_ms = self.saved_reads.pop(conversation.key, 0)
        conversation.read_ms = max(conversation.read_ms, read_ms)
        conversation.draft = conversation.draft or self.saved_drafts.pop(conversation.key, "")

    def _order_key(self, key: str) -> tuple[int, str]:
        kinds = (ConversationKind.SERVER, ConversationKind.ROOM, ConversationKind.PRIVATE)
        return kinds.index(self.conversations[key].kind), key.lstrip(self.offered.room_types)

    def remove_conversation(self, key: str, *, goes_to: str | None = None) -> None:
        """Close a conversation; if it is in view, go to the one before it, or its neighbour."""
        if self.active == key:
            self.active = self._after(key) if goes_to is None else goes_to
        self.conversations.pop(key)
        self.order.remove(key)
        self.order_revision += 1

    def _after(self, key: str) -> str:
        others = [other for other in self.order if other not in (key, SERVER_KEY)]
        if not others:
            return SERVER_KEY
        latest = max(others, key=lambda other: self.conversations[other].shown)
        if self.conversations[latest].shown:
            return latest
        return others[min(max(self.order.index(key) - 1, 0), len(others) - 1)]

    def rename_conversation(self, conversation: Conversation, target: str) -> None:
        """Rename a conversation, unless there is another of that name."""
        key = self.fold(target)
        if key in self.conversations and key != conversation.key:
            return
        old = conversation.key
        self.conversations.pop(old)
        self.order.remove(old)
        conversation.key, conversation.target = key, target
        conversation.name = clean_name(target)
        self.conversations[key] = conversation
        keys = [self._order_key(known) for known in self.order]
        self.order.insert(bisect_left(keys, self._order_key(key)), key)
        self.order_revision += 1
        conversation.touch()
        if self.active == old:
            self.active = key
        if old in self.rules.levels:
            self.rules.levels[key] = self.rules.levels.pop(old)
        for message in self.outgoing.values():
            if message.key == old:
                message.key = key

    def refold(self) -> None:
        """Fold all names again, as this server does."""
        for conversation in list(self.conversations.values()):
            if conversation.kind is ConversationKind.SERVER:
                continue
            if self.fold(conversation.target) != conversation.key:
                self.rename_conversation(conversation, conversation.target)
        for folded, person in list(self.people.items()):
            if not person.rooms and self.fold(person.nick) != folded:
                del self.people[folded]
                person.folded = self.fold(person.nick)
                self.people[person.folded] = person

    def room(self, name: str) -> Conversation | None:
        """Return the conversation of a room."""
        found = self.conversations.get(self.fold(name))
        return found if found is not None and found.kind is ConversationKind.ROOM else None

    @property
    def in_view(self) -> Conversation:
        """Where the user is, and where answers to what was typed are shown."""
        return self.conversations.get(self.active, self.server)

    @property
    def server(self) -> Conversation:
        """The server's own conversation."""
        return self.conversations[SERVER_KEY]

    # Entries.

    def new_entry(self, kind: EntryKind, text: str, *, time_ms: int, sender: str = "") -> Entry:
        """Make an entry; `text` and `sender` are made safe to show."""
        self._entry_ids += 1
        return Entry(self._entry_ids, kind, time_ms, clean_name(sender), clean_text(text))

    def entry_of(self, kind: EntryKind, line: Incoming, text: str) -> Entry:
        """Make the entry that shows a line."""
        entry = self.new_entry(kind, text, time_ms=line.time_ms, sender=line.nick)
        entry.msgid = line.msgid
        entry.account = clean_name(line.tags.get("account", ""))
        entry.is_mine = self.is_me(line.nick)
        return entry

    def inform(self, conversation: Conversation, text: str, sender: str = "") -> None:
        """Show information from the server or the client in a conversation."""
        kind = EntryKind.INFORMATION
        entry = self.new_entry(kind, text, time_ms=self.moment.time_ms, sender=sender)
        conversation.append(entry)

    def announce(self, conversation: Conversation, entry: Entry) -> None:
        """Count somebody else's message as unread, and call the user's attention if necessary."""
        if entry.is_mine or entry.is_ignored or entry.time_ms <= conversation.read_ms:
            return
        if self.rules.level(conversation) is Level.MUTE:
            return
        conversation.unread += 1
        self.order_revision += 1
        if self.rules.calls(conversation, entry):
            conversation.highlights += 1
            self.effects.append(Attention(conversation.key, entry))

    # Output.

    @property
    def is_online(self) -> bool:
        """Whether lines can be sent."""
        return self.connection.phase is Phase.ONLINE

    def emit(self, command: str, *parameters: str, tags: Iterable[tuple[str, str]] = ()) -> None:
        """Send a line; line breaks in it become spaces."""
        clean = tuple(parameter.translate(_FORBIDDEN) for parameter in parameters)
        self.lines.append(Message(command, clean, tags=tuple(tags)).encode())

    def next_word(self, purpose: str) -> str:
        """Return a word that was not used before, for a label, a nonce or a batch."""
        self.counter += 1
        return f"{purpose}{self.counter:x}"

    def toast(self, text: str, *, is_error: bool = False) -> None:
        """Show the user a short notice."""
        self.effects.append(Toast(clean_text(text), is_error))

    def waiting_count(self) -> int:
        """Count the user's unconfirmed messages, except failed ones."""
        return sum(
            message.entry.delivery is not Delivery.FAILED for message in self.outgoing.values()
        )
