"""A conversation as a list of items with rows, for `Viewport`; the rows are cached.

Item 0 is the heading, which says what is known of the past. Then come the entries, then the user's
messages that are not confirmed.
"""

from collections.abc import Callable

from roost.client.model import Conversation, ConversationKind, Entry, EntryKind, text
from roost.client.tui.calendar import Calendar
from roost.client.tui.layout import GROUP_MS, Context, Look, Row, is_same_group, lay_out, separator

KEPT = 4096
"""How many entries' rows are cached: many screens of them, in little memory."""
_EVENTS_OF_COMING_AND_GOING = frozenset({"join", "part", "quit", "nick"})


class Transcript:
    """The rows of one conversation in one look."""

    def __init__(self, conversation: Conversation, look: Look, now_ms: Callable[[], int]) -> None:
        self.conversation = conversation
        self.unread_after_ms = 0
        """The unread line is above the first entry that is later; 0 for no line."""
        self.hides_coming_and_going = False
        self.revealed: dict[int, None] = {}
        """The ids of the entries whose spoilers are shown."""
        self._look = look
        self._now_ms = now_ms
        self._kept: dict[int, tuple[int, Context, list[Row]]] = {}

    @property
    def look(self) -> Look:
        """What the rows are made for."""
        return self._look

    @look.setter
    def look(self, look: Look) -> None:
        if look != self._look:
            self._look = look
            self._kept.clear()

    @property
    def count(self) -> int:
        """The number of items."""
        return 1 + len(self.conversation.entries) + len(self.conversation.pending)

    def forget(self) -> None:
        """Drop all cached rows."""
        self._kept.clear()

    def entry(self, item: int) -> Entry | None:
        """Return the entry of an item; None for the heading."""
        entries = self.conversation.entries
        if item <= 0:
            return None
        if item <= len(entries):
            return entries[item - 1]
        place = item - 1 - len(entries)
        return self.conversation.pending[place] if place < len(self.conversation.pending) else None

    def item(self, entry: Entry, guess: int) -> int | None:
        """Return an entry's item, or None if it is gone; fast if it is at `guess`."""
        if self.entry(guess) is entry:
            return guess
        for offset, found in ((1, self.conversation.entries), (1, self.conversation.pending)):
            start = offset if found is self.conversation.entries else self.count - len(found)
            try:
                return start + found.index(entry)
            except ValueError:
                continue
        return None

    def height(self, item: int) -> int:
        """Return the number of rows of an item."""
        return len(self.rows(item))

    def rows(self, item: int) -> list[Row]:
        """Return the rows of an item."""
        entry = self.entry(item)
        if entry is None:
            return [self._heading()] if item == 0 else []
        if self.is_hidden(entry):
            return []
        context = self._context(item, entry)
        kept = self._kept.get(entry.id)
        if kept is not None and kept[0] == entry.revision and kept[1] == context:
            return kept[2]
        rows = lay_out(entry, context, self._look, self.conversation)
        if len(self._kept) >= KEPT:
            for key in list(self._kept)[: KEPT // 2]:
                del self._kept[key]
        self._kept[entry.id] = (entry.revision, context, rows)
        return rows

    def is_hidden(self, entry: Entry) -> bool:
        """Return whether an entry is not shown."""
        if entry.is_redacted and entry.is_replaced:
            return True
        return entry.is_ignored or (
            self.hides_coming_and_going and entry.event in _EVENTS_OF_COMING_AND_GOING
        )

    def toggle_spoilers(self, entry: Entry) -> None:
        """Show the spoilers of a message, or hide them again."""
        if self.revealed.pop(entry.id, entry) is entry:
            self.revealed[entry.id] = None

    def applies(self, letter: str, entry: Entry) -> bool:
        """Return whether a key can do something with a message; if not, it is typed."""
        is_said = bool(entry.msgid) and entry.kind is not EntryKind.EVENT
        is_said = is_said and not entry.is_redacted
        match letter:
            case "r" | "e" | "+":
                return is_said
            case "c" | "y":
                return bool(entry.text)
            case "o":
                return bool(text.find_urls(text.strip_formatting(entry.text)))
            case "m":
                return entry.is_mine
            case "p":
                return bool(entry.reply_to)
            case "s":
                return any(text.is_spoiler(span.style) for span in text.spans(entry.text))
            case "t":
                return bool(entry.reply_to or self.conversation.answers(entry.msgid))
        return True

    def _before(self, item: int) -> Entry | None:
        """Return the entry shown above an item."""
        for place in range(item - 1, 0, -1):
            entry = self.entry(place)
            if entry is not None and not self.is_hidden(entry):
                return entry
        return None

    def _context(self, item: int, entry: Entry) -> Context:
        calendar: Calendar = self._look.calendar
        before = self._before(item)
        after = self.unread_after_ms
        is_first_unread = bool(after) and entry.time_ms > after and not entry.is_mine
        if before is None:
            name = calendar.day_name(entry.time_ms, self._now_ms())
            return Context(name, is_first_unread, shows_spoilers=entry.id in self.revealed)
        is_first_unread = is_first_unread and before.time_ms <= after
        day = ""
        if calendar.day(before.time_ms) != calendar.day(entry.time_ms):
            day = calendar.day_name(entry.time_ms, self._now_ms())
        is_grouped = not is_first_unread and not day and is_same_group(before, entry, calendar)
        near = 0 <= entry.time_ms - before.time_ms < GROUP_MS
        shows_time = not (
            near
            and calendar.minute(before.time_ms) == calendar.minute(entry.time_ms)
            and is_grouped
        )
        shows_spoilers = entry.id in self.revealed
        return Context(day, is_first_unread, is_grouped, shows_time, shows_spoilers)

    def _heading(self) -> Row:
        return separator(heading_words(self.conversation), self._look, self._look.palette.muted)


def heading_words(conversation: Conversation) -> str:
    """Say what is known of a conversation's past."""
    history = conversation.history
    if history.problem:
        return f"Earlier messages cannot be loaded: {history.problem}"
    if history.is_loading:
        return "Loading earlier messages \u2026"
    if conversation.kind is ConversationKind.SERVER:
        return "Messages from the server"
    if not history.is_offered:
        return "This server keeps no earlier messages"
    if history.is_more_above:
        return "There are earlier messages above"
    if conversation.kind is ConversationKind.PRIVATE:
        return f"The beginning of your conversation with {conversation.name}"
    return f"The beginning of {conversation.name}"
