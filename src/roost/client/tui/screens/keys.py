"""The dialog that lists the keys."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType

from roost.client.tui.keys import groups
from roost.client.tui.palette import Palette
from roost.client.tui.screens.dialog import TextDialog


class KeysDialog(TextDialog):
    """Lists which key does what."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "question", "Type a question mark", show=False),
    ]

    def __init__(
        self,
        palette: Palette,
        own: Mapping[str, str],
        on_question: Callable[[], None] | None = None,
    ) -> None:
        """Show the keys, with the user's `own`.

        Opened by F1, or by a question mark in the empty composer. In the latter case the user may
        have wanted the character: `on_question` writes it when the key is pressed again.
        """
        super().__init__("Keys", keys_text(palette, own, is_typed=on_question is not None))
        self._on_question = on_question

    def action_question(self) -> None:
        self.dismiss(None)
        if self._on_question is not None:
            self._on_question()


def keys_text(palette: Palette, own: Mapping[str, str], *, is_typed: bool) -> Text:
    """Return the table of keys; `is_typed` says that a question mark opened it."""
    shown = Text()
    if is_typed:
        shown.append("Press ? again to type a question mark.\n\n", palette.accent)
    shown_groups = groups(own)
    width = max(len(key.shown) for group in shown_groups for key in group.keys) + 2
    for group in shown_groups:
        shown.append(f"{group.title}\n", palette.text + Style(bold=True))
        for key in group.keys:
            shown.append(f"  {key.shown.ljust(width)}", palette.primary)
            shown.append(f"{key.meaning}\n", palette.text)
        shown.append("\n")
    shown.append("/help shows the commands.", palette.muted)
    return shown
