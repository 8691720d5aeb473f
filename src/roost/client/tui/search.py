"""Search in the loaded messages of a conversation."""

from collections.abc import Callable

from roost.client.model import Conversation, Entry, text


class Search:
    """A query, its matches, and the chosen match."""

    def __init__(self) -> None:
        self.query = ""
        self._conversation: Conversation | None = None
        self._is_hidden: Callable[[Entry], bool] | None = None
        self._found: list[Entry] = []
        self._current = -1
        self._revision = -1

    @property
    def count(self) -> int:
        """The number of matching entries."""
        return len(self._found)

    @property
    def number(self) -> int:
        """The number of the chosen match, from 1 for the latest; 0 for none."""
        return len(self._found) - self._current if self._found else 0

    def clear(self) -> None:
        """End the search."""
        self.query = ""
        self._found = []
        self._current = -1

    def start(
        self, query: str, conversation: Conversation, is_hidden: Callable[[Entry], bool]
    ) -> Entry | None:
        """Search; return the match that was chosen before, or else the latest."""
        before = self._found[self._current] if self._found else None
        self.query = query.lower()
        self._conversation = conversation
        self._is_hidden = is_hidden
        self._look()
        if before is not None and before in self._found:
            self._current = self._found.index(before)
        return self._found[self._current] if self._found else None

    def step(self, step: int) -> Entry | None:
        """Choose the next (1) or previous (-1) match, wrapping around, and return it."""
        if self._conversation is not None and self._conversation.revision != self._revision:
            before = self._found[self._current] if self._found else None
            self._look()
            if before is not None and before in self._found:
                self._current = self._found.index(before)
        if not self._found:
            return None
        self._current = (self._current + step) % len(self._found)
        return self._found[self._current]

    def _look(self) -> None:
        self._found = []
        if not self.query or self._conversation is None or self._is_hidden is None:
            self._current = -1
            return
        query, is_hidden = self.query, self._is_hidden
        self._revision = self._conversation.revision
        self._found = [
            entry
            for entry in self._conversation.entries
            if query in entry.text.lower()
            or (not entry.text.isprintable() and query in text.strip_formatting(entry.text).lower())
        ]
        self._found = [entry for entry in self._found if not is_hidden(entry)]
        self._current = len(self._found) - 1
