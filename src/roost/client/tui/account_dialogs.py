"""The dialogs about the user's account: make one, log in, change the password, log out."""

from textual.screen import Screen

from roost.client.tui.link import Link
from roost.client.tui.screens.password import Login, LoginDialog, NewPasswordDialog
from roost.client.tui.screens.picker import Action, Menu, run

ABOUT = (
    "An account keeps your nickname for you, and lets rooms recognise you. You need none to chat."
)


class AccountDialogs:
    """Opens dialogs above a screen, and does what is chosen in them."""

    def __init__(self, screen: Screen[None], link: Link) -> None:
        self._screen = screen
        self._link = link
        self._model = link.model

    def show(self) -> None:
        """Say whether the user is logged in, and offer what can be done."""
        account, nick = self._model.account, self._model.nick
        actions: list[tuple[str, Action]]
        if account:
            about = f"You are logged in as {account}."
            actions = [("Change the password", self.change_password), ("Log out", self.log_out)]
        else:
            about = f"You are not logged in. {ABOUT}"
            actions = [
                (f"Make {nick} an account", self.register),
                ("Log in to an account", self.log_in),
            ]
        menu = Menu("Account", [*actions, ("Close", lambda: None)], explanation=about)
        self._screen.app.push_screen(menu, run)

    def log_in(self, account: str = "") -> None:
        """Ask for account and password."""

        def answered(login: Login | None) -> None:
            if login is not None:
                self._model.log_in(login.account, login.password)
                self._link.flush()

        self._screen.app.push_screen(LoginDialog(account or self._model.nick), answered)

    def log_out(self) -> None:
        self._model.log_out()
        self._link.flush()

    def register(self) -> None:
        """Ask for a password, and make the nickname an account."""
        if self._model.account:
            self._screen.notify(f"You have the account {self._model.account} already")
            return

        def answered(password: str | None) -> None:
            if password:
                self._model.register_account(password, dialog.proof)
                self._link.flush()

        warning = "" if self._model.connection.is_secure else self._plain_warning()
        about = f"{ABOUT}{warning} Choose a password of at least 8 characters."
        title = f"Make {self._model.nick} an account"
        dialog = NewPasswordDialog(
            title, about, "Make the account", asks_proof=self._model.needs_proof
        )
        self._screen.app.push_screen(dialog, answered)

    def change_password(self) -> None:
        """Ask for another password of the account."""
        if not self._model.account:
            self._screen.notify("You are not logged in; /login logs you in", severity="error")
            return

        def answered(password: str | None) -> None:
            if password:
                self._model.change_password(password)
                self._link.flush()

        about = f"The new password of the account {self._model.account}, at least 8 characters."
        self._screen.app.push_screen(
            NewPasswordDialog("Change the password", about, "Change it"), answered
        )

    def _plain_warning(self) -> str:
        host = self._model.connection.address.rpartition(":")[0].strip("[]")
        if host in ("127.0.0.1", "::1", "localhost"):
            return ""
        return " This connection is not encrypted: others on the way can read the password."
