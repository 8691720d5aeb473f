"""The dialog that changes settings; changes take effect at once."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Label, Select, Static, Switch

from roost.client.tui.link import Preferences
from roost.client.tui.screens.dialog import Box, Dialog

NOTIFY = (
    ("ring the bell", "bell"),
    ("show a desktop notification", "desktop"),
    ("both", "both"),
    ("nothing", "none"),
)


class SettingsDialog(Dialog[None]):
    """Changes the preferences and the theme."""

    def __init__(self, preferences: Preferences) -> None:
        super().__init__()
        self._preferences = preferences

    def compose(self) -> ComposeResult:
        themes = [
            (name.replace("-", " "), name)
            for name, theme in sorted(self.app.available_themes.items())
            if not theme.ansi
        ]
        notify, shown = self._preferences.notify, not self._preferences.hides_coming_and_going
        with Box("Settings"):
            with Horizontal(classes="setting"):
                yield Label("Colours")
                yield Select(
                    themes, value=self.app.theme, allow_blank=False, id="theme", compact=True
                )
            with Horizontal(classes="setting"):
                yield Label("When you are mentioned")
                yield Select(NOTIFY, value=notify, allow_blank=False, id="notify", compact=True)
            with Horizontal(classes="setting"):
                yield Label("Show who comes and goes")
                yield Switch(shown, id="coming", animate=False)
            yield Static(
                "Changes take effect at once and are saved. Escape closes.", classes="hint"
            )

    def on_select_changed(self, event: Select.Changed) -> None:
        event.stop()
        if event.select.id == "theme":
            self.app.theme = str(event.value)
        else:
            self._preferences.notify = str(event.value)

    def on_switch_changed(self, event: Switch.Changed) -> None:
        event.stop()
        self._preferences.hides_coming_and_going = not event.value
