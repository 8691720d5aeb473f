"""The one dialog that offers a list to choose from.

Menu          a fixed list of actions
RoomPicker    the server's rooms, filtered as one types          (`screens.rooms`)
Switcher      conversations, rooms and people, filtered alike    (`screens.switcher`)
"""

from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, NamedTuple, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from roost.client.tui.screens.dialog import Box, Dialog

Value = TypeVar("Value")
Action = Callable[[], object]


class Choice(NamedTuple, Generic[Value]):
    """A row of a picker, and what choosing it results in."""

    value: Value
    line: Text


class Picker(Dialog[Value]):
    """Offers choices, with a field that filters them if `placeholder` is not empty."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "move('cursor_down')", "Next", show=False, priority=True),
        Binding("up,ctrl+p", "move('cursor_up')", "Previous", show=False, priority=True),
        Binding("pagedown", "move('page_down')", "Down a page", show=False, priority=True),
        Binding("pageup", "move('page_up')", "Up a page", show=False, priority=True),
    ]

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice[Value]] = (),
        *,
        placeholder: str = "",
        explanation: str = "",
    ) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._placeholder = placeholder
        self._explanation = explanation
        self._hint = Static(classes="hint")
        self.options = OptionList()

    def compose(self) -> ComposeResult:
        with Box(self._title):
            if self._explanation:
                with VerticalScroll(classes="explanation", can_focus=False):
                    yield Static(Text(self._explanation))
            if self._placeholder:
                yield Input(placeholder=self._placeholder)
            yield self.options
            yield self._hint

    def on_mount(self) -> None:
        self.show_choices()

    def find(self, typed: str) -> tuple[Sequence[Choice[Value]], str]:  # noqa: ARG002
        """Return the choices for what is typed, best first, and a hint to show below them."""
        return self._choices, ""

    def show_choices(self) -> None:
        """Show what `find` returns now; call this when its answer may have changed."""
        field = self.query(Input)
        self._choices, hint = self.find(field.first().value if field else "")
        self.options.clear_options()
        self.options.add_options([Option(choice.line) for choice in self._choices])
        if self._choices:
            self.options.highlighted = 0
        self._hint.update(Text(hint))
        self._hint.display = bool(hint)

    def action_move(self, move: str) -> None:
        """Move in the list, wherever the keyboard focus is."""
        getattr(self.options, f"action_{move}")()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.show_choices()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.options.action_select()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._choices[event.option_index].value)


class Menu(Picker[Action]):
    """Offers actions by their labels; the result is the chosen one, for the caller to run."""

    def __init__(
        self,
        title: str,
        actions: Sequence[tuple[str, Action]],
        *,
        explanation: str = "",
        first: int = 0,
    ) -> None:
        """Begin at the action with the number `first`."""
        choices = [Choice(action, Text(label)) for label, action in actions]
        super().__init__(title, choices, explanation=explanation)
        self._first = first

    def show_choices(self) -> None:
        super().show_choices()
        self.options.highlighted = self._first


def run(action: Action | None) -> None:
    """Run the action that was chosen, if any: a callback for `push_screen`."""
    if action is not None:
        action()
