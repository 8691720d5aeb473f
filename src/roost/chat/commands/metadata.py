"""Metadata of users and rooms."""

from typing import TypeAlias

from roost.chat.commands.payload import Payload


class SetMetadata(Payload, frozen=True, tag=36):
    """Set or remove metadata of oneself ("*") or of a room or nickname.

    Source: ircv3.net/specs/extensions/metadata.
    """

    target: str
    key: str
    """Empty to remove all that there is."""
    value: str | None = None
    """None to remove it."""


class SubscribeMetadata(Payload, frozen=True, tag=37):
    """Change which keys of metadata the session is told of, in the order of preference."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


MetadataOperation: TypeAlias = SetMetadata | SubscribeMetadata
