"""The real interface and model on an in-memory network: no sockets, no files."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from textual import constants
from textual.pilot import Pilot

from roost.client.connection import now
from roost.client.model import Model, Problem, ProblemKind, Profile
from roost.client.model.effects import Abandon, InterfaceEffect, Reconnect
from roost.client.tui.app import ChatApp
from roost.client.tui.calendar import Calendar
from roost.client.tui.composer import Composer
from roost.client.tui.key_parser import KeyParser
from roost.client.tui.link import Host, Introduction, Link, OnEffect, Preferences
from roost.client.tui.main_screen import MainScreen
from roost.ops import clock
from support.fake_irc_network import Connection, Network

PATIENCE_S = 20.0


class FakeLink:
    """A model on a fake network, which answers a line before `flush` returns."""

    def __init__(self, model: Model, network: Network, on_effect: OnEffect) -> None:
        self.model = model
        self.network = network
        self._on_effect = on_effect
        self.connection: Connection | None = None
        self.sent: list[bytes] = []
        self.is_mute = False
        """Whether the network takes lines but answers none."""
        self.refusal: Problem | None = None
        """Why nothing can be connected, if so."""

    async def run(self) -> None:
        if self.refusal is not None:
            self.model.connecting("test:6667", now())
            self.model.disconnected(now(), self.refusal, now().monotonic_s + 30)
            self.flush()
            await asyncio.sleep(3600)
        self.connect()
        while True:
            self.hear()
            self.model.tick(now())
            self.flush()
            await asyncio.sleep(0.005)

    def connect(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = Connection(self.network)
        self.model.connecting("test:6667", now())
        self.model.connected(now(), is_secure=False)
        self.flush()

    def cut(self) -> None:
        assert self.connection is not None
        self.connection.close()
        self.connection = None
        problem = Problem(ProblemKind.DROPPED, "The connection was lost.")
        self.model.disconnected(now(), problem, now().monotonic_s + 30)
        self.flush()

    def stop(self, problem: Problem) -> None:
        """Lose the connection for good."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        self.model.disconnected(now(), problem, None)
        self.flush()

    def hear(self) -> None:
        while self.connection is not None and self.connection.out and not self.is_mute:
            self.model.receive(self.connection.out.pop(0), now())

    def flush(self) -> None:
        for effect in self.model.take_effects():
            if isinstance(effect, Reconnect):
                self.connect()
            elif isinstance(effect, Abandon):
                self.stop(effect.problem)
            elif isinstance(effect, InterfaceEffect):
                self._on_effect(effect)
        for line in self.model.take_lines():
            self.sent.append(line)
            if self.connection is not None:
                self.connection.receive(line)

    async def close(self) -> None:
        self.model.quit()


class FakeHost:
    """A host that keeps everything in memory."""

    def __init__(self, network: Network, nick: str = "me", rooms: tuple[str, ...] = ("#room",)):
        self.network = network
        self.preferences = Preferences(notify="both")
        self.addresses: tuple[str, ...] = ("test:6667",)
        self.nick = nick
        self.active = ""
        self.rooms = rooms
        self.links: list[FakeLink] = []
        self.refusals: dict[str, Problem] = {}
        """Why an address cannot be reached."""
        self.is_mute = False
        self.saved = 0
        self.other_hosts: dict[str, FakeHost] = {}
        self.others: Mapping[str, bool] = {}

    def other(self, name: str) -> Host:
        if name not in self.other_hosts:
            raise ValueError(f"{name} is not an address")
        return self.other_hosts[name]

    def start(self, introduction: Introduction, on_effect: OnEffect) -> Link:
        profile = Profile(
            nick=introduction.nick,
            rooms=self.rooms,
            password=introduction.password,
            has_markup=True,
            asks_password=True,
        )
        link = FakeLink(Model(profile, "nonce"), self.network, on_effect)
        link.is_mute = self.is_mute
        link.refusal = self.refusals.get(introduction.addresses[0])
        self.links.append(link)
        return link

    def worked(self, introduction: Introduction) -> None:
        self.nick, self.addresses = introduction.nick, introduction.addresses

    def save(self, link: Link | None) -> None:
        self.saved += 1


