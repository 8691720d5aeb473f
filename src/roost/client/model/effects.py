"""What the model asks for besides sending lines; see `Model.take_effects`."""

from dataclasses import dataclass

from roost.client.model.entry import Entry
from roost.client.model.status import Problem


@dataclass(frozen=True, slots=True)
class Attention:
    """Ring or notify: somebody mentioned the user, or wrote to them privately."""

    key: str
    """Of the conversation."""
    entry: Entry


@dataclass(frozen=True, slots=True)
class Toast:
    """Show a short notice, such as a refusal."""

    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Show:
    """Turn to a conversation that was just joined, or asked for by a command."""

    key: str


@dataclass(frozen=True, slots=True)
class Help:
    """Show the answer to /help."""

    commands: tuple[tuple[str, str], ...]
    """How each is used, and what it does."""


@dataclass(frozen=True, slots=True)
class AskName:
    """Ask for another nickname, and pass it to `Model.set_nick`: this one is taken or not allowed.

    The model may be online meanwhile, with the nickname `in_use`.
    """

    wanted: str
    reason: str
    in_use: str = ""


@dataclass(frozen=True, slots=True)
class InterfaceCommand:
    """Run a slash command that belongs to the interface: search, theme, keys, quit, clear, ..."""

    name: str
    argument: str


@dataclass(frozen=True, slots=True)
class Jump:
    """Scroll to an entry, the answer to `Model.jump_to_date`."""

    key: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Reconnect:
    """For the connection: close it and dial again, to `addresses` if there are any."""

    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Disconnect:
    """For the connection: close it and do not dial again."""


@dataclass(frozen=True, slots=True)
class Abandon:
    """For the connection: close it for this reason, then dial again as after any loss."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class UpgradeToTls:
    """For the connection: the server's `sts` policy requires TLS, on this port."""

    port: int


@dataclass(frozen=True, slots=True)
class KeepTls:
    """For the connection: the server's `sts` policy requires TLS for this long from now."""

    duration_s: int


InterfaceEffect = Attention | Toast | Show | Help | AskName | InterfaceCommand | Jump
ConnectionEffect = Reconnect | Disconnect | Abandon | UpgradeToTls | KeepTls
Effect = InterfaceEffect | ConnectionEffect
