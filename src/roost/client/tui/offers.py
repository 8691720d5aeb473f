"""The completions above the composer."""

from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from roost.client.model.commands import COMMANDS
from roost.client.tui.emojis import label
from roost.client.tui.palette import Palette
from roost.client.tui.wrapping import truncate, width_of

SHOWN_MAX = 8
HELP_FROM = 30
"""The column at which the help of commands begins."""


def described(word: str) -> tuple[str, str]:
    """Return a completion as it is shown, and the help if it is a command."""
    command = COMMANDS.get(word.strip().removeprefix("/")) if word.startswith("/") else None
    if command is None:
        return label(word), ""
    return f"/{command.name} {command.parameters}".rstrip(), command.help


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

    def offer(self, words: list[str], chosen: int, rows: int = SHOWN_MAX) -> None:
        """Show these completions in at most `rows` lines; none hides the list."""
        self._words, self._chosen = words, chosen
        rows = min(rows, SHOWN_MAX)
        self._first = min(max(chosen - rows + 1, 0), max(len(words) - rows, 0))
        self.display = bool(words)
        self.styles.height = max(min(len(words), rows), 1)
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
        words, help_text = described(self._words[index])
        words = f"  {truncate(words, width - 4)}"
        segments = [Segment(words, palette.text + Style(bold=is_chosen))]
        if help_text and width > HELP_FROM + 20:
            gap = max(HELP_FROM - width_of(words), 2)
            room = width - width_of(words) - gap - 2
            segments.append(Segment(" " * gap + truncate(help_text, room), palette.muted))
        return Strip(segments).adjust_cell_length(width).apply_style(base)

    def on_click(self, event: events.Click) -> None:
        index = self._first + event.y
        if index < len(self._words):
            self.post_message(self.Clicked(self._words[index]))