class Harness:
    """A running interface, and what tests do with it."""

    def __init__(self, app: ChatApp, host: FakeHost, pilot: Pilot[Any]) -> None:
        self.app = app
        self.host = host
        self.network = host.network
        self.pilot = pilot
        self.attention: list[tuple[str, str]] = []
        self.copied: list[str] = []
        app.call_attention = lambda title, words: self.attention.append((title, words))  # type: ignore[method-assign]
        app.copy_to_clipboard = self.copied.append  # type: ignore[method-assign,assignment]

    @property
    def link(self) -> FakeLink:
        return self.host.links[-1]

    @property
    def model(self) -> Model:
        return self.link.model

    @property
    def main(self) -> MainScreen:
        found = self.app.main_screen
        assert found is not None
        return found

    @property
    def composer(self) -> Composer:
        return self.main.pane.composer

    def text(self) -> str:
        """Return what is on the screen."""
        return "\n".join(
            "".join(segment.text for segment in line).rstrip()
            for line in self.app.screen._compositor.render_strips()
        )

    async def wait(self, condition: Callable[[], object], what: str = "it") -> None:
        """Run the program until a condition holds."""
        deadline = clock.monotonic() + PATIENCE_S
        while not condition():
            if clock.monotonic() > deadline:
                raise AssertionError(f"{what} did not come:\n{self.text()}")
            await self.pilot.pause(0.01)

    async def see(self, *words: str) -> str:
        """Wait until all words are on the screen; return the screen."""
        await self.wait(lambda: all(word in self.text() for word in words), f"{words}")
        return self.text()

    async def see_none(self, words: str) -> str:
        """Wait until words are gone from the screen; return the screen."""
        await self.wait(lambda: words not in self.text(), f"the end of {words!r}")
        return self.text()

    async def feed(self, *chunks: str) -> None:
        """Send what a terminal sends, each chunk as one read; ESC alone is over after a while."""
        parser = KeyParser()
        driver = self.app._driver
        assert driver is not None
        for chunk in chunks:
            found = [*parser.feed(chunk)]
            if chunk.endswith("\x1b"):
                # The parser compares with the clock how long nothing has followed.
                await asyncio.sleep(constants.ESCAPE_DELAY + 0.001)
                found += [*parser.tick()]
            for event in found:
                driver.process_message(event)
            await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Press the keys of a text."""
        names = {" ": "space", "/": "slash", "?": "question_mark", "#": "number_sign"}
        await self.pilot.press(*(names.get(letter, letter) for letter in text))

    async def say(self, text: str) -> None:
        """Type a line and press Enter."""
        await self.type(text)
        await self.pilot.press("enter")


@asynccontextmanager
async def open_interface(
    network: Network | None = None,
    *,
    nick: str = "me",
    rooms: tuple[str, ...] = ("#room",),
    size: tuple[int, int] = (80, 24),
    keys: dict[str, str] | None = None,
    others: dict[str, FakeHost] | None = None,
) -> AsyncIterator[Harness]:
    """Run the interface, and fail if it logs an unexpected exception."""
    host = FakeHost(network or Network(), nick, rooms)
    host.preferences.keys = keys or {}
    host.other_hosts = others or {}
    host.others = dict.fromkeys(host.other_hosts, True)
    app = ChatApp(host, calendar=Calendar(dt.UTC))
    async with app.run_test(size=size, notifications=True) as pilot:
        ui = Harness(app, host, pilot)
        yield ui
        assert not app.mistakes.texts, "\n".join(app.mistakes.texts)


def run_async(scenario: Any) -> None:
    asyncio.run(scenario)
