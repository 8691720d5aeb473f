"""What must be equal on all nodes."""

from typing import ClassVar, TypeAlias

from roost.chat.commands.payload import Payload
from roost.chat.ids import Position, RoomId
from roost.chat.settings import Settings


class Configure(Payload, frozen=True, tag=107):
    """Set the settings that must be equal on all nodes."""

    settings: Settings
    node: str = ""
    """The node whose configuration has these settings; each change of it takes effect once."""
    written: str = ""
    """The settings as `settings.written` returns them."""


class SetSecret(Payload, frozen=True, tag=109):
    """Set the key of the tokens for resuming; only the first one counts."""

    secret: bytes

    def __repr__(self) -> str:
        return "SetSecret(...)"


class SetServicesHost(Payload, frozen=True, tag=118):
    """Set the host with which services such as ChanServ are shown."""

    host: str


class ForgetRoomHistory(Payload, frozen=True, tag=124):
    """Let nobody read what a room does not keep any more; see `chat.retention`."""

    SINCE: ClassVar[int] = 2

    room: RoomId
    before: Position


ClusterCommand: TypeAlias = Configure | SetSecret | SetServicesHost | ForgetRoomHistory
