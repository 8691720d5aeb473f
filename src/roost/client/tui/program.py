"""What the screens may ask of the program, and the deeds of the main screen."""

from textual.app import App
from textual.screen import Screen

from roost.client.model import Model
from roost.client.tui.calendar import Calendar
from roost.client.tui.composer import Composer
from roost.client.tui.conversation_view import ConversationView
from roost.client.tui.find_bar import FindBar
from roost.client.tui.link import Link, Preferences
from roost.client.tui.palette import Palette
from roost.client.tui.safety import Guarded


class Program(Guarded, App[str]):
    """The application, as its screens see it; `app.ChatApp` is it."""

    palette: Palette
    calendar: Calendar
    preferences: Preferences
    is_looked_at: bool
    """Whether the terminal has the user's attention, as far as it tells."""

    def call_attention(self, title: str, words: str) -> None:
        """Ring or notify, as the user wants it."""
        raise NotImplementedError

    def switch_theme(self) -> None:
        """Turn light to dark, or dark to light."""
        raise NotImplementedError

    async def begin_anew(self, problem: str = "") -> None:
        """Give the connection up, and ask again who it is and where to go."""
        raise NotImplementedError

    def leave(self) -> None:
        """Say goodbye and end."""
        raise NotImplementedError


class Stage(Guarded, Screen[None]):
    """The main screen, as its deeds see it; `main_screen.MainScreen` is it."""

    link: Link
    model: Model
    view: ConversationView
    composer: Composer
    find_bar: FindBar

    @property
    def program(self) -> Program:
        """The application."""
        assert isinstance(self.app, Program)
        return self.app

    def turn_to(self, key: str) -> None:
        """Show another conversation."""
        raise NotImplementedError

    def set_palette(self, palette: Palette) -> None:
        """Use other colours."""
        raise NotImplementedError

    def reply(self, msgid: str) -> None:
        """Let what is written next answer a message."""
        raise NotImplementedError

    def show_keys(self) -> None:
        """Show which key does what."""
        raise NotImplementedError

    def reconnect(self) -> None:
        """Try again at once."""
        raise NotImplementedError
