"""Dialogs that ask for one line."""

from collections.abc import Callable, Sequence

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static

from roost.client.tui.screens.dialog import Dialog

REACTIONS = (
    "\U0001f44d",
    "\u2764\ufe0f",
    "\U0001f602",
    "\U0001f389",
    "\U0001f440",
    "\u2705",
    "\U0001f914",
    "\U0001f44e",
)


class AskDialog(Dialog[str]):
    """Asks for a line; answers it when `check` finds nothing wrong with it."""

    def __init__(
        self,
        title: str,
        explanation: str,
        value: str = "",
        *,
        check: Callable[[str], str] = lambda _: "",
        placeholder: str = "",
    ) -> None:
        super().__init__()
        self.title_text = title
        self._explanation = explanation
        self._value = value
        self._check = check
        self._placeholder = placeholder

    def contents(self) -> ComposeResult:
        """Ask."""
        yield Static(Text(self._explanation), id="explanation")
        yield Input(self._value, placeholder=self._placeholder)
        yield Static("", id="problem")

    def on_mount(self) -> None:
        """Begin with typing."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        event.stop()
        problem = self._check(event.value.strip())
        if problem:
            self.query_one("#problem", Static).update(Text(problem))
        else:
            self.dismiss(event.value.strip())


class ReactionDialog(Dialog[str]):
    """Asks for a reaction: one of a few, or anything typed."""

    title_text = "React"

    def __init__(self, given: Sequence[str]) -> None:
        """Offer what others have given first."""
        super().__init__()
        self._offered = list(dict.fromkeys([*given, *REACTIONS]))[: len(REACTIONS)]

    def contents(self) -> ComposeResult:
        """Ask."""
        with Horizontal(id="reactions"):
            for number, reaction in enumerate(self._offered):
                yield Button(Text(reaction), id=f"reaction-{number}", compact=True)
        yield Input(placeholder="or type one, and press Enter")

    def on_mount(self) -> None:
        """Begin with the first one."""
        self.query(Button).first().focus()

    def on_key(self, event: events.Key) -> None:
        """Go through them with the arrows."""
        if event.key in ("left", "right") and isinstance(self.focused, Button):
            event.stop()
            if event.key == "left":
                self.focus_previous(Button)
            else:
                self.focus_next(Button)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        event.stop()
        self.dismiss(str(event.button.label))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        event.stop()
        if event.value.strip():
            self.dismiss(event.value.strip())
