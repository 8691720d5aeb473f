"""Several servers in one window: each has a link and a main screen, and one of them is in front.

Links of servers that are not in front go on. What they ask the interface for waits until their
screen is in front, except calls for attention and error notices, which come at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from textual.app import App

from roost.client.model import SERVER_KEY, Model
from roost.client.model.effects import Attention, InterfaceEffect, Toast
from roost.client.tui.elsewhere import Elsewhere
from roost.client.tui.link import Host, Introduction, Link
from roost.client.tui.main_screen import MainScreen, attention_words
from roost.client.tui.screens.picker import Action

FIRST = ""
"""The name of the server with which the client began."""
FIRST_MODE = "_default"
"""Textual's name for the stack of screens that is there from the beginning."""


@dataclass(slots=True)
class Opened:
    """A server with a link."""

    host: Host
    link: Link
    screen: MainScreen
    kept: list[InterfaceEffect] = field(default_factory=list)
    """What the interface was asked for while the screen was not in front."""


class Servers:
    """The servers of an application besides the first one, which is the application's own."""

    def __init__(
        self,
        app: App[str],
        host: Host,
        first: Callable[[], Model | None],
        make_screen: Callable[[Host, Link], MainScreen],
        run: Callable[[str, Link], None],
    ) -> None:
        """`first` returns the model of the first server; `run` keeps a link running."""
        self._app = app
        self._host = host
        self._first = first
        self._make_screen = make_screen
        self._run = run
        self._opened: dict[str, Opened] = {}
        self.front = FIRST
        """The name of the server in front."""

    @property
    def opened(self) -> Mapping[str, Opened]:
        """The open ones besides the first, by name."""
        return self._opened

    @property
    def is_single(self) -> bool:
        """Whether there is but one."""
        return not self._opened

    def names(self) -> list[str]:
        """Return the open ones in their order, the first one first."""
        return [FIRST, *self._opened]

    def closed(self) -> list[str]:
        """Return the names that the settings have and that are not open."""
        return [name for name in self._host.others if name not in self._opened]

    # Opening and closing.

    def open_all(self, nick: str) -> None:
        """Open those that the settings open at the start."""
        for name, opens in self._host.others.items():
            if opens and name not in self._opened:
                self.open(name, nick)

    def open(self, name: str, nick: str) -> bool:
        """Open a server by its name in the settings, or by its address; say why it cannot be."""

        def handle(effect: InterfaceEffect) -> None:
            self._handle(name, effect)

        try:
            host = self._host.other(name)
            link = host.start(Introduction(host.nick or nick, host.addresses, ""), handle)
        except ValueError as error:
            self._app.notify(f"{name}: {error}", severity="error", markup=False)
            return False
        screen = self._make_screen(host, link)
        self._opened[name] = Opened(host, link, screen)
        self._app.add_mode(_mode(name), lambda: screen)
        self._run(_mode(name), link)
        return True

    async def close(self, name: str) -> None:
        """Close a server; the first one cannot be closed."""
        opened = self._opened.get(name)
        if opened is None:
            return
        if self.front == name:
            await self.show(FIRST)
        del self._opened[name]
        opened.host.save(opened.link)
        await opened.link.close()
        self._app.workers.cancel_group(self._app, _mode(name))
        if _mode(name) in self._app._screen_stacks:  # noqa: SLF001 - shown at least once
            await self._app.remove_mode(_mode(name))

    async def close_all(self) -> None:
        """Save and end all links, because the client ends."""
        for opened in self._opened.values():
            opened.host.save(opened.link)
            await opened.link.close()

    def save(self) -> None:
        for opened in self._opened.values():
            opened.host.save(opened.link)

    # What is in front.

    async def show(self, name: str) -> None:
        """Bring a server to the front."""
        if name == self.front or (name != FIRST and name not in self._opened):
            return
        self.front = name
        await self._app.switch_mode(FIRST_MODE if name == FIRST else _mode(name))
        opened = self._opened.get(name)
        if opened is not None:
            kept, opened.kept = opened.kept, []
            for effect in kept:
                opened.screen.call_later(opened.screen.handle_effect, effect)

    def step(self, step: int) -> str:
        """Return the name of the next or previous server."""
        names = self.names()
        return names[(names.index(self.front) + step) % len(names)]

    def busiest(self) -> str | None:
        """Return the server with something unread that most deserves a look."""
        found = [other for other in self.elsewhere() if other.unread]
        found.sort(key=lambda other: (-other.highlights, -other.unread))
        return found[0].name if found else None

    # What the lists show.

    def elsewhere(self) -> list[Elsewhere]:
        """Return what there is besides the server in front."""
        if self.is_single:
            return []
        found: list[Elsewhere] = []
        for name in self.names():
            model = self._model(name)
            if name == self.front or model is None:
                continue
            conversations = [model.conversations[key] for key in model.order if key != SERVER_KEY]
            found.append(
                Elsewhere(
                    name,
                    self.label(name),
                    sum(conversation.unread for conversation in conversations),
                    sum(conversation.highlights for conversation in conversations),
                )
            )
        return found

    def label(self, name: str) -> str:
        """Return under which name a server is shown."""
        model = self._model(name)
        if name != FIRST or model is None:
            return name
        return model.connection.network or model.connection.address or "Server"

    def actions(self, nick: str) -> list[tuple[str, Action]]:
        """Return what a menu offers: other servers to go to, to open and to close."""
        actions: list[tuple[str, Action]] = []
        for other in self.elsewhere():
            new = f"  ({other.unread} new)" if other.unread else ""
            show = self._later(self.show, other.name)
            actions.append((f"Go to {other.label}{new}", show))
        actions += [
            (f"Open {name}", self._later(self.open_and_show, name, nick)) for name in self.closed()
        ]
        # The one in front first: it is what the user looks at.
        opened = sorted(self._opened, key=lambda name: name != self.front)
        actions += [(f"Close {name}", self._later(self.close, name)) for name in opened]
        return actions

    async def open_and_show(self, name: str, nick: str) -> None:
        """Go to a server, opening it if necessary."""
        if name in self._opened or name == self.label(FIRST) or self.open(name, nick):
            await self.show(FIRST if name == self.label(FIRST) else name)

    def _later(self, do: Callable[..., object], *arguments: object) -> Action:
        return lambda: self._app.call_later(do, *arguments)

    def _model(self, name: str) -> Model | None:
        if name == FIRST:
            return self._first()
        opened = self._opened.get(name)
        return None if opened is None else opened.link.model

    def _handle(self, name: str, effect: InterfaceEffect) -> None:
        opened = self._opened.get(name)
        if opened is None:
            return
        screen = opened.screen
        if self.front == name:
            screen.call_later(screen.handle_effect, effect)
        elif isinstance(effect, Attention):
            title, words = attention_words(opened.link.model, effect)
            self._app.post_message(MainScreen.AttentionWanted(f"{title} ({name})", words))
        elif isinstance(effect, Toast) and effect.is_error:
            words = f"{name}: {effect.text}"
            self._app.notify(words, severity="error", markup=False)
        elif not isinstance(effect, Toast):
            opened.kept.append(effect)


def _mode(name: str) -> str:
    return f"server {name}"
