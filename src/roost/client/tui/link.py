"""What the interface needs of a connection, and what it keeps for the user."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from roost.client.model import Model
from roost.client.model.effects import InterfaceEffect


@dataclass(frozen=True, slots=True)
class Introduction:
    """What somebody answered who was asked for their name."""

    nick: str
    addresses: tuple[str, ...]
    password: str


class Link(Protocol):
    """A model with a connection behind it; `connection.ClientConnection` is one."""

    @property
    def model(self) -> Model:
        """What is rendered."""

    async def run(self) -> None:
        """Keep the model connected, until cancelled."""

    def flush(self) -> None:
        """Send what the model wants sent; to be called after every intent."""

    async def close(self) -> None:
        """Say goodbye."""


@dataclass(slots=True)
class Preferences:
    """What can be changed in the settings screen."""

    theme: str = ""
    """Empty: the client's dark one."""
    notify: str = "both"
    """"bell", "desktop", "both" or "none"."""
    hides_coming_and_going: bool = False


OnEffect = Callable[[InterfaceEffect], None]


class Host(Protocol):
    """What starts and keeps things for the interface: the command line, or a test."""

    preferences: Preferences
    addresses: tuple[str, ...]
    nick: str
    """Who it was last time, or who was asked for; empty: ask."""

    active: str
    """The key of the conversation that was last in view; may be empty."""

    def start(self, introduction: Introduction, on_effect: OnEffect) -> Link:
        """Make a model and its connection.

        Raises:
            ValueError: what was answered cannot be used; the text is for people.
        """

    def save(self, link: Link | None) -> None:
        """Write what the next start needs; called now and then, and at the end."""
