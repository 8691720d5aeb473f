"""Modes of rooms and users."""

from typing import TypeAlias

import msgspec

from roost.chat.commands.payload import Payload


class ModeChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One letter of a MODE command."""

    is_added: bool
    letter: str
    parameter: str = ""


class SetRoomModes(Payload, frozen=True, tag=6):
    """Change a room's modes; the node has checked the letters and the presence of parameters."""

    room: str
    changes: tuple[ModeChange, ...]


class SetUserModes(Payload, frozen=True, tag=7):
    """Change one's own user modes."""

    nick: str
    changes: tuple[ModeChange, ...]


ModeOperation: TypeAlias = SetRoomModes | SetUserModes
