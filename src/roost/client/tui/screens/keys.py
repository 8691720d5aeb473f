"""The dialog that lists the keys."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType

from roost.client.tui.keys import groups
from roost.client.tui.palette import Palette
from roost.client.tui.screens.dialog import TextDialog, grid

WIDTH = 20
"""Of the keys' column in every group, so that the meanings begin in one column."""


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


def keys_text(palette: Palette, own: Mapping[str, str], *, is_typed: bool) -> Group:
    """Return the table of keys; `is_typed` says that a question mark opened it."""
    parts: list[RenderableType] = []
    if is_typed:
        parts.append(Text("Press ? again to type a question mark.\n", palette.accent))
    for group in groups(own):
        parts.append(Text(group.title, palette.text + Style(bold=True)))
        parts.append(
            grid(
                (
                    Text(f"  {key.shown.ljust(WIDTH)}", palette.primary),
                    Text(key.meaning, palette.text),
                )
                for key in group.keys
            )
        )
        parts.append(Text(""))
    parts.append(Text("/help shows the commands.", palette.muted))
    return Group(*parts)
