"""What a main screen knows of the other servers of the window; see `servers`."""

from collections.abc import Callable
from typing import NamedTuple, Protocol


class Elsewhere(NamedTuple):
    """A server that is not in front, as the lists show it."""

    name: str
    label: str
    unread: int
    highlights: int


class OtherServers(Protocol):
    """The servers of the window; `servers.Servers` is one."""

    def elsewhere(self) -> list[Elsewhere]:
        """Return what there is besides the server in front."""

    def actions(self, nick: str) -> list[tuple[str, Callable[[], object]]]:
        """Return what a menu offers: other servers to go to, to open and to close."""

    def step(self, step: int) -> str:
        """Return the name of the next or previous server."""

    def busiest(self) -> str | None:
        """Return the server with something unread that most deserves a look."""

    async def show(self, name: str) -> None:
        """Bring a server to the front."""

    async def open_and_show(self, name: str, nick: str) -> None:
        """Go to a server, opening it if necessary."""
