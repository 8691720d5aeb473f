"""A scrolled list of one-line rows; only those in view are drawn, so any length costs the same."""

from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from roost.client.tui.palette import Palette

WHEEL_ROWS = 3


class ListPane(Widget):
    """A list; subclasses say what is in its rows."""

    ALLOW_SELECT = False

    @dataclass
    class Chosen(Message):
        """A row was clicked."""

        pane: "ListPane"
        row: int
        is_menu: bool
        """With the right button."""

    def __init__(self, palette: Palette, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.palette = palette
        self._offset = 0
        self._hovered = -1

    def count(self) -> int:
        """Return the number of rows."""
        raise NotImplementedError

    def row(self, index: int, width: int) -> list[Segment]:
        """Return the content of a row; it is cut or padded to the width."""
        raise NotImplementedError

    def row_background(self, index: int) -> Style | None:  # noqa: ARG002 - for subclasses
        """Return the background of a highlighted row."""
        return None

    def is_clickable(self, index: int) -> bool:  # noqa: ARG002 - for subclasses
        """Return whether a click on a row does something."""
        return True

    def reveal(self, index: int) -> None:
        """Scroll a row into view."""
        if index < self._offset:
            self._offset = index
        elif index >= self._offset + self.size.height:
            self._offset = index - self.size.height + 1
        self.refresh()

    def set_palette(self, palette: Palette) -> None:
        self.palette = palette
        self.refresh()

    def render_line(self, y: int) -> Strip:
        self._clamp()
        index = self._offset + y
        base = Style.from_color(bgcolor=self.palette.surface.rich_color)
        width = self.size.width
        if index >= self.count():
            return Strip.blank(width, base)
        strip = Strip(self.row(index, width)).adjust_cell_length(width, self.palette.text)
        background = self.row_background(index)
        if background is None and index == self._hovered and self.is_clickable(index):
            background = Style.from_color(bgcolor=self.palette.panel.rich_color)
        return strip.apply_style(background or base)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll(event, -WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll(event, WHEEL_ROWS)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Highlight what a click would choose."""
        self._hover(self._offset + event.y)

    def on_leave(self) -> None:
        self._hover(-1)

    def on_click(self, event: events.Click) -> None:
        index = self._offset + event.y
        if index < self.count() and self.is_clickable(index):
            self.post_message(self.Chosen(self, index, event.button == 3))

    def _hover(self, index: int) -> None:
        if index != self._hovered:
            self._hovered = index
            self.refresh()

    def _scroll(self, event: events.MouseEvent, rows: int) -> None:
        event.stop()
        self._offset += rows
        self._clamp()
        self.refresh()

    def _clamp(self) -> None:
        self._offset = max(min(self._offset, self.count() - self.size.height), 0)
