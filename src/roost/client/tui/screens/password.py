"""The dialogs that ask for passwords. What is typed is not shown and goes nowhere else."""

from typing import NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input, Label, Static

from roost.client.model.accounts import password_problem
from roost.client.tui.screens.dialog import Box, Dialog


class Login(NamedTuple):
    """What to log in with."""

    account: str
    password: str
    """Empty if the user wants another name instead."""


class LoginDialog(Dialog[Login]):
    """Asks for the password of an account."""

    def __init__(self, account: str, explanation: str = "", *, offers_name: bool = False) -> None:
        """Let the account be changed, or, with `offers_name`, another name be chosen instead."""
        super().__init__()
        self._account = account
        self._explanation = explanation
        self._offers_name = offers_name

    def compose(self) -> ComposeResult:
        with Box("Log in"):
            yield Static(Text(self._explanation), id="explanation")
            if not self._offers_name:
                yield Label("Account", classes="field")
                yield Input(self._account, id="account")
            yield Label(f"Password of {self._account}" if self._offers_name else "Password")
            yield Input(password=True, id="password")
            yield Static("", id="problem")
            with Horizontal(classes="buttons"):
                yield Button("Log in", id="login", compact=True)
                if self._offers_name:
                    yield Button("Choose another name", id="rename", compact=True)
            yield Static(
                "To log in without being asked, set password_command in the settings file.",
                classes="hint",
            )

    def on_mount(self) -> None:
        self.query_one("#explanation").display = bool(self._explanation)
        fields = self.query(Input)
        next((field for field in fields if not field.value), fields.last()).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._answer()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "rename":
            self.dismiss(Login(self._account, ""))
        else:
            self._answer()

    def _answer(self) -> None:
        account = self._account
        if not self._offers_name:
            account = self.query_one("#account", Input).value.strip()
        password = self.query_one("#password", Input).value
        if not account or not password:
            what = "the password" if account else "the name of the account"
            self.query_one("#problem", Static).update(f"Enter {what}.")
        else:
            self.dismiss(Login(account, password))


class NewPasswordDialog(Dialog[str]):
    """Asks for a new password twice; the result is the password."""

    def __init__(
        self, title: str, explanation: str, verb: str, *, asks_proof: bool = False
    ) -> None:
        """`verb` is on the button; `asks_proof` is for networks that want one of new accounts."""
        super().__init__()
        self.proof = ""
        """An e-mail address or an invitation code, if it was asked for."""
        self._asks_proof = asks_proof
        self._title = title
        self._explanation = explanation
        self._verb = verb

    def compose(self) -> ComposeResult:
        with Box(self._title):
            yield Static(Text(self._explanation), id="explanation")
            if self._asks_proof:
                yield Label("E-mail address, or invitation code", classes="field")
                yield Input(id="proof")
            yield Label("Password")
            yield Input(password=True, id="password")
            yield Label("The same again")
            yield Input(password=True, id="again")
            yield Static("", id="problem")
            with Horizontal(classes="buttons"):
                yield Button(self._verb, id="save", compact=True)

    def on_mount(self) -> None:
        self.query(Input).first().focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go from one field to the next, and check them."""
        event.stop()
        password, again = self._fields()
        if event.input.id == "proof" and not password.value:
            password.focus()
        elif event.input is password and not again.value:
            again.focus()
            self.query_one("#problem", Static).update("Type it again, to be sure.")
        else:
            self._answer()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self._answer()

    def _fields(self) -> tuple[Input, Input]:
        return self.query_one("#password", Input), self.query_one("#again", Input)

    def _answer(self) -> None:
        password, again = self._fields()
        problem = password_problem(password.value, again.value)
        if self._asks_proof:
            self.proof = self.query_one("#proof", Input).value.strip()
            if not self.proof or any(character.isspace() for character in self.proof):
                problem = "Enter your e-mail address, or the invitation code that you got."
        if problem:
            self.query_one("#problem", Static).update(Text(problem))
        else:
            self.dismiss(password.value)
