"""Metadata of users and rooms."""

from typing import TypeAlias

from roost.chat.commands.payload import Payload


class SetMetadata(Payload, frozen=True, tag=36):
    """Set or remove metadata (ircv3.net/specs/extensions/metadata)."""

    target: str
    """A room, a nickname, or "*" for oneself."""
    key: str
    """Empty to remove all keys."""
    value: str | None = None
    """None to remove it."""


class SubscribeMetadata(Payload, frozen=True, tag=37):
    """Change the keys of metadata that the session is told about, in the order of preference."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


MetadataOperation: TypeAlias = SetMetadata | SubscribeMetadata
