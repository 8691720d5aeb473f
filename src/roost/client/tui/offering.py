"""Everything that the client can do, for the command palette: keys, commands and themes."""

from collections.abc import Callable
from functools import partial

from textual.screen import Screen

from roost.client.model.commands import COMMANDS, Command
from roost.client.tui.keys import groups
from roost.client.tui.link import Preferences
from roost.client.tui.screens.settings import NOTIFY
from roost.client.tui.screens.switcher import Offer


def everything(
    screen: Screen[None],
    preferences: Preferences,
    submit: Callable[[str], object],
    put: Callable[[str], object],
) -> list[Offer]:
    """Return all offers.

    `submit` runs a command line, `put` writes one to be completed.
    """
    app = screen.app
    offers = [
        Offer(
            _sentence(key.meaning),
            key.shown,
            partial(screen.call_later, screen.run_action, key.action),
        )
        for group in groups(preferences.keys)
        for key in group.keys
        if key.action
    ]
    for command in COMMANDS.values():
        words = f"/{command.name} {command.parameters}".rstrip()
        does = partial(put, f"/{command.name} ")
        if not needs_words(command):
            does = partial(submit, f"/{command.name}")
        offers.append(Offer(words, command.help, does))
    for choice, value in NOTIFY:
        choose = partial(setattr, preferences, "notify", value)
        offers.append(Offer(f"When you are mentioned: {choice}", "settings", choose))
    for name, theme in sorted(app.available_themes.items()):
        if not theme.ansi:
            offers.append(Offer(f"Theme: {name}", "colours", partial(setattr, app, "theme", name)))
    return offers


def needs_words(command: Command) -> bool:
    """Return whether a command is typed with something after its name."""
    return bool(command.parameters) and command.parameters not in ("[COMMAND]", "[REASON]")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
