"""The dialogs about the connection: its state, what went wrong with it, and a name to choose."""

from textual.message import Message
from textual.screen import Screen

from roost.client.model import Phase, ProblemKind
from roost.client.model.effects import AskName
from roost.client.tui.account_dialogs import AccountDialogs
from roost.client.tui.link import Link
from roost.client.tui.screens.dialog import PromptDialog
from roost.client.tui.screens.password import Login, LoginDialog
from roost.client.tui.screens.picker import Action, Menu, run
from roost.client.tui.screens.welcome import name_problem


class IntroductionWanted(Message):
    """Asks the application to close the connection and to ask for name and server again."""

    def __init__(self, problem: str) -> None:
        super().__init__()
        self.problem = problem


class ConnectionDialogs:
    """Opens dialogs above a screen, and does what is chosen in them."""

    def __init__(self, screen: Screen[None], link: Link) -> None:
        self._screen = screen
        self._link = link
        self._model = link.model
        self._account = AccountDialogs(screen, link)

    def show_state(self) -> None:
        """Tell more about the connection than the status bar does."""
        state = self._model.connection
        lines = [
            f"Server    {state.server_name or '-'}",
            f"Network   {state.network or '-'}",
            f"Address   {state.address or '-'}{' (TLS)' if state.is_secure else ''}",
            f"State     {state.phase.value}",
            f"Account   {self._model.account or '-'}",
        ]
        if state.round_trip_ms is not None:
            lines.append(f"Delay     {state.round_trip_ms:.0f} ms round trip")
        if state.problem is not None:
            lines += ["", state.problem.text, state.problem.advice]
        actions: list[tuple[str, Action]] = [
            ("Reconnect now", self.reconnect),
            ("Change name or server", self._introduce),
            ("Account", self._account.show),
            ("Close", lambda: None),
        ]
        menu = Menu("Connection", actions, explanation="\n".join(lines))
        self._screen.app.push_screen(menu, run)

    def show_problem(self) -> None:
        """Say why there is no connection, and offer what helps."""
        problem = self._model.connection.problem
        if problem is None:
            return
        if problem.kind is ProblemKind.ACCOUNT:
            self._ask_password(f"{problem.text} {problem.advice}".strip())
            return
        change = {
            ProblemKind.PASSWORD: "Enter another password",
            ProblemKind.NAME: "Choose another name",
            ProblemKind.CERTIFICATE: "Connect to another server",
        }.get(problem.kind, "Change name, password or server")
        actions: list[tuple[str, Action]] = [
            (change, self._introduce),
            ("Try again", self.reconnect),
            ("Quit Roost", lambda: self._screen.call_later(self._screen.app.action_quit)),
        ]
        about = "\n\n".join(part for part in (problem.text, problem.advice) if part)
        self._screen.app.push_screen(Menu("Not connected", actions, explanation=about), run)

    def _ask_password(self, about: str) -> None:
        profile = self._model.profile
        account = profile.account or self._model.wanted_nick

        def answered(login: Login | None) -> None:
            if login is None:
                return
            if login.password:
                self._model.log_in(login.account, login.password)
                self._link.flush()
            else:
                self.ask_name(AskName(account, f"{account} is the name of an account."))

        dialog = LoginDialog(account, about, offers_name=True)
        self._screen.app.push_screen(dialog, answered)

    def ask_name(self, effect: AskName) -> None:
        """Ask for another nickname, and request it."""
        meanwhile = f" You are {effect.in_use} for now." if effect.in_use else ""
        words = f"{effect.reason.rstrip('.')}.{meanwhile} Choose another nickname."

        def answered(nick: str | None) -> None:
            if nick:
                self._model.set_nick(nick)
                if self._model.connection.phase is Phase.STOPPED:
                    self._model.reconnect()
                self._link.flush()

        dialog = PromptDialog("Another name", words, effect.wanted, check=name_problem)
        self._screen.app.push_screen(dialog, answered)

    def ask_server(self) -> None:
        """Ask for the address of another server, and open it."""

        def answered(address: str | None) -> None:
            if address:
                self._model.submit(self._model.active, f"/server {address}")
                self._link.flush()

        about = "Its address, such as irc.example.org:6697."
        self._screen.app.push_screen(PromptDialog("Another server", about), answered)

    def reconnect(self) -> None:
        """Dial again at once."""
        self._model.reconnect()
        self._link.flush()

    def _introduce(self) -> None:
        problem = self._model.connection.problem
        self._screen.post_message(IntroductionWanted(problem.text if problem else ""))
