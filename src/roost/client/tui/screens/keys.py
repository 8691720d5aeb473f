"""The keys."""

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType

from roost.client.tui.keys import GROUPS
from roost.client.tui.palette import Palette
from roost.client.tui.screens.dialog import TextDialog

QUESTION = "?"


class KeysScreen(TextDialog):
    """Which key does what."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "question", "Type a question mark", show=False),
    ]

    def __init__(self, palette: Palette, *, is_typed: bool = False) -> None:
        """Show the keys; `is_typed` says that a question mark opened it where one writes."""
        super().__init__("Keys", keys_text(palette, is_typed=is_typed))
        self._is_typed = is_typed
        self.is_question_wanted = False

    def action_question(self) -> None:
        """Close; with the key that opened it, one may have wanted the character."""
        self.is_question_wanted = self._is_typed
        self.dismiss(None)


def keys_text(palette: Palette, *, is_typed: bool = False) -> Text:
    """Give all keys as a text."""
    shown = Text()
    if is_typed:
        shown.append("Press ? again to write a question mark.\n\n", palette.accent)
    width = max(len(key.shown) for group in GROUPS for key in group.keys) + 2
    for group in GROUPS:
        shown.append(f"{group.title}\n", palette.text + Style(bold=True))
        for key in group.keys:
            shown.append(f"  {key.shown.ljust(width)}", palette.primary)
            shown.append(f"{key.meaning}\n", palette.text)
        shown.append("\n")
    shown.append("/help shows the commands.", palette.muted)
    return shown
