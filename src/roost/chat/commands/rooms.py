"""Rooms: their members, topics and names."""

from typing import TypeAlias

from roost.chat.commands.payload import Payload


class Join(Payload, frozen=True, tag=2):
    """Enter a room, and create it if it does not exist."""

    room: str
    key: str = ""


class Part(Payload, frozen=True, tag=3):
    room: str
    reason: str = ""


class PartAll(Payload, frozen=True, tag=4):
    """Leave every room (JOIN 0)."""


class SetTopic(Payload, frozen=True, tag=5):
    """Set a room's topic, or clear it if it is empty."""

    room: str
    topic: str


class Kick(Payload, frozen=True, tag=8):
    room: str
    nick: str
    reason: str = ""


class Invite(Payload, frozen=True, tag=9):
    room: str
    nick: str


class RenameRoom(Payload, frozen=True, tag=35):
    """Rename a room (ircv3.net/specs/extensions/channel-rename)."""

    room: str
    name: str
    reason: str = ""


RoomOperation: TypeAlias = Join | Part | PartAll | SetTopic | Kick | Invite | RenameRoom
