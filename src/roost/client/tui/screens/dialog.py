"""The framed box that every dialog is, and two plain ones: a line to type, a text to read.

Escape, or a click outside the box, closes a dialog without an answer: its result is None.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar, Generic, TypeVar

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

Answer = TypeVar("Answer")
FIRST_MAX = 24
"""Of the first column of a table, so that a narrow screen has room for the second."""


class Box(Vertical):
    """The frame around a dialog's widgets."""

    def __init__(self, title: str, hint: str = "") -> None:
        super().__init__(classes="dialog", id="box")
        self.border_title = title
        self.border_subtitle = hint


class Dialog(ModalScreen[Answer | None], Generic[Answer]):
    """A screen above the conversation; a subclass composes one `Box`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False),
    ]

    def action_close(self) -> None:
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        if not self.query_one(Box).region.contains(int(event.screen_x), int(event.screen_y)):
            self.dismiss(None)


class PromptDialog(Dialog[str]):
    """Asks for one line; the result is the line without surrounding blanks."""

    def __init__(
        self,
        title: str,
        explanation: str,
        value: str = "",
        *,
        check: Callable[[str], str] = lambda _: "",
    ) -> None:
        """`check` returns what is wrong with a line, or "" to accept it."""
        super().__init__()
        self._title = title
        self._explanation = explanation
        self._value = value
        self._check = check

    def compose(self) -> ComposeResult:
        with Box(self._title):
            yield Static(Text(self._explanation), id="explanation")
            yield Input(self._value)
            yield Static("", id="problem")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        line = event.value.strip()
        problem = self._check(line)
        if problem:
            self.query_one("#problem", Static).update(Text(problem))
        else:
            self.dismiss(line)


def grid(rows: Iterable[tuple[Text, Text]]) -> Table:
    """Return a table of two columns; what is too long for one is wrapped there."""
    table = Table.grid(padding=(0, 2))
    table.add_column(max_width=FIRST_MAX)
    table.add_column()
    for row in rows:
        table.add_row(*row)
    return table


class TextDialog(Dialog[None]):
    """Shows a text to read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,f1", "close", "Close", show=False),
    ]

    def __init__(self, title: str, text: RenderableType) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        # Below a long text there would be no room for the hint.
        with Box(self._title, "Escape closes this"), VerticalScroll(classes="reading"):
            yield Static(self._text)
