"""The search field of the conversation in view."""

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class FindBar(Horizontal):
    """A field, and the number of matches."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Stop searching", show=False),
        Binding("up,shift+enter", "step(-1)", "Earlier", show=False),
        Binding("down", "step(1)", "Later", show=False),
    ]

    @dataclass
    class Changed(Message):
        """The query has changed."""

        query: str

    @dataclass
    class Stepped(Message):
        """The next (1) or previous (-1) match is wanted."""

        step: int

    class Closed(Message):
        """The search has ended."""

    def __init__(self) -> None:
        super().__init__(id="find")

    def compose(self) -> ComposeResult:
        yield Static("Search ", id="find-label")
        yield Input(placeholder="in the loaded messages", compact=True, id="find-input")
        yield Static("", id="find-count")

    @property
    def query_text(self) -> str:
        """What is typed."""
        return self.query_one(Input).value

    def open(self, query: str = "") -> None:
        """Show the bar and focus the field."""
        self.display = True
        field = self.query_one(Input)
        self.query_one("#find-count", Static).update("Ctrl+F: everything")
        if query:
            field.value = query
        field.focus()

    def close(self) -> None:
        """Hide the bar and end the search."""
        if self.display:
            self.display = False
            self.query_one(Input).value = ""
            self.post_message(self.Closed())

    def show_matches(self, number: int, count: int, query: str) -> None:
        """Show which match of how many is chosen."""
        found = f"{number} of {count}  Up Down" if count else "not found" if query else ""
        words = f"{found}  Ctrl+F: everything".strip()
        self.query_one("#find-count", Static).update(words)

    def action_close(self) -> None:
        self.close()

    def action_step(self, step: int) -> None:
        self.post_message(self.Stepped(step))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            self.post_message(self.Changed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the previous match with Enter."""
        event.stop()
        self.post_message(self.Stepped(-1))
