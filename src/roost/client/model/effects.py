"""What the model asks of whoever drives it, beside sending lines: `Model.take_effects`."""

from dataclasses import dataclass

from roost.client.model.entry import Entry
from roost.client.model.status import Problem


@dataclass(frozen=True, slots=True)
class Attention:
    """Somebody named the reader or wrote to them privately: ring a bell, show a notification."""

    key: str
    """The conversation's."""
    entry: Entry


@dataclass(frozen=True, slots=True)
class Toast:
    """Say something briefly: a refusal, a change of one's own name."""

    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Show:
    """Turn to a conversation: it was just joined, or asked for by a command."""

    key: str


@dataclass(frozen=True, slots=True)
class Help:
    """Show these lines: the answer to /help."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskName:
    """The name is taken or not allowed: ask for another, and call `Model.set_nick` with it.

    Meanwhile the model may be online already, under the name `in_use`.
    """

    wanted: str
    reason: str
    in_use: str = ""


@dataclass(frozen=True, slots=True)
class InterfaceCommand:
    """A slash command that is the interface's to obey: search, theme, keys, quit, clear, ..."""

    name: str
    argument: str


@dataclass(frozen=True, slots=True)
class Jump:
    """Show the entry: the answer to `Model.jump_to_date`, once it is loaded."""

    key: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Reconnect:
    """For the connection: drop what there is and dial; `addresses` are new ones, or empty."""

    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Disconnect:
    """For the connection: close, and do not dial again."""


@dataclass(frozen=True, slots=True)
class Abandon:
    """For the connection: close it because of this, and go on as after any other loss."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class UpgradeToTls:
    """For the connection: the server's `sts` policy wants TLS, on this port."""

    port: int


@dataclass(frozen=True, slots=True)
class KeepTls:
    """For the connection: the server's `sts` policy wants TLS for this long, from now."""

    duration_s: int


InterfaceEffect = Attention | Toast | Show | Help | AskName | InterfaceCommand | Jump
ConnectionEffect = Reconnect | Disconnect | Abandon | UpgradeToTls | KeepTls
Effect = InterfaceEffect | ConnectionEffect
