"""What users change about themselves and their clients."""

from typing import TypeAlias

from roost.chat.commands.payload import Payload


class ChangeNick(Payload, frozen=True, tag=10):
    """Take another nickname."""

    nick: str


class SetAway(Payload, frozen=True, tag=11):
    """Be away with a message, or back with an empty one."""

    message: str


class SetRealname(Payload, frozen=True, tag=12):
    """SETNAME."""

    realname: str


class SetCapabilities(Payload, frozen=True, tag=13):
    """The session's negotiated capabilities, as bits that the IRC layer gives meaning to."""

    capabilities: int


class Monitor(Payload, frozen=True, tag=14):
    """Change the session's MONITOR list."""

    is_cleared: bool
    added: tuple[str, ...]
    removed: tuple[str, ...]


class Quit(Payload, frozen=True, tag=15):
    """End the session at the client's wish."""

    reason: str


class SetAlwaysOn(Payload, frozen=True, tag=25):
    """Stay in the rooms while no client is connected, or no longer."""

    is_on: bool


UserOperation: TypeAlias = (
    ChangeNick | SetAway | SetRealname | SetCapabilities | Monitor | Quit | SetAlwaysOn
)
