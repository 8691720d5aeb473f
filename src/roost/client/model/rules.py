"""The user's rules: which messages call, by room and by word.

A word is watched everywhere ("coffee"), or in one room ("#dev deploy"). A message that mentions the
user or has a watched word is a highlight. A message with a quiet word calls for nothing.
"""

import enum
import re
from collections.abc import Callable, Iterable

from roost.client.model.conversation import Conversation, ConversationKind
from roost.client.model.entry import Entry, EntryKind

EVERY_ROOM = "*"
"""Stands for all rooms without a level of their own."""


class Level(enum.Enum):
    """How much a conversation may call."""

    ALL = "all"
    """For each message."""
    MENTIONS = "mentions"
    """For highlights; in a private conversation, for each message."""
    NONE = "none"
    """Never; what is unread is counted."""
    MUTE = "mute"
    """Never, and nothing is counted."""


class Rules:
    """The levels of conversations, and the words."""

    def __init__(
        self, words: Iterable[str], quiet: Iterable[str], levels: Iterable[tuple[str, str]]
    ) -> None:
        self.words: list[str] = list(words)
        """What the user typed: a word, or a room and a word."""
        self.quiet = tuple(quiet)
        self.levels: dict[str, Level] = {}
        """By the folded name of the conversation, or `EVERY_ROOM`."""
        for name, level in levels:
            self.levels[name.lower()] = Level(level)
        self._everywhere: re.Pattern[str] | None = None
        self._in_room: dict[str, re.Pattern[str]] = {}
        self._quiet = _pattern(self.quiet)

    def watch(self, nick: str, is_room: Callable[[str], bool], fold: Callable[[str], str]) -> None:
        """Compile the words, with the user's nickname; call this when anything of it changes."""
        everywhere, by_room = [nick], dict[str, list[str]]()
        for word in self.words:
            room, _, rest = word.partition(" ")
            if rest.strip() and is_room(room):
                by_room.setdefault(fold(room), []).append(rest.strip())
            else:
                everywhere.append(word)
        self._everywhere = _pattern(everywhere)
        patterns = {room: _pattern(words) for room, words in by_room.items()}
        self._in_room = {room: found for room, found in patterns.items() if found is not None}

    def is_highlight(self, text: str, key: str) -> bool:
        """Return whether a message in a conversation mentions the user or a watched word."""
        if self._quiet is not None and self._quiet.search(text) is not None:
            return False
        if self._everywhere is not None and self._everywhere.search(text) is not None:
            return True
        here = self._in_room.get(key)
        return here is not None and here.search(text) is not None

    def level(self, conversation: Conversation) -> Level:
        """Return how much a conversation may call."""
        found = self.levels.get(conversation.key)
        if found is None and conversation.kind is ConversationKind.ROOM:
            found = self.levels.get(EVERY_ROOM)
        return Level.MENTIONS if found is None else found

    def calls(self, conversation: Conversation, entry: Entry) -> bool:
        """Return whether somebody else's message calls the user."""
        level = self.level(conversation)
        if level in (Level.NONE, Level.MUTE):
            return False
        if entry.is_highlight:
            return True
        if entry.kind is EntryKind.NOTICE or level is Level.MENTIONS:
            is_private = conversation.kind is ConversationKind.PRIVATE
            if not is_private or entry.kind is EntryKind.NOTICE:
                return False
        return self._quiet is None or self._quiet.search(entry.text) is None


def _pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    either = "|".join(re.escape(word) for word in words if word)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE) if either else None
