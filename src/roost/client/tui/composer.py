"""The field to write in: several lines, completion, input history, and checked pasting."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from roost.client.model import Entry
from roost.client.model.markup import from_wire
from roost.client.model.passwords import Range

LINES_MAX = 8
"""How tall it grows before it scrolls."""
DOT = "\u2022"
PASTE_LINES_MAX = 3
PASTE_LETTERS_MAX = 2000
"""Pasting more lines or letters asks first: it becomes several messages."""
PASTED_MAX = 50_000
"""Of letters that can be pasted at all: about as many as a hundred messages have."""
NEW_LINE_KEYS = frozenset({"alt+enter", "shift+enter", "ctrl+enter", "ctrl+j"})
_OPENERS = "/@#:"
"""Words that begin with these get completions while they are typed."""

Completer = Callable[[str, int], list[str]]
"""Returns the completions of the word before a place in a text, best first."""
EarlierLines = Callable[[int, str], str | None]
"""Goes back (-1) or forth (1) in the input history; returns None at the ends.

It takes what is in the field, to bring it back after the last line.
"""


class Composer(TextArea):
    """The field for messages and commands."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "screen.page(-1)", "Up a page", show=False),
        Binding("pagedown", "screen.page(1)", "Down a page", show=False),
        Binding("ctrl+end", "screen.latest", "To the latest message", show=False),
        Binding("ctrl+home", "screen.earliest", "To the first message", show=False),
    ]

    @dataclass
    class Submitted(Message):
        """Enter was pressed, and there was text."""

        text: str

    class Edited(Message):
        """The user changed the text."""

    @dataclass
    class PasteWanted(Message):
        """Many lines were pasted; nothing is inserted yet."""

        text: str

    @dataclass
    class Offers(Message):
        """The completions of the word at the cursor have changed; none hides them."""

        words: list[str]
        chosen: int
        """The index of the one that is in the text now; -1 for none."""

    class KeysWanted(Message):
        """A question mark was typed while the field was empty."""

    class AtEnd(Message):
        """End was pressed where the cursor is at the end already."""

    class Escaped(Message):
        """Escape was pressed, and no completions were open."""

    def __init__(self, complete: Completer, earlier: EarlierLines) -> None:
        super().__init__(
            id="composer",
            compact=True,
            soft_wrap=True,
            show_line_numbers=False,
            highlight_cursor_line=False,
            tab_behavior="focus",
            placeholder="Write a message; / for commands",
        )
        self._complete = complete
        self._earlier = earlier
        self.reply_to: Entry | None = None
        """The message that the next one answers."""
        self.editing: Entry | None = None
        """The message that the next one replaces."""
        self._offers: list[str] = []
        self._chosen = -1
        self._word: tuple[int, int] = (0, 0)
        """Where the word to complete is in the text."""
        self.secret_ranges: Callable[[str], list[Range]] = lambda _: []
        """Returns where the passwords are in a text; they are not shown."""
        self._quiet = 0
        """How many of the coming change events are not caused by the user."""

    # Called by the screen.

    def load(self, text: str) -> None:
        """Show a draft, with the cursor at its end."""
        if text != self.text:
            self._quiet += 1
            self.load_text(text)
        self.move_cursor(self.document.end)
        self._hide_offers()
        self._fit()

    def begin_edit(self, entry: Entry) -> None:
        """Write a message anew."""
        self.reply_to, self.editing = None, entry
        self.load(from_wire(entry.text, entry.language))
        self.focus()

    def put(self, text: str) -> None:
        """Insert a text at the cursor, as if it were typed."""
        self.insert(text)
        self.focus()

    def accept(self, word: str) -> None:
        """Insert a completion that was clicked."""
        if word in self._offers:
            self._take(self._offers.index(word))
            self._hide_offers()
        self.focus()

    def get_line(self, line_index: int) -> Text:
        """Return a line to show, with dots instead of passwords."""
        line = super().get_line(line_index)
        if line_index:
            return line
        shown = line.plain
        for start, end in self.secret_ranges(shown):
            shown = f"{shown[:start]}{DOT * (end - start)}{shown[end:]}"
        return Text(shown, end="") if shown != line.plain else line

    # Keys.

    async def _on_key(self, event: events.Key) -> None:
        if self._handle_key(event):
            event.stop()
            event.prevent_default()

    def _handle_key(self, event: events.Key) -> bool:
        """Handle a key; return False if the text area handles it."""
        key = event.key
        if key == "enter":
            self._submit()
        elif key in NEW_LINE_KEYS:
            self.insert("\n")
        elif key in ("tab", "shift+tab"):
            self._tab(1 if key == "tab" else -1)
        elif key == "escape":
            if self._offers:
                self._hide_offers()
            else:
                self.post_message(self.Escaped())
        elif key == "end" and self.cursor_location == self.document.end:
            self.post_message(self.AtEnd())
        elif key in ("up", "down"):
            return self._vertical(-1 if key == "up" else 1)
        elif event.character and unicodedata.category(event.character) == "Cf":
            # Joiners have no picture of their own, so the text area would leave them out.
            self.insert(event.character)
        elif event.character == "?" and not self.text:
            self.post_message(self.KeysWanted())
        else:
            return False
        return True

    def _submit(self) -> None:
        text = self.text
        self._hide_offers()
        if text.strip():
            self._quiet += 1
            self.load_text("")
            self._fit()
            self.post_message(self.Submitted(text))

    def _vertical(self, step: int) -> bool:
        if self._offers:
            self._tab(step)
            return True
        at_edge = self.cursor_at_first_line if step < 0 else self.cursor_at_last_line
        if not at_edge or not self.selection.is_empty:
            return False
        if self.wrapped_document.height > 1 and not self._is_at_text_edge(step):
            return False
        line = self._earlier(step, self.text)
        if line is None:
            return False
        self.load(line)
        self.post_message(self.Edited())
        return True

    def _is_at_text_edge(self, step: int) -> bool:
        """Return whether the cursor is on the first or last line, as wrapped."""
        _, line = self.wrapped_document.location_to_offset(self.cursor_location)
        return line == (0 if step < 0 else self.wrapped_document.height - 1)

    # Pasting.

    async def _on_paste(self, event: events.Paste) -> None:
        text = event.text.replace("\r\n", "\n").replace("\r", "\n")
        is_short = len(text) <= PASTE_LETTERS_MAX
        if is_short and text.rstrip("\n").count("\n") < PASTE_LINES_MAX:
            event.text = text
            return
        event.stop()
        event.prevent_default()
        self.post_message(self.PasteWanted(text))

    # Completion.

    def _cursor_index(self) -> int:
        row, column = self.cursor_location
        return sum(len(line) + 1 for line in self.text.split("\n")[:row]) + column

    def _locate(self, index: int) -> tuple[int, int]:
        before = self.text[:index]
        return before.count("\n"), index - (before.rfind("\n") + 1)

    def _tab(self, step: int) -> None:
        if not self._offers:
            self._find_offers()
            if not self._offers:
                return
            self._chosen = -1 if step > 0 else 0
        self._take((self._chosen + step) % len(self._offers))
        if len(self._offers) == 1:
            self._hide_offers()
        else:
            self.post_message(self.Offers(self._offers, self._chosen))

    def _find_offers(self) -> None:
        cursor = self._cursor_index()
        text = self.text
        start = cursor
        while start > 0 and not text[start - 1].isspace():
            start -= 1
        self._word = (start, cursor)
        self._offers = self._complete(text, cursor)
        self._chosen = -1

    def _take(self, number: int) -> None:
        word = self._offers[number]
        if not word.endswith(" "):
            word += " "
        start, end = self._word
        self._quiet += 1
        self.replace(word, self._locate(start), self._locate(end))
        self._word = (start, start + len(word))
        self.move_cursor(self._locate(self._word[1]))
        self._chosen = number
        self.post_message(self.Edited())

    def _hide_offers(self) -> None:
        if self._offers:
            self._offers = []
            self.post_message(self.Offers([], -1))
        self._chosen = -1

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Resize, offer completions, and report the user's edits."""
        event.stop()
        self._fit()
        if self._quiet:
            self._quiet -= 1
            return
        self.post_message(self.Edited())
        self._offer_while_typing()

    def _offer_while_typing(self) -> None:
        text, cursor = self.text, self._cursor_index()
        start = cursor
        while start > 0 and not text[start - 1].isspace():
            start -= 1
        word = text[start:cursor]
        is_command = word.startswith("/") and start == 0
        if word[:1] in _OPENERS and word and (is_command or word[0] != "/"):
            self._find_offers()
            if self._offers == [word]:
                self._offers = []
            if self._offers and word[0] == word[-1] == ":":
                # The name of an emoji is complete.
                self._quiet += 1
                self.replace(self._offers[0], self._locate(start), self._locate(cursor))
                self._offers = []
                self.post_message(self.Edited())
            self.post_message(self.Offers(self._offers, -1))
        else:
            self._hide_offers()

    def _fit(self) -> None:
        lines = max(self.wrapped_document.height, 1)
        # One more for the border above.
        self.styles.height = min(lines, LINES_MAX) + 1

    def on_resize(self) -> None:
        self._fit()
