"""What the interface needs from the connection and from its host."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from roost.client.model import Model
from roost.client.model.effects import InterfaceEffect


@dataclass(frozen=True, slots=True)
class Introduction:
    """The user's answers in the welcome screen."""

    nick: str
    addresses: tuple[str, ...]
    password: str


class Link(Protocol):
    """A model with a connection; `connection.ClientConnection` is one."""

    @property
    def model(self) -> Model:
        """The model to show."""

    async def run(self) -> None:
        """Keep the model connected until cancelled."""

    def flush(self) -> None:
        """Send the model's lines and handle its effects; call this after each intent."""

    async def close(self) -> None:
        """Send QUIT and close the connection."""


@dataclass(slots=True)
class Preferences:
    """What the user can change in the settings."""

    theme: str = ""
    """The client's dark theme if empty."""
    notify: str = "both"
    """"bell", "desktop", "both" or "none"."""
    hides_coming_and_going: bool = False
    shows_pictures: bool = False
    """Whether links to pictures are shown in the terminal when they are opened."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """The user's own keys, as the settings name them; see `keys.check`."""


OnEffect = Callable[[InterfaceEffect], None]


class Host(Protocol):
    """Starts and saves things for the interface: the command line, or a test."""

    preferences: Preferences
    addresses: tuple[str, ...]
    nick: str
    """The user's nickname, if known; if empty, the interface asks."""

    active: str
    """The key of the conversation last in view; may be empty."""

    @property
    def others(self) -> Mapping[str, bool]:
        """The names of other servers in the settings, and whether they are opened at the start."""

    def start(self, introduction: Introduction, on_effect: OnEffect) -> Link:
        """Make a model and its connection.

        Raises:
            ValueError: an answer cannot be used; the message is for people.
        """

    def worked(self, introduction: Introduction) -> None:
        """Keep the answers for the next start: with them, the server was reached."""

    def other(self, name: str) -> "Host":
        """Return the host of another server, by its name in the settings or by its address.

        Raises:
            ValueError: it cannot be used; the message is for people.
        """

    def save(self, link: Link | None) -> None:
        """Save what the next start needs; called every now and then, and at the end."""
