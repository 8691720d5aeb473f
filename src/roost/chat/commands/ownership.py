"""Registered rooms, and what ChanServ does for those who have a say in them."""

from typing import TypeAlias

from roost.chat.commands.payload import Payload


class RegisterRoom(Payload, frozen=True, tag=28):
    """Become a room's founder."""

    room: str


class DropRoom(Payload, frozen=True, tag=29):
    """Let a room be nobody's again."""

    room: str


class SetAccess(Payload, frozen=True, tag=30):
    """Say which status an account gets whenever it enters a room: "o", "v" or "" for none."""

    room: str
    account: str
    letter: str


class TransferRoom(Payload, frozen=True, tag=31):
    """Offer a room to another account, or take the offer back by offering it to oneself."""

    room: str
    account: str


class AcceptRoom(Payload, frozen=True, tag=32):
    """Become the founder of a room that one was offered."""

    room: str


class GiveStatus(Payload, frozen=True, tag=33):
    """Have ChanServ give somebody in a room "o" or "v", or take it."""

    room: str
    nick: str
    letter: str
    is_added: bool


class ClearRoom(Payload, frozen=True, tag=34):
    """Have ChanServ lift bans: all ("bans"), or those that match oneself ("own-bans").

    Or end all the access that was given ("access"), or remove everybody else ("users").
    """

    room: str
    what: str


OwnershipOperation: TypeAlias = (
    RegisterRoom | DropRoom | SetAccess | TransferRoom | AcceptRoom | GiveStatus | ClearRoom
)
