"""The completions above the composer."""

from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from roost.client.tui.emojis import label
from roost.client.tui.palette import Palette
from roost.client.tui.wrapping import truncate, width_of

SHOWN_MAX = 8


class OffersPopup(Widget):
    """A short list of completions; the composer says which one is chosen."""

    ALLOW_SELECT = False

    @dataclass
    class Clicked(Message):
        """A completion was clicked."""

        word: str

    def __init__(self, palette: Palette) -> None:
        super().__init__(id="offers")
        self.palette = palette
        self._words: list[str] = []
        self._chosen = -1
        self._first = 0

    def offer(self, words: list[str], chosen: int) -> None:
        """Show these completions; none hides the list."""
        self._words, self._chosen = words, chosen
        self._first = min(max(chosen - SHOWN_MAX + 1, 0), max(len(words) - SHOWN_MAX, 0))
        self.display = bool(words)
        shown = words[self._first : self._first + SHOWN_MAX]
        self.styles.height = max(len(shown), 1)
        self.styles.width = min(max((width_of(label(word)) for word in shown), default=1) + 4, 48)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        index = self._first + y
        palette, width = self.palette, self.size.width
        if index >= len(self._words):
            return Strip.blank(width, Style.from_color(bgcolor=palette.panel.rich_color))
        is_chosen = index == self._chosen
        base = (
            palette.selection if is_chosen else Style.from_color(bgcolor=palette.panel.rich_color)
        )
        words = f"  {truncate(label(self._words[index]), width - 4)}"
        strip = Strip([Segment(words, palette.text + Style(bold=is_chosen))])
        return strip.adjust_cell_length(width).apply_style(base)

    def on_click(self, event: events.Click) -> None:
        index = self._first + event.y
        if index < len(self._words):
            self.post_message(self.Clicked(self._words[index]))
