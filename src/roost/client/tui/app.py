"""The application of `roost chat`: a `MainScreen` over a `Link`.

The model changes at any rate. The screen follows it at most `FRAMES_PER_S` times a second, and
draws only what the revisions say has changed.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.drivers.web_driver import WebDriver
from textual.screen import Screen

from roost.client.model import Model, Phase, ProblemKind
from roost.client.model.effects import Attention, InterfaceEffect
from roost.client.tui import emojis, notifications
from roost.client.tui.calendar import Calendar
from roost.client.tui.connection_dialogs import IntroductionWanted
from roost.client.tui.idle import IdleCollector
from roost.client.tui.keys import keymap
from roost.client.tui.link import Host, Introduction, Link
from roost.client.tui.main_screen import MainScreen, attention_words
from roost.client.tui.safety import Guarded, Mistakes
from roost.client.tui.screens.welcome import WelcomeScreen
from roost.client.tui.servers import FIRST, FIRST_MODE, Servers
from roost.client.tui.terminal import BrowserDriver, TerminalDriver
from roost.client.tui.themes import DARK, THEMES
from roost.ops import clock

FRAMES_PER_S = 30
SAVE_EVERY_S = 20.0
"""How often the state is saved; a crash loses no more."""
GAVE_UP = "roost chat had to stop because of an internal error. Details are in {where}."


class ChatApp(Guarded, App[str]):
    """The client; its result is a sentence to print at the end, or None."""

    CSS_PATH = "styles.tcss"
    TITLE = "Roost"
    ENABLE_COMMAND_PALETTE = False
    NOTIFICATION_TIMEOUT = 4.0
    MODES: ClassVar[dict[str, str | Callable[[], Screen[object]]]] = {FIRST_MODE: Screen}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "help_quit", show=False, system=True),
        Binding("ctrl+l", "redraw", show=False, priority=True),
    ]

    def __init__(
        self, host: Host, *, log_path: Path | None = None, calendar: Calendar | None = None
    ) -> None:
        super().__init__()
        self._host = host
        self._calendar = calendar or Calendar()
        self.mistakes = Mistakes(log_path)
        self._link: Link | None = None
        self._introduction: Introduction | None = None
        """What the link was started with."""
        self._has_worked = False
        self._effects_kept: list[InterfaceEffect] = []
        """Those of the first server that came while its main screen was not in front."""
        self.servers = Servers(self, host, self._first_model, self._make_screen, self._run_link)
        self._idle = IdleCollector()
        for theme in THEMES:
            self.register_theme(theme)
        self.set_keymap(keymap(host.preferences.keys))
        self.theme = self._usable(host.preferences.theme)

    def _usable(self, name: str) -> str:
        theme = self.get_theme(name) if name else None
        return name if theme is not None and not theme.ansi else DARK

    # Start and end.

    def get_driver_class(self) -> type[Driver]:
        found = super().get_driver_class()
        return {LinuxDriver: TerminalDriver, WebDriver: BrowserDriver}.get(found, found)

    def on_mount(self) -> None:
        if not self.is_headless:
            # Of the whole process, so not where the interface is a part of something else.
            self._idle.begin()
            # So that the first ":" does not wait for them.
            self.run_worker(emojis.names, thread=True, exit_on_error=False)
            for number in (signal.SIGHUP, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, self._leave)
            if self._host.preferences.shows_pictures and isinstance(self._driver, TerminalDriver):
                self._driver.ask_for_pictures()
        self.set_interval(1 / FRAMES_PER_S, self._frame)
        self.set_interval(SAVE_EVERY_S, self._save)
        if self._host.nick:
            introduction = Introduction(self._host.nick, self._host.addresses, "")
            problem = self._start_link(introduction)
            if problem:
                self._introduce(problem)
            else:
                self._open_main()
        else:
            self._introduce()

    def _introduce(self, problem: str = "") -> None:
        """Ask for a name and a server, until a connection works."""
        self.push_screen(WelcomeScreen(self._host.nick, self._host.addresses, problem))

    def on_welcome_screen_submitted(self, event: WelcomeScreen.Submitted) -> None:
        problem = self._start_link(event.introduction)
        if problem and self._welcome is not None:
            self._welcome.show_problem(problem)

    def on_welcome_screen_left(self, event: WelcomeScreen.Left) -> None:
        if event.is_connecting:
            self._stop_link()
        else:
            self._leave()

    @property
    def _welcome(self) -> WelcomeScreen | None:
        found = self.screen_stack[-1] if self.screen_stack else None
        return found if isinstance(found, WelcomeScreen) else None

    def _start_link(self, introduction: Introduction) -> str:
        """Start to connect; return what is wrong with the answers, or "" if nothing is."""
        try:
            link = self._host.start(introduction, self._handle_effect)
        except ValueError as error:
            return str(error)
        self._link = link
        self._introduction = introduction
        self._has_worked = False
        self._effects_kept.clear()
        self._run_link("link", link)
        return ""

    def _run_link(self, group: str, link: Link) -> None:
        self.run_worker(self._run(link), group=group, exclusive=True, exit_on_error=False)

    def _make_screen(self, host: Host, link: Link) -> MainScreen:
        preferences = self._host.preferences
        return MainScreen(link, self._calendar, preferences, self.servers, host.active)

    def _first_model(self) -> Model | None:
        return None if self._link is None else self._link.model

    def _stop_link(self) -> None:
        self.workers.cancel_group(self, "link")
        self._link = None

    def _open_main(self) -> None:
        assert self._link is not None
        self.push_screen(self._make_screen(self._host, self._link))
        self.servers.open_all(self._link.model.nick)

    def _follow_connection(self) -> None:
        """Keep answers that worked; leave the form then, or show in it why they did not."""
        link, welcome = self._link, self._welcome
        if link is None or self._introduction is None:
            return
        connection = link.model.connection
        if connection.phase is Phase.ONLINE and not self._has_worked:
            self._has_worked = True
            self._host.worked(self._introduction)
            if welcome is not None:
                self.pop_screen()
                self._open_main()
        elif welcome is not None and connection.problem is not None:
            addresses = self._introduction.addresses
            is_over = connection.attempt >= len(addresses) or connection.phase is Phase.STOPPED
            if is_over or connection.problem.kind is ProblemKind.NAME:
                problem = connection.problem
                self._stop_link()
                words = " ".join(part for part in (problem.text, problem.advice) if part)
                welcome.show_problem(words, problem.kind)

    def on_introduction_wanted(self, event: IntroductionWanted) -> None:
        if self.servers.front != FIRST:
            name = self.servers.front
            self.notify(f"Change [servers.{name}] in the settings, and open {name} again")
            return
        self.run_worker(self._start_over(event.problem))

    async def _start_over(self, problem: str) -> None:
        """Close the connection and its screens, and ask for name and server again."""
        self._save()
        self._stop_link()
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        self._introduce(problem)

    def action_help_quit(self) -> None:
        """Say how to leave, where Ctrl+C has nothing to copy."""
        self.notify("Ctrl+Q quits Roost", timeout=3)

    def action_redraw(self) -> None:
        """Draw everything again, whatever the terminal shows now."""
        if self._driver is not None and not self.is_headless:
            self._driver.write("\x1b[2J")
        self.refresh(layout=True)

    async def action_quit(self) -> None:
        self._leave()

    def terminal_vanished(self) -> None:
        """End, because nobody can see or type anything any more."""
        self._leave()

    def _leave(self) -> None:
        self.run_worker(self._close(), group="leave", exclusive=True, exit_on_error=False)

    async def _close(self) -> None:
        self._save()
        if self._link is not None:
            await self._link.close()
        await self.servers.close_all()
        self.exit()

    async def _run(self, link: Link) -> None:
        try:
            await link.run()
        except asyncio.CancelledError:
            raise
        except BaseExceptionGroup as group:
            # Failures of the network are problems in the model; what arrives here is our mistake.
            for error in group.exceptions:
                self._handle_exception(error)

    def _save(self) -> None:
        self._host.preferences.theme = self.theme
        self._host.save(self._link)
        self.servers.save()

    # Following the model.

    def _handle_effect(self, effect: InterfaceEffect) -> None:
        screen = self.main_screen
        if self.servers.front != FIRST:
            if isinstance(effect, Attention) and self._link is not None:
                self.call_attention(*attention_words(self._link.model, effect))
            else:
                self._effects_kept.append(effect)
        elif screen is None:
            self._effects_kept.append(effect)
        else:
            # Not at once: an intent may be half done, or the screen not laid out yet.
            screen.call_later(screen.handle_effect, effect)

    @property
    def main_screen(self) -> MainScreen | None:
        """The main screen, if it is open; dialogs may cover it."""
        return next((found for found in self.screen_stack if isinstance(found, MainScreen)), None)

    def _frame(self) -> None:
        self._follow_connection()
        screen = self.main_screen
        if screen is None:
            return
        if self.servers.front == FIRST:
            kept, self._effects_kept = self._effects_kept, []
            for effect in kept:
                self._handle_effect(effect)
        if screen.follow():
            self._idle.changed(clock.monotonic())
        elif not self.is_headless:
            self._idle.look(clock.monotonic())

    def on_main_screen_attention_wanted(self, event: MainScreen.AttentionWanted) -> None:
        self.call_attention(event.title, event.text)

    def call_attention(self, title: str, words: str) -> None:
        """Ring or notify, as the preferences say."""
        choice = self._host.preferences.notify
        data = notifications.sequences(choice, title, words, os.environ)
        if data and self._driver is not None and not self.is_headless:
            self._driver.write(data)

    # Unexpected exceptions.

    def _handle_exception(self, error: BaseException) -> None:
        """Log an unexpected exception and go on, or exit if there are too many of them."""
        if self.mistakes.note(error):
            where = self.mistakes.where
            self.notify(
                f"Something went wrong. Details are in {where}.",
                severity="error",
                markup=False,
            )
        else:
            self._host.save(self._link)
            self.exit(GAVE_UP.format(where=self.mistakes.where), return_code=1)
