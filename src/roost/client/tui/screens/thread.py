"""The dialog that shows a thread: what was answered, and all replies."""

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from roost.client.model import Entry, text
from roost.client.tui.calendar import Calendar, now_ms
from roost.client.tui.palette import Palette
from roost.client.tui.screens.picker import Choice, Picker
from roost.client.tui.wrapping import truncate

INDENT_MAX = 8
"""Deeper levels are indented like this one."""
EARLIER = "\u2191 It answers an earlier message; Enter loads it"


class ThreadDialog(Picker[str]):
    """Results in the id of the message to go to."""

    def __init__(
        self,
        thread: Sequence[tuple[int, Entry]],
        missing: str,
        chosen: Entry,
        palette: Palette,
        calendar: Calendar,
    ) -> None:
        """Show the entries of a thread with their levels; `missing` is what the first answers."""
        super().__init__("Thread")
        self._thread = thread
        self._missing = missing
        self._chosen = chosen
        self._palette = palette
        self._calendar = calendar

    def on_resize(self) -> None:
        """Cut the texts to the new width; the message whose thread it is comes chosen."""
        self.show_choices()
        entries = [entry for _, entry in self._thread]
        if self._chosen in entries:
            self.options.highlighted = entries.index(self._chosen) + bool(self._missing)

    def find(self, typed: str) -> tuple[Sequence[Choice[str]], str]:  # noqa: ARG002
        choices = [Choice(entry.msgid, self._lines(level, entry)) for level, entry in self._thread]
        if self._missing:
            choices.insert(0, Choice(self._missing, Text(EARLIER, self._palette.accent)))
        return choices, f"{len(self._thread)} messages. Enter goes to one, Escape closes."

    def _lines(self, level: int, entry: Entry) -> Text:
        palette = self._palette
        width = max(self.options.scrollable_content_region.width - 2, 20)
        indent = "  " * min(level, INDENT_MAX)
        mark = "" if level == 0 else "\u21b3 "
        words = " ".join(text.preview(entry.text).split()) or "(deleted)"
        head = Text.assemble(
            (indent + mark, palette.muted),
            (truncate(entry.sender, 16), palette.name(entry.sender.lower())),
            (f"  {self._calendar.moment(entry.time_ms, now_ms())}", palette.muted),
        )
        pad = indent + " " * len(mark)
        style = palette.text + Style(bold=entry is self._chosen)
        return Text.assemble(head, "\n", (pad + truncate(words, width - len(pad)), style))
