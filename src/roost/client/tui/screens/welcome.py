"""The first screen: who the user is, and where to connect."""

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
    """Asks for a nickname; the other fields are filled in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+q", "leave", "Leave", show=False, priority=True),
    ]

    def __init__(self, nick: str, addresses: tuple[str, ...], problem: str = "") -> None:
        super().__init__()
        self._nick = nick
        self._addresses = addresses
        self._problem = problem

    def compose(self) -> ComposeResult:
        with Vertical(id="welcome"):
            yield Static(Text(LOGO), id="logo")
            yield Static("A chat that keeps going when a machine fails.", classes="hint")
            yield Label("Your nickname")
            yield Input(self._nick, placeholder="any name without spaces", id="nick")
            yield Label("Server")
            yield Input(" ".join(self._addresses), placeholder="host:port", id="where")
            yield Label("Password, if you have an account")
            yield Input(password=True, placeholder="leave empty if you have none", id="password")
            yield Static(Text(self._problem), id="problem")
            yield Button("Start chatting", variant="primary", id="start")
            yield Static("Enter starts, Tab moves on, Escape quits", classes="hint")

    def on_mount(self) -> None:
        self.query_one("#nick", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._start()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self._start()

    def action_leave(self) -> None:
        self.dismiss(None)

    def _start(self) -> None:
        nick = self.query_one("#nick", Input).value.strip()
        where = self.query_one("#where", Input).value.replace(",", " ").split()
        password = self.query_one("#password", Input).value
        problem = name_problem(nick)
        if not problem and not where:
            problem = "Enter a server, such as localhost:6667."
        if problem:
            self.query_one("#problem", Static).update(Text(problem))
            self.query_one("#nick" if name_problem(nick) else "#where", Input).focus()
            return
        self.dismiss(Introduction(nick, tuple(where), password))


def name_problem(nick: str) -> str:
    """Say what is wrong with a nickname for any server; return "" if nothing is."""
    if not nick:
        return "Choose a nickname first: it is the name that others see."
    if any(character.isspace() for character in nick):
        return "A nickname is one word, without spaces."
    if nick[0].isdigit() or nick[0] in "#&:$+@~%!-":
        return f"A nickname cannot begin with {nick[0]}."
    if any(character in ",*?!@#:" for character in nick):
        return "A nickname cannot contain , * ? ! @ # or :."
    if not nick.isprintable():
        return "The nickname contains an invisible character."
    return ""
