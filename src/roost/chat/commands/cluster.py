"""What must be equal on all nodes."""

from typing import TypeAlias

from roost.chat.commands.payload import Payload
from roost.chat.settings import Settings


class Configure(Payload, frozen=True, tag=107):
    """The settings that must be equal on all nodes."""

    settings: Settings
    node: str = ""
    """Whose configuration says so; it is heard once for each change of it."""
    written: str = ""
    """What it says, as `settings.written` has it."""


class SetSecret(Payload, frozen=True, tag=109):
    """The key that tokens for resuming are made with; only the first one counts."""

    secret: bytes

    def __repr__(self) -> str:
        return "SetSecret(...)"


class SetServicesHost(Payload, frozen=True, tag=118):
    """The host that ChanServ and the like show themselves under."""

    host: str


ClusterCommand: TypeAlias = Configure | SetSecret | SetServicesHost
