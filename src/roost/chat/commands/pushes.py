"""Web push: where an account's phones are told of messages."""

from typing import ClassVar, TypeAlias

from roost.chat.commands.payload import Payload
from roost.chat.ids import AccountId


class RegisterPush(Payload, frozen=True, tag=81):
    """Tell a device of one's account about messages; replaces what is known of the endpoint."""

    SINCE: ClassVar[int] = 2

    endpoint: str
    public_key: bytes
    """The device's P-256 key, as an uncompressed point."""
    secret: bytes
    """What it shares with the server to recognise its messages; 16 bytes."""
    capabilities: int
    """What its messages look like, as bits of `irc.capabilities`."""


class UnregisterPush(Payload, frozen=True, tag=82):
    """Tell a device no more."""

    SINCE: ClassVar[int] = 2

    endpoint: str


class DropPush(Payload, frozen=True, tag=161):
    """Forget a device, because its push service says that it is gone."""

    SINCE: ClassVar[int] = 2

    account: AccountId
    endpoint: str


PushOperation: TypeAlias = RegisterPush | UnregisterPush
PushCommand: TypeAlias = DropPush
