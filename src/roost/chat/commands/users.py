"""What users change about themselves and their sessions."""

from typing import ClassVar, TypeAlias

from roost.chat.commands.payload import Payload


class ChangeNick(Payload, frozen=True, tag=10):
    nick: str


class SetAway(Payload, frozen=True, tag=11):
    message: str
    """Empty to be back."""


class SetRealname(Payload, frozen=True, tag=12):
    realname: str


class SetCapabilities(Payload, frozen=True, tag=13):
    capabilities: int
    """The bits of `irc.capabilities` that the session has negotiated."""


class Monitor(Payload, frozen=True, tag=14):
    """Change the session's MONITOR list."""

    is_cleared: bool
    added: tuple[str, ...]
    removed: tuple[str, ...]


class Quit(Payload, frozen=True, tag=15):
    reason: str


class SetAlwaysOn(Payload, frozen=True, tag=25):
    """Stay online while no client is connected, or no longer."""

    is_on: bool


class Accept(Payload, frozen=True, tag=55):
    """Change whom one accepts in spite of user mode R."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


class SetAutoreplay(Payload, frozen=True, tag=80):
    """Choose how many earlier messages a client is shown when it enters a room."""

    SINCE: ClassVar[int] = 2

    lines: int
    """-1 to leave it to the server, 0 for none."""
    is_for_account: bool
    """For all clients of the account, or for this session."""


UserOperation: TypeAlias = (
    ChangeNick
    | SetAway
    | SetRealname
    | SetCapabilities
    | Monitor
    | Quit
    | SetAlwaysOn
    | Accept
    | SetAutoreplay
)
