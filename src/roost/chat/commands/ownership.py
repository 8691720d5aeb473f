"""Registered rooms, and what ChanServ does for their owners."""

from typing import ClassVar, TypeAlias

from roost.chat.commands.payload import Payload


class RegisterRoom(Payload, frozen=True, tag=28):
    """Register a room, and become its founder."""

    room: str


class DropRoom(Payload, frozen=True, tag=29):
    """End the registration of a room."""

    room: str


class SetAccess(Payload, frozen=True, tag=30):
    """Set the status that an account gets whenever it enters a room."""

    room: str
    account: str
    letter: str
    """"o", "v", or "" for none."""


class TransferRoom(Payload, frozen=True, tag=31):
    """Offer a room to another account; offering it to oneself withdraws the offer."""

    room: str
    account: str


class AcceptRoom(Payload, frozen=True, tag=32):
    """Accept the offer of a room, and become its founder."""

    room: str


class GiveStatus(Payload, frozen=True, tag=33):
    """Have ChanServ give a member a status, or take it."""

    room: str
    nick: str
    letter: str
    """"o" or "v"."""
    is_added: bool


class ClearRoom(Payload, frozen=True, tag=34):
    """Have ChanServ clear something in a room."""

    room: str
    what: str
    """"bans", "own-bans" (those that match oneself), "access", or "users" (everybody else)."""


class SetRetention(Payload, frozen=True, tag=90):
    """Set how much of a room's history is kept; 0 is all."""

    SINCE: ClassVar[int] = 2

    room: str
    duration_s: int
    messages: int


OwnershipOperation: TypeAlias = (
    RegisterRoom
    | DropRoom
    | SetAccess
    | TransferRoom
    | AcceptRoom
    | GiveStatus
    | ClearRoom
    | SetRetention
)
