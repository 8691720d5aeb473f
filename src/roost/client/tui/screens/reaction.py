"""The dialog that asks for a reaction to a message."""

from collections.abc import Sequence

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static

from roost.client.tui.screens.dialog import Box, Dialog

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


class ReactionDialog(Dialog[str]):
    """Offers common reactions, and a field for any other."""

    def __init__(self, given: Sequence[str]) -> None:
        """Offer `given`, the reactions that the message has already, before the common ones."""
        super().__init__()
        self._offered = list(dict.fromkeys([*given, *REACTIONS]))[: len(REACTIONS)]

    def compose(self) -> ComposeResult:
        with Box("React"):
            with Horizontal(id="reactions"):
                for number, reaction in enumerate(self._offered):
                    yield Button(Text(reaction), id=f"reaction-{number}", compact=True)
            yield Input(placeholder="or type one, and press Enter")
            yield Static("Left, Right and Enter, or a click. Escape closes.", classes="hint")

    def on_mount(self) -> None:
        self.query(Button).first().focus()

    def on_key(self, event: events.Key) -> None:
        """Move between the buttons with the arrow keys."""
        if event.key in ("left", "right") and isinstance(self.focused, Button):
            event.stop()
            if event.key == "left":
                self.focus_previous(Button)
            else:
                self.focus_next(Button)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(str(event.button.label))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.dismiss(event.value.strip())
