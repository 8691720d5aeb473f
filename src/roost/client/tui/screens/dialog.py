"""What all dialogs are: a framed box with a title, closed by Escape or by a click beside it."""

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer | None], Generic[Answer]):
    """A box; answers None when it is closed without an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False),
    ]
    title_text = ""

    def compose(self) -> ComposeResult:
        """Frame the contents."""
        with Vertical(classes="dialog", id="box") as box:
            box.border_title = self.title_text
            yield from self.contents()

    def contents(self) -> ComposeResult:
        """Give what is in the box."""
        raise NotImplementedError

    def action_close(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """Close when the click is beside the box."""
        box = self.query_one("#box")
        if not box.region.contains(int(event.screen_x), int(event.screen_y)):
            self.dismiss(None)


class ChoiceDialog(Dialog[str]):
    """Some things to choose from; answers the chosen one's id."""

    def __init__(
        self, title: str, choices: Sequence[tuple[str, str]], *, explanation: str | Text = ""
    ) -> None:
        """Offer choices: (id, words)."""
        super().__init__()
        self.title_text = title
        self._choices = choices
        self._explanation = explanation

    def contents(self) -> ComposeResult:
        """Show what it is about, and the choices."""
        if self._explanation:
            words = self._explanation
            with VerticalScroll(classes="explanation", can_focus=False):
                yield Static(Text(words) if isinstance(words, str) else words)
        yield OptionList(*(Option(Text(words), id=name) for name, words in self._choices))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer."""
        event.stop()
        self.dismiss(event.option.id)


class TextDialog(Dialog[None]):
    """Something to read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,f1", "close", "Close", show=False),
    ]

    def __init__(self, title: str, words: Text) -> None:
        super().__init__()
        self.title_text = title
        self._words = words

    def contents(self) -> ComposeResult:
        """Show it."""
        with VerticalScroll(classes="reading"):
            yield Static(self._words)
        yield Static("Escape closes this", classes="hint")
