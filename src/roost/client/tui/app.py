"""The terminal client: `ChatApp` over a `Link`.

The model changes at any rate; the screen follows it at most `FRAMES_PER_S` times a second, and
then looks only at what the revisions say has changed.
"""

import asyncio
import os
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.theme import Theme

from roost.client.model.effects import Effect
from roost.client.tui import notifications
from roost.client.tui.calendar import Calendar
from roost.client.tui.idle import IdleCollector
from roost.client.tui.link import Host, Introduction, Link
from roost.client.tui.main_screen import MainScreen
from roost.client.tui.palette import Palette
from roost.client.tui.program import Program
from roost.client.tui.safety import Mistakes
from roost.client.tui.screens.welcome import WelcomeScreen
from roost.client.tui.themes import DARK, THEMES, opposite
from roost.ops import clock

FRAMES_PER_S = 30
KEEP_EVERY_S = 20.0
"""How often what is to be remembered is written; a crash loses no more."""
GAVE_UP = "roost chat had to stop because of a mistake of its own. It is written down in {where}."


class ChatApp(Program):
    """The client; its result is a sentence to print at the end, or None."""

    CSS_PATH = "styles.tcss"
    TITLE = "Roost"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "help_quit", show=False, system=True),
    ]

    def __init__(
        self, host: Host, *, log_path: Path | None = None, calendar: Calendar | None = None
    ) -> None:
        super().__init__()
        self._host = host
        self.preferences = host.preferences
        self.calendar = calendar or Calendar()
        self.mistakes = Mistakes(log_path)
        self.link: Link | None = None
        self.is_looked_at = True
        self._idle = IdleCollector()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self._usable(self.preferences.theme)
        self.palette = Palette(self.current_theme)

    # Beginning and end.

    def on_mount(self) -> None:
        """Ask who it is, unless that is known."""
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        if not self.is_headless:
            # Of the whole process, so not where the interface is a part of something else.
            self._idle.begin()
        self.set_interval(1 / FRAMES_PER_S, self._frame)
        self.set_interval(KEEP_EVERY_S, self._keep)
        if self._host.nick:
            self.begin(Introduction(self._host.nick, self._host.addresses, ""))
        else:
            self.introduce()

    def introduce(self, problem: str = "") -> None:
        """Ask who it is, and where to go."""

        def answered(introduction: Introduction | None) -> None:
            if introduction is None:
                self.leave()
            else:
                self.begin(introduction)

        screen = WelcomeScreen(self._host.nick, self._host.addresses, problem)
        self.push_screen(screen, answered)

    def begin(self, introduction: Introduction) -> None:
        """Connect, and show the conversations."""
        try:
            link = self._host.start(introduction, self._changed, self._effect)
        except ValueError as error:
            self.introduce(str(error))
            return
        self.link = link
        self._host.nick = introduction.nick
        self._host.addresses = introduction.addresses
        self.push_screen(MainScreen(link, self._host.active))
        self.run_worker(self._run(link), group="link", exclusive=True, exit_on_error=False)

    async def begin_anew(self, problem: str = "") -> None:
        """Give the connection up, and ask again who it is and where to go."""
        self._keep()
        self.workers.cancel_group(self, "link")
        self.link = None
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        self.introduce(problem)

    def leave(self) -> None:
        """Say goodbye and end."""
        self.run_worker(self._leave(), group="leave", exclusive=True, exit_on_error=False)

    def action_help_quit(self) -> None:
        """Ctrl+C copies where there is something to copy, and else says how to leave."""
        self.notify("Ctrl+Q leaves Roost", timeout=3)

    async def action_quit(self) -> None:
        """Leave in order; Ctrl+Q is Textual's own key for this action."""
        self.leave()

    async def _leave(self) -> None:
        self._keep()
        if self.link is not None:
            await self.link.close()
        self.exit()

    async def _run(self, link: Link) -> None:
        try:
            await link.run()
        except asyncio.CancelledError:
            raise
        except BaseExceptionGroup as group:
            # The model says in words what the network does; what comes here is a mistake of ours.
            for error in group.exceptions:
                self._handle_exception(error)

    def _keep(self) -> None:
        self.preferences.theme = self.theme
        self._host.keep(self.link)

    # What the link tells.

    def _changed(self) -> None:
        """Note that the model changed; the next frame looks at its revisions anyway."""

    def _effect(self, effect: Effect) -> None:
        screen = self.main_screen
        if screen is not None:
            # Not at once: an intent may be half done, on a screen that is not laid out yet.
            screen.call_later(screen.obey, effect)

    @property
    def main_screen(self) -> MainScreen | None:
        """The screen with the conversations, if one has come so far."""
        return next((found for found in self.screen_stack if isinstance(found, MainScreen)), None)

    def _frame(self) -> None:
        screen = self.main_screen
        if screen is None:
            return
        if screen.follow():
            self._idle.changed(clock.monotonic())
        elif not self.is_headless:
            self._idle.look(clock.monotonic())

    # Looks.

    def switch_theme(self) -> None:
        """Turn light to dark, or dark to light."""
        self.theme = opposite(self.theme, is_dark=self.current_theme.dark)

    def _usable(self, name: str) -> str:
        theme = self.get_theme(name) if name else None
        return name if theme is not None and not theme.ansi else DARK

    def _theme_changed(self, theme: Theme) -> None:
        self.palette = Palette(theme)
        screen = self.main_screen
        if screen is not None:
            screen.set_palette(self.palette)

    # Attention.

    def on_app_focus(self) -> None:
        """The user looks here."""
        self.is_looked_at = True
        screen = self.main_screen
        if screen is not None:
            screen.looked_at()

    def on_app_blur(self) -> None:
        """The user looks elsewhere."""
        self.is_looked_at = False
        screen = self.main_screen
        if screen is not None:
            screen.looked_away()

    def call_attention(self, title: str, words: str) -> None:
        """Ring or notify, as the user wants it."""
        data = notifications.sequences(self.preferences.notify, title, words, os.environ)
        if data and self._driver is not None and not self.is_headless:
            self._driver.write(data)

    # Mistakes.

    def _handle_exception(self, error: BaseException) -> None:
        """Write it down and go on; end in words when it does not stop."""
        if self.mistakes.note(error):
            where = self.mistakes.where
            self.notify(
                f"Something went wrong here, and was written to {where}.",
                severity="error",
                markup=False,
            )
        else:
            self._host.keep(self.link)
            self.exit(GAVE_UP.format(where=self.mistakes.where), return_code=1)
