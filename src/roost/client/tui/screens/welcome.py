"""The first screen: who the user is, and where to connect."""

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Button, Input, Label, Static

from roost.client.model import ProblemKind
from roost.client.tui.link import Introduction

LOGO = "roost"
IDLE_HINT = "Enter starts, Tab moves on, Escape quits"


class WelcomeScreen(Screen[None]):
    """Asks for a nickname; the other fields are filled in.

    It stays until the connection works, so that whatever is wrong can be corrected.
    """

    @dataclass
    class Submitted(Message):
        """The form is filled in: connect, and call `show_problem` or close the screen."""

        introduction: Introduction

    class Left(Message):
        """The user wants to stop connecting, or if the form is idle, to quit."""

        def __init__(self, *, is_connecting: bool) -> None:
            super().__init__()
            self.is_connecting = is_connecting

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+q", "leave", "Leave", show=False, priority=True),
    ]

    def __init__(self, nick: str, addresses: tuple[str, ...], problem: str = "") -> None:
        super().__init__()
        self._nick = nick
        self._addresses = addresses
        self._problem = problem
        self._is_connecting = False

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
            yield Static("", id="progress")
            yield Button("Start chatting", variant="primary", id="start")
            yield Static(IDLE_HINT, classes="hint", id="keys")

    def on_mount(self) -> None:
        self.query_one("#nick", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._start()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self._start()

    def action_leave(self) -> None:
        self.post_message(self.Left(is_connecting=self._is_connecting))
        self._stop("")

    def show_problem(self, problem: str, kind: ProblemKind | None = None) -> None:
        """Say why there is no connection, and let the answers be corrected."""
        self._stop(problem)
        if kind in (ProblemKind.PASSWORD, ProblemKind.ACCOUNT):
            self.query_one("#password", Input).value = ""
        wrong = {
            ProblemKind.PASSWORD: "#password",
            ProblemKind.ACCOUNT: "#password",
            ProblemKind.NAME: "#nick",
        }
        self.query_one(wrong.get(kind, "#where") if kind else "#where", Input).focus()

    def _stop(self, problem: str) -> None:
        self._is_connecting = False
        self.query_one("#problem", Static).update(Text(problem))
        self.query_one("#progress", Static).update("")
        self.query_one("#keys", Static).update(IDLE_HINT)
        self.query_one("#start", Button).disabled = False

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
        if self._is_connecting:
            return
        self._is_connecting = True
        self.query_one("#problem", Static).update("")
        self.query_one("#progress", Static).update(Text(f"Connecting to {' '.join(where)} \u2026"))
        self.query_one("#keys", Static).update("Escape stops connecting")
        self.query_one("#start", Button).disabled = True
        self.post_message(self.Submitted(Introduction(nick, tuple(where), password)))


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
