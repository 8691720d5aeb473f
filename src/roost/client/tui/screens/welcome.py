"""The first thing somebody sees: who they are, and where to go."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Button, Input, Label, Static

from roost.client.tui.link import Introduction

LOGO = "roost"


class WelcomeScreen(Screen[Introduction | None]):
    """Asks for a name; everything else has an answer already."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+q", "leave", "Leave", show=False, priority=True),
    ]

    def __init__(self, nick: str, addresses: tuple[str, ...], problem: str = "") -> None:
        super().__init__()
        self._nick = nick
        self._addresses = addresses
        self._problem = problem

    def compose(self) -> ComposeResult:
        """Ask."""
        with Vertical(id="welcome"):
            yield Static(Text(LOGO), id="logo")
            yield Static("A chat that goes on when a machine dies.", classes="hint")
            yield Label("Your name here")
            yield Input(self._nick, placeholder="any name, without spaces", id="nick")
            yield Label("Where")
            yield Input(" ".join(self._addresses), placeholder="host:port", id="where")
            yield Label("Password, if you have an account")
            yield Input(password=True, placeholder="leave empty if you have none", id="password")
            yield Static(Text(self._problem), id="problem")
            yield Button("Start chatting", variant="primary", id="start")
            yield Static("Enter starts, Tab goes on, Escape leaves", classes="hint")

    def on_mount(self) -> None:
        """Begin with the name."""
        self.query_one("#nick", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Start with Enter, wherever one is."""
        event.stop()
        self._start()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Start with the button."""
        event.stop()
        self._start()

    def action_leave(self) -> None:
        """Leave the program."""
        self.dismiss(None)

    def _start(self) -> None:
        nick = self.query_one("#nick", Input).value.strip()
        where = self.query_one("#where", Input).value.replace(",", " ").split()
        password = self.query_one("#password", Input).value
        problem = name_problem(nick)
        if not problem and not where:
            problem = "Say where to connect to, such as localhost:6667."
        if problem:
            self.query_one("#problem", Static).update(Text(problem))
            self.query_one("#nick" if name_problem(nick) else "#where", Input).focus()
            return
        self.dismiss(Introduction(nick, tuple(where), password))


def name_problem(nick: str) -> str:
    """Say what is wrong with a name for any server; empty when nothing is."""
    if not nick:
        return "Choose a name first: it is what others see."
    if any(character.isspace() for character in nick):
        return "A name is one word, without spaces."
    if nick[0].isdigit() or nick[0] in "#&:$+@~%!-":
        return f"A name cannot begin with {nick[0]}."
    if any(character in ",*?!@#:" for character in nick):
        return "A name cannot have any of , * ? ! @ # : in it."
    if not nick.isprintable():
        return "There is something in the name that cannot be seen."
    return ""
